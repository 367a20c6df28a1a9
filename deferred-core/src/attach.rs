//! Attaching functions to a Deferred.

use alloc::alloc::Layout;
use core::convert::Infallible;
use core::fmt::Debug;
use core::panic::Location;
use core::ptr::NonNull;

use crate::cell::{Header, take};
use crate::chain::EntryVTable;
use crate::deferred::{Deferred, End};
use crate::failure::{Failure, FailureKind, Outcome};
use crate::postpone::drop_value;
use crate::repr::Repr;
use crate::run::{Waited, run};
use crate::state::{Phase, State};
use crate::unwind::catch;

/// What a callback may return: an [`Outcome`], done now, or a [`Deferred`] to wait for.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let (resolver, inner) = Deferred::<u8>::new();
/// let mut d = Deferred::<u8>::succeed(1)
///     .add_callback(|n| Ok(n + 1))
///     .add_callback(move |n| inner.add_callback(move |m| Ok(n + m)));
/// resolver.callback(40).unwrap();
/// assert_eq!(d.try_take(), Some(Ok(42)));
/// ```
pub trait IntoDeferred<E: Debug> {
    /// What it comes to when it does not fail.
    type Value;

    /// Returns the Deferred of it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels it if it is pending; an [`Outcome`] never is.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{IntoDeferred, Outcome};
    ///
    /// let outcome: Outcome<u8, &str> = Ok(1);
    /// assert_eq!(outcome.into_deferred().try_take(), Some(Ok(1)));
    /// ```
    fn into_deferred(self) -> Deferred<Self::Value, E>;
}

impl<T, E: Debug> IntoDeferred<E> for Deferred<T, E> {
    type Value = T;

    #[inline]
    fn into_deferred(self) -> Self {
        self
    }
}

impl<T, E: Debug> IntoDeferred<E> for Outcome<T, E> {
    type Value = T;

    #[inline]
    fn into_deferred(self) -> Deferred<T, E> {
        Deferred::from_outcome(self)
    }
}

type Created = &'static Location<'static>;

/// The methods that attach functions.
///
/// A function runs on whichever thread fires, so it and what goes through it must be `Send + 'static`.
/// When the result is there already, it runs before the method returns.
/// A panic in it becomes a failure of kind [`FailureKind::Panicked`] for the next function (with `std`).
///
/// Attaching costs amortised constant time and, now and then, an allocation: one for up to three small functions, two
/// for ten, four for a hundred. With `std` the first is often memory of an earlier chain.
impl<T, E> Deferred<T, E>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    /// Runs `f` with the value, when there is one; a failure passes by.
    ///
    /// When `f` returns a Deferred, the chain waits for it.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels what the chain waits for, see [`Deferred`](Deferred#cancelling).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use std::num::ParseIntError;
    ///
    /// let mut d = Deferred::<&str, ParseIntError>::succeed("20").add_callback(|s| Ok(s.parse::<u8>()? + 1));
    /// assert_eq!(d.try_take(), Some(Ok(21)));
    /// ```
    #[doc(alias = "addCallback")]
    #[doc(alias = "and_then")]
    #[inline]
    #[track_caller]
    pub fn add_callback<F, R>(self, f: F) -> Deferred<R::Value, E>
    where
        F: FnOnce(T) -> R + Send + 'static,
        R: IntoDeferred<E>,
        R::Value: Send + 'static,
    {
        self.then(move |outcome, created| match outcome {
            Ok(value) => call(|| f(value), created),
            Err(failure) => {
                drop_value(f);
                Deferred::from_outcome(Err(failure))
            }
        })
    }

    /// Runs `f` with the failure, when there is one; a value passes by.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels what the chain waits for, see [`Deferred`](Deferred#cancelling).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let mut d = Deferred::<u8, &str>::fail("no").add_errback(|_| Ok(0));
    /// assert_eq!(d.try_take(), Some(Ok(0)));
    /// ```
    #[doc(alias = "addErrback")]
    #[doc(alias = "or_else")]
    #[inline]
    #[track_caller]
    pub fn add_errback<F, R>(self, f: F) -> Self
    where
        F: FnOnce(Failure<E>) -> R + Send + 'static,
        R: IntoDeferred<E, Value = T>,
    {
        self.then(move |outcome, created| match outcome {
            Err(failure) => call(|| f(failure), created),
            Ok(value) => {
                drop_value(f);
                Deferred::from_outcome(Ok(value))
            }
        })
    }

    /// Runs `f` with whatever there is.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels what the chain waits for, see [`Deferred`](Deferred#cancelling).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let mut d = Deferred::<u8, &str>::fail("no").add_both(|outcome| Ok(outcome.is_err()));
    /// assert_eq!(d.try_take(), Some(Ok(true)));
    /// ```
    #[doc(alias = "addBoth")]
    #[inline]
    #[track_caller]
    pub fn add_both<F, R>(self, f: F) -> Deferred<R::Value, E>
    where
        F: FnOnce(Outcome<T, E>) -> R + Send + 'static,
        R: IntoDeferred<E>,
        R::Value: Send + 'static,
    {
        self.then(move |outcome, created| call(|| f(outcome), created))
    }

    /// Runs one of two functions: `f` with the value or `g` with the failure.
    ///
    /// The two stand side by side: `g` does not see a failure of `f`.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels what the chain waits for, see [`Deferred`](Deferred#cancelling).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let mut d = Deferred::<u8, &str>::succeed(3).add_callbacks(|n| Ok(n.to_string()), |_| Ok("none".into()));
    /// assert_eq!(d.try_take(), Some(Ok("3".to_string())));
    /// ```
    #[doc(alias = "addCallbacks")]
    #[inline]
    #[track_caller]
    pub fn add_callbacks<F, G, R, S>(self, f: F, g: G) -> Deferred<R::Value, E>
    where
        F: FnOnce(T) -> R + Send + 'static,
        G: FnOnce(Failure<E>) -> S + Send + 'static,
        R: IntoDeferred<E>,
        R::Value: Send + 'static,
        S: IntoDeferred<E, Value = R::Value>,
    {
        self.then(move |outcome, created| match outcome {
            Ok(value) => {
                drop_value(g);
                call(|| f(value), created)
            }
            Err(failure) => {
                drop_value(f);
                call(|| g(failure), created)
            }
        })
    }

    /// Changes the user's error; failures of other kinds pass by.
    ///
    /// Only this and [`widen`](Deferred::widen) change `E` along a chain.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels what the chain waits for, see [`Deferred`](Deferred#cancelling).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, FailureKind};
    ///
    /// let mut d = Deferred::<u8, &str>::fail("no").map_err(str::len);
    /// assert_eq!(d.try_take().unwrap().unwrap_err().kind(), FailureKind::Error(&2));
    /// ```
    #[inline]
    #[track_caller]
    pub fn map_err<E2, F>(self, f: F) -> Deferred<T, E2>
    where
        F: FnOnce(E) -> E2 + Send + 'static,
        E2: Debug + Send + 'static,
    {
        self.then(move |outcome, created| match outcome {
            Ok(value) => {
                drop_value(f);
                Deferred::from_outcome(Ok(value))
            }
            Err(failure) => call(|| Err::<T, _>(failure.map_error(f)), created),
        })
    }

    /// Attaches `step`, which must not unwind.
    #[inline]
    #[track_caller]
    pub(crate) fn then<U, E2, S>(self, step: S) -> Deferred<U, E2>
    where
        U: Send + 'static,
        E2: Debug + Send + 'static,
        S: FnOnce(Outcome<T, E>, Created) -> Deferred<U, E2> + Send + 'static,
    {
        // Most have a cell.
        let cell = match self.into_cell().map_err(Deferred::into_end) {
            Ok(cell) | Err(End::Cell(cell)) => cell,
            Err(End::Ready(outcome)) => return step(outcome, Location::caller()),
            Err(End::Taken) => panic!("attached a function to a Deferred whose result was taken"),
        };
        // SAFETY: the consumer's side was just taken out of the Deferred, whose type is that of the chain's end.
        unsafe {
            let header = cell.as_ref();
            let s = header.load();
            if s.is_takeable() && s.refs() == 0 {
                let created = header.created();
                return step(take(cell), created);
            }
            header.chain.push(const { &entry::<T, E, U, E2, S>() }, step);
            if header.set(State::MORE).is(Phase::Done) {
                run_more(cell);
            }
        }
        Deferred::from_cell(cell)
    }
}

impl<T: Send + 'static> Deferred<T, Infallible> {
    /// Changes the error type of a Deferred that has no error of its own, to chain fallible work.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels what the chain waits for, see [`Deferred`](Deferred#cancelling).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let mut d = Deferred::<u8>::succeed(1).widen::<String>().add_callback(|_| Err::<u8, _>("no".to_string().into()));
    /// assert_eq!(d.try_take().unwrap().unwrap_err().to_string(), "no");
    /// ```
    #[inline]
    #[track_caller]
    pub fn widen<E: Debug + Send + 'static>(self) -> Deferred<T, E> {
        self.then(|outcome, _| Deferred::from_outcome(outcome.map_err(Failure::widen)))
    }
}

/// Runs what was attached to a cell that had finished.
///
/// # Safety
///
/// The caller must be the consumer.
#[cold]
unsafe fn run_more(cell: NonNull<Header>) {
    let go_on =
        |s: State| Some(if s.pauses() > 0 { s.to(Phase::Held) } else { s.to(Phase::Running).without(State::MORE) });
    // SAFETY: as promised; nobody but the consumer makes a finished cell run again.
    unsafe {
        let (Ok(before) | Err(before)) = cell.as_ref().update(go_on);
        if before.pauses() == 0 {
            run(cell);
        }
    }
}

/// Calls a function of the user's; a panic becomes a failure.
#[inline]
pub(crate) fn call<R, E>(f: impl FnOnce() -> R, created: Created) -> Deferred<R::Value, E>
where
    R: IntoDeferred<E>,
    E: Debug,
{
    match catch(|| f().into_deferred()) {
        // What has been taken cannot come, whether or not there is a chain to wait for it.
        Ok(deferred) if matches!(deferred.repr(), Repr::Taken) => {
            Deferred::from_outcome(Err(Failure::with_origin(FailureKind::Abandoned, created)))
        }
        Ok(deferred) => deferred,
        Err(panic) => Deferred::from_outcome(Err(Failure::with_origin(FailureKind::Panicked(panic), created))),
    }
}

/// Makes the vtable of an entry.
const fn entry<T, E, U, E2, S>() -> EntryVTable
where
    T: 'static,
    E: Debug + 'static,
    E2: Debug + 'static,
    U: 'static,
    S: FnOnce(Outcome<T, E>, Created) -> Deferred<U, E2>,
{
    EntryVTable { call: call_entry::<T, E, U, E2, S>, payload: union::<Outcome<U, E2>, S, Waited>() }
}

/// The layout of whichever of three types is there.
const fn union<A, B, C>() -> Layout {
    union Any<A, B, C> {
        _a: core::mem::ManuallyDrop<A>,
        _b: core::mem::ManuallyDrop<B>,
        _c: core::mem::ManuallyDrop<C>,
    }
    Layout::new::<Any<A, B, C>>()
}

/// # Safety
///
/// As the field `call` of [`EntryVTable`] says, for a chain in which an `Outcome<T, E>` comes before an `S`.
unsafe fn call_entry<T, E, U, E2, S>(input: *mut u8, payload: *mut u8, created: Created) -> Option<NonNull<Header>>
where
    E: Debug,
    E2: Debug,
    S: FnOnce(Outcome<T, E>, Created) -> Deferred<U, E2>,
{
    // SAFETY: the payload holds the closure, the input an outcome; both are moved out, once, before `payload` is
    // written.
    unsafe {
        let step = payload.cast::<S>().read();
        let outcome = if input.is_null() {
            Err(Failure::with_origin(FailureKind::Cancelled, created))
        } else {
            input.cast::<Outcome<T, E>>().read()
        };
        match step(outcome, created).into_value() {
            Ok(value) => {
                payload.cast::<Outcome<U, E2>>().write(Ok(value));
                None
            }
            Err(deferred) => settle(deferred, payload, created),
        }
    }
}

/// Writes what a step has returned, other than a value, to where the next one looks for it: its outcome, or a record of
/// what is to be waited for, whose cell this returns.
///
/// # Safety
///
/// `payload` must be room for both, and have the same types.
#[inline(never)]
unsafe fn settle<U, E: Debug>(deferred: Deferred<U, E>, payload: *mut u8, created: Created) -> Option<NonNull<Header>> {
    // SAFETY: as promised; whoever takes a cell out of its Deferred is its consumer.
    unsafe {
        let outcome = match deferred.into_end() {
            End::Ready(outcome) => outcome,
            End::Cell(inner) => {
                if !inner.as_ref().load().is_takeable() {
                    payload.cast::<Waited>().write(Waited::new::<U, E>(inner));
                    return Some(inner);
                }
                take(inner)
            }
            End::Taken => Err(Failure::with_origin(FailureKind::Abandoned, created)),
        };
        payload.cast::<Outcome<U, E>>().write(outcome);
        None
    }
}

//! The producer's side: the promise to bring a result.

use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::future::Future;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll};

use futures_core::future::FusedFuture;

use crate::cell::{Header, finish, finish_notify, finish_waker, release, slot, typed_slot};
use crate::deferred::{Deferred, End};
use crate::failure::{Failure, FailureKind, Outcome};
use crate::postpone::{self, Postponed, drop_value};
use crate::repr::Repr;
use crate::run::{Waited, follow, run, wait_here};
use crate::state::{Phase, State, TailKind};
use crate::unwind::wake;

/// Fires a [`Deferred`], once.
///
/// Firing consumes it, so a second firing cannot be written.
/// Dropping it without firing fails the Deferred with `Abandoned`, so nobody waits for ever.
///
/// Firing runs the callbacks, and those of all Deferreds that wait for this one, before it returns.
/// It may happen on any thread; a panic in a callback does not reach it.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let (resolver, d) = Deferred::<u8, String>::new();
/// std::thread::spawn(move || resolver.errback("no luck".to_string()));
/// let failure = d.wait().unwrap_err();
/// assert_eq!(failure.to_string(), "no luck");
/// ```
#[must_use = "dropping a Resolver fails its Deferred with `Abandoned`"]
pub struct Resolver<T, E: Debug = Infallible> {
    /// The resolver's side of a cell whose slot is for these types.
    cell: NonNull<Header>,
    /// Invariant: what takes a value must not be taken for what takes one that lives less long.
    types: PhantomData<*mut Outcome<T, E>>,
}

// SAFETY: a Resolver brings a `T` or an `E` from the thread where it is to the one where the Deferred is.
unsafe impl<T: Send, E: Debug + Send> Send for Resolver<T, E> {}
// SAFETY: a shared Resolver tells whether it is cancelled and nothing else.
unsafe impl<T: Send, E: Debug + Send> Sync for Resolver<T, E> {}

impl<T, E: Debug> Unpin for Resolver<T, E> {}

// As for the Deferred.
impl<T: UnwindSafe, E: Debug + UnwindSafe> UnwindSafe for Resolver<T, E> {}
impl<T: UnwindSafe, E: Debug + UnwindSafe> RefUnwindSafe for Resolver<T, E> {}

impl<T, E: Debug> Resolver<T, E> {
    pub(crate) fn from_cell(cell: NonNull<Header>) -> Self {
        Self { cell, types: PhantomData }
    }

    /// Fires with a value.
    ///
    /// # Errors
    ///
    /// The value, when the Deferred was cancelled or dropped and nobody wants it any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, d) = Deferred::<u8>::new();
    /// drop(d);
    /// assert_eq!(resolver.callback(5), Err(5));
    /// ```
    #[inline]
    pub fn callback(self, value: T) -> Result<(), T> {
        self.fire(Ok(value)).map_err(|outcome| match outcome {
            Ok(value) => value,
            Err(_) => unreachable!("what was to be fired comes back"),
        })
    }

    /// Fires with a failure.
    ///
    /// # Errors
    ///
    /// The failure, when the Deferred was cancelled or dropped and nobody wants it any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, Failure};
    ///
    /// let (resolver, mut d) = Deferred::<u8, &str>::new();
    /// resolver.errback("no").unwrap();
    /// assert_eq!(d.try_take(), Some(Err(Failure::from("no"))));
    /// ```
    #[inline]
    #[track_caller]
    pub fn errback(self, failure: impl Into<Failure<E>>) -> Result<(), Failure<E>> {
        self.fire(Err(failure.into())).map_err(|outcome| match outcome {
            Err(failure) => failure,
            Ok(_) => unreachable!("what was to be fired comes back"),
        })
    }

    /// Fires with a value or a failure.
    ///
    /// # Errors
    ///
    /// The outcome, when the Deferred was cancelled or dropped and nobody wants it any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, mut d) = Deferred::<u8, String>::new();
    /// resolver.fire("7".parse().map_err(|_| "not a number".to_string().into())).unwrap();
    /// assert_eq!(d.try_take(), Some(Ok(7)));
    /// ```
    #[inline]
    pub fn fire(self, outcome: Outcome<T, E>) -> Result<(), Outcome<T, E>> {
        let cell = self.into_cell();
        // SAFETY: the resolver's side was just taken out of this object, which is not dropped.
        unsafe { fire(cell, outcome) }
    }

    /// Fires with whatever `other` comes to.
    ///
    /// Until then the Deferred waits for `other`: cancelling it cancels `other`.
    /// When the Deferred is not wanted any more, `other` is dropped.
    /// It fails with `Cycle` when `other` already waits for it, and with `Abandoned` when the result of `other` was taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (front, mut d) = Deferred::<u8>::new();
    /// let (back, other) = Deferred::<u8>::new();
    /// front.forward(other);
    /// back.callback(3).unwrap();
    /// assert_eq!(d.try_take(), Some(Ok(3)));
    /// ```
    pub fn forward(self, mut other: Deferred<T, E>) {
        if let Repr::Granted(_) = other.repr() {
            // In a cell it goes back when nobody wants it.
            other.cell();
        }
        let inner = match other.into_end() {
            End::Ready(outcome) => {
                if let Err(outcome) = self.fire(outcome) {
                    drop(Deferred::from_outcome(outcome));
                }
                return;
            }
            End::Cell(inner) => inner,
            End::Taken => return,
        };
        let cell = self.into_cell();
        // SAFETY: both sides were just taken out of their objects; `claim` makes the slot ours.
        unsafe {
            if claim(cell).is_err() {
                release(cell, State::RESOLVER);
                drop(Deferred::<T, E>::from_cell(inner));
                return;
            }
            slot(cell).cast::<Waited>().write(Waited::new::<T, E>(inner));
            match wait_here(cell, slot(cell), false) {
                Some(after) => follow(after),
                None => run(cell),
            }
        }
    }

    /// Waits until the Deferred is cancelled or dropped; never ends when it is not.
    ///
    /// The first wait allocates.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing; wait again as often as you like.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (mut resolver, d) = Deferred::<u8>::new();
    /// std::thread::spawn(move || drop(d));
    /// futures_lite::future::block_on(resolver.cancelled());
    /// assert_eq!(resolver.callback(1), Err(1));
    /// ```
    pub fn cancelled(&mut self) -> Cancelled<'_, T, E> {
        Cancelled { resolver: self }
    }

    pub(crate) fn created(&self) -> &'static Location<'static> {
        // SAFETY: a Resolver has a claim on its cell.
        unsafe { self.cell.as_ref() }.created()
    }

    pub(crate) fn into_cell(self) -> NonNull<Header> {
        ManuallyDrop::new(self).cell
    }

    /// Tells whether the Deferred was cancelled or dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, d) = Deferred::<u8>::new();
    /// assert!(!resolver.is_cancelled());
    /// drop(d);
    /// assert!(resolver.is_cancelled());
    /// ```
    pub fn is_cancelled(&self) -> bool {
        // SAFETY: a Resolver has a claim on its cell.
        unsafe { self.cell.as_ref() }.load().has(State::CANCELLED)
    }
}

/// Waits until a [`Deferred`] is cancelled or dropped; see [`Resolver::cancelled`].
///
/// # Cancel safety
///
/// Dropping it changes nothing.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let (mut resolver, d) = Deferred::<u8>::new();
/// let cancelled = resolver.cancelled();
/// drop(d);
/// futures_lite::future::block_on(cancelled);
/// assert!(resolver.is_cancelled());
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Cancelled<'a, T, E: Debug = Infallible> {
    resolver: &'a mut Resolver<T, E>,
}

impl<T, E: Debug> Future for Cancelled<'_, T, E> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.resolver.is_cancelled() {
            return Poll::Ready(());
        }
        // SAFETY: this borrows the resolver mutably.
        unsafe { self.resolver.cell.as_ref().watcher() }.register(cx);
        // Whoever cancels sets the state first and looks for the waker then, so one of the two is seen.
        if self.resolver.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<T, E: Debug> FusedFuture for Cancelled<'_, T, E> {
    fn is_terminated(&self) -> bool {
        false
    }
}

/// Fires a cell and gives the resolver's side up.
///
/// # Safety
///
/// The caller must own the resolver's side of a cell whose slot is for these types.
#[inline(always)]
unsafe fn fire<T, E: Debug>(cell: NonNull<Header>, outcome: Outcome<T, E>) -> Result<(), Outcome<T, E>> {
    // SAFETY: as promised.
    unsafe {
        let s = cell.as_ref().load();
        try_fire(cell, s, outcome, fire_waking_apart).inspect_err(|_| release(cell, State::RESOLVER))
    }
}

/// Fires a cell and gives the resolver's side up, or leaves it with the caller when nobody wants the outcome any more.
///
/// `s` is its state, seen just now. `fire_waking` is either [`fire_waking`] or [`fire_waking_apart`].
///
/// # Safety
///
/// As for [`fire`].
#[inline(always)]
pub(crate) unsafe fn try_fire<T, E: Debug>(
    cell: NonNull<Header>,
    s: State,
    mut outcome: Outcome<T, E>,
    fire_waking: unsafe fn(NonNull<Header>, State) -> bool,
) -> Result<(), Outcome<T, E>> {
    // SAFETY: as promised. A pending cell without a canceller leaves the slot to the resolver; see `cell`.
    unsafe {
        if !s.is(Phase::Pending) && !cfg!(canary = "double_fire") {
            // Cancelled, and it will not be pending again.
            return Err(outcome);
        }
        let plain = !s.has(State::MORE | State::CANCELLER | State::CANCELLED) && s.pauses() == 0;
        if plain {
            // Nothing to run: one exchange both fires and finishes.
            typed_slot(cell).write(outcome);
            let fired = match s.tail() {
                TailKind::None => cell.as_ref().exchange(s, s.without(State::RESOLVER).to(Phase::Done)).is_ok(),
                TailKind::Waker => fire_waking(cell, s),
                _ => finish_plain(cell, s),
            };
            if fired {
                return Ok(());
            }
            outcome = typed_slot(cell).read();
        }
        // In a tuple, which is made here, so that the outcome itself can live in registers until then.
        fire_slow(cell, (outcome,))
    }
}

/// Finishes a cell for which a task waits, with nothing to run.
///
/// # Safety
///
/// As for [`fire`], with the outcome in the slot.
#[inline(always)]
pub(crate) unsafe fn fire_waking(cell: NonNull<Header>, s: State) -> bool {
    // SAFETY: as promised.
    match unsafe { finish_waker(cell, s, s.without(State::RESOLVER)) } {
        Ok(waker) => {
            wake(waker);
            true
        }
        Err(_) => false,
    }
}

/// As [`fire_waking`], out of the way of code that is inlined into a user's.
///
/// # Safety
///
/// As for [`fire_waking`].
#[inline(never)]
unsafe fn fire_waking_apart(cell: NonNull<Header>, s: State) -> bool {
    // SAFETY: as promised.
    unsafe { fire_waking(cell, s) }
}

/// Finishes a cell that has a tail and nothing to run.
///
/// # Safety
///
/// As for [`fire`], with the outcome in the slot.
#[inline(never)]
unsafe fn finish_plain(cell: NonNull<Header>, s: State) -> bool {
    let to = s.without(State::RESOLVER);
    // SAFETY: as promised; what the function returns is for its caller to run.
    unsafe {
        if s.tail() == TailKind::Notify {
            // A joined child: what comes of it is mostly nothing.
            let Ok((f, data)) = finish_notify(cell, s, to) else { return false };
            if let Some(cell) = f(data) {
                run(cell);
            }
            return true;
        }
        finish(cell, s, to).map(|after| follow(after)).is_ok()
    }
}

/// # Safety
///
/// As for [`fire`].
#[cold]
#[inline(never)]
unsafe fn fire_slow<T, E: Debug>(cell: NonNull<Header>, (outcome,): (Outcome<T, E>,)) -> Result<(), Outcome<T, E>> {
    // SAFETY: as promised; `claim` makes the slot ours.
    unsafe {
        if claim(cell).is_err() {
            return Err(outcome);
        }
        slot(cell).cast::<Outcome<T, E>>().write(outcome);
        run(cell);
    }
    Ok(())
}

/// Makes a pending cell `Running` and, in the same step, gives the resolver's side up. Drops the canceller.
///
/// # Safety
///
/// The caller must own the resolver's side.
unsafe fn claim(cell: NonNull<Header>) -> Result<(), ()> {
    // SAFETY: the resolver's side keeps the cell, and then the phase does.
    let header = unsafe { cell.as_ref() };
    let claim = |s: State| {
        let running = s.to(Phase::Running).without(State::RESOLVER | State::MORE | State::CANCELLER);
        (s.is(Phase::Pending) || cfg!(canary = "double_fire")).then_some(running)
    };
    let before = header.update(claim).map_err(drop)?;
    if before.has(State::CANCELLER) {
        // SAFETY: the update took it away.
        unsafe { (header.vtable.kind.drop_canceller)(cell) };
    }
    Ok(())
}

impl<T, E: Debug> Drop for Resolver<T, E> {
    fn drop(&mut self) {
        // SAFETY: the resolver's side is given up here, and the object is gone afterwards.
        // `Abandoned` holds no value of `T` or `E`, so it does not matter if that happens after their lifetimes.
        unsafe { postpone::run(Postponed { run: abandon::<T, E>, cell: self.cell }) }
    }
}

/// # Safety
///
/// As for [`fire`].
unsafe fn abandon<T, E: Debug>(cell: NonNull<Header>) {
    // SAFETY: as promised.
    unsafe {
        let failure = Failure::with_origin(FailureKind::Abandoned, cell.as_ref().created());
        if let Err(outcome) = fire::<T, E>(cell, Err(failure)) {
            drop_value(outcome);
        }
    }
}

/// Shows whether it was cancelled, and where its Deferred was created.
impl<T, E: Debug> Debug for Resolver<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: a Resolver has a claim on its cell.
        let state = unsafe { self.cell.as_ref() }.load().describe();
        write!(f, "Resolver {{ {state}, created at {} }}", self.created())
    }
}

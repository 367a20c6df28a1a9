//! The consumer's side: a result that will come.

use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::mem::ManuallyDrop;
use core::panic::{Location, RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use crate::cancel::{Cancel, Canceller, Verdict, waits_for};
use crate::cell::{Cell, Header, slot, take};
use crate::ending::{Reports, discard, dispose, drop_consumer, hand_over};
use crate::failure::{Failure, Outcome};
use crate::repr::{Owned, Packed, Repr, View};
use crate::resolver::Resolver;
use crate::state::{Phase, State};
use crate::wait_queue::Granted;

/// A result that will come.
///
/// Attach functions, and they run, in order, on the spot, when the result comes: no executor, no polling, no thread.
/// The same object is a [`Future`], so `.await` works on every executor, and with `std` it can block a thread by
/// `Deferred::wait`.
///
/// A Deferred has one owner, who attaches, awaits, or drops it; the [`Resolver`] is the other end.
/// Attaching consumes it and returns the Deferred of what comes out, so its type is always that of its result.
///
/// # Cancelling
///
/// Dropping a pending Deferred cancels it: callbacks run with `Cancelled`, and a place in a queue is given up.
/// That `Cancelled` is not reported as unhandled; another failure that comes of it is.
/// [`detach`](Deferred::detach) lets it run on without an owner, and a [`Handle`](crate::Handle) cancels it from
/// anywhere.
///
/// # Failures
///
/// A failure that reaches the end of a chain whose owner has gone, or that is dropped with it, is reported once
/// through the [hook for unhandled failures](crate::set_unhandled_hook).
///
/// # Differences from Twisted
///
/// The producer's half is an object of its own, which fires once by construction.
/// A dropped producer fails the Deferred instead of leaving it for ever, and a dropped consumer cancels it.
/// Pausing and waiting do not share a counter.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let (resolver, d) = Deferred::<u32>::new();
/// let mut d = d.add_callback(|n| Ok(n + 1)).add_callback(|n| Ok(format!("got {n}")));
/// resolver.callback(41).unwrap();
/// assert_eq!(d.try_take(), Some(Ok("got 42".to_string())));
/// ```
#[must_use = "dropping a pending Deferred cancels it; await it, attach to it, or `detach` it"]
pub struct Deferred<T, E: Debug = Infallible> {
    /// Ended by the drop of the Deferred, which looks at it once.
    repr: Packed<T, E>,
}

/// What is in a Deferred that somebody uses.
pub(crate) enum End<T, E> {
    Ready(Outcome<T, E>),
    Cell(NonNull<Header>),
    Taken,
}

// SAFETY: a Deferred gives out a `T` and an `E` once, on whichever thread it is.
// What it shares with the other end is the cell, whose state word says who may touch what, and whose closures are `Send`.
unsafe impl<T: Send, E: Debug + Send> Send for Deferred<T, E> {}
// SAFETY: a shared Deferred tells its state and nothing of its outcome.
unsafe impl<T: Send, E: Debug + Send> Sync for Deferred<T, E> {}

impl<T, E: Debug> Unpin for Deferred<T, E> {}

// A panic in foreign code stays where that is called, and leaves no state half changed.
impl<T: UnwindSafe, E: Debug + UnwindSafe> UnwindSafe for Deferred<T, E> {}
impl<T: UnwindSafe, E: Debug + UnwindSafe> RefUnwindSafe for Deferred<T, E> {}

impl<T, E: Debug> Deferred<T, E> {
    /// Makes a pending Deferred and the [`Resolver`] that fires it. One allocation at most: with `std` a thread
    /// keeps the memory of Deferreds that have ended for the next ones.
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred cancels it: [`Resolver::is_cancelled`] tells, and what is fired comes back.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, mut d) = Deferred::<&str>::new();
    /// resolver.callback("here").unwrap();
    /// assert_eq!(d.try_take(), Some(Ok("here")));
    /// ```
    #[allow(clippy::new_ret_no_self)] // The two ends are made together, as those of a channel.
    #[inline]
    #[track_caller]
    pub fn new() -> (Resolver<T, E>, Self) {
        let state = State::new(Phase::Pending, State::RESOLVER | State::CONSUMER);
        let cell = Cell::<T, E>::new(state, Location::caller(), ()).cast();
        (Resolver::from_cell(cell), Self::from_cell(cell))
    }

    /// As [`new`](Self::new), with a function that stops the work when the Deferred is cancelled or dropped.
    ///
    /// It is called once at most, with no lock held, and says by its result what comes of it: [`Cancel::done`] fails
    /// the Deferred with `Cancelled` now, [`Cancel::fire`] fires it with something else, [`Cancel::later`] leaves that
    /// to the resolver.
    /// A panic in it fails the Deferred with `Panicked`.
    /// It is dropped when the Deferred fires.
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred runs the canceller, unless it has fired.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// static STOPPED: AtomicBool = AtomicBool::new(false);
    /// let (_resolver, d) = Deferred::<u8>::with_canceller(|c| {
    ///     STOPPED.store(true, Ordering::Relaxed);
    ///     c.done()
    /// });
    /// drop(d);
    /// assert!(STOPPED.load(Ordering::Relaxed));
    /// ```
    #[inline]
    #[track_caller]
    pub fn with_canceller<F>(canceller: F) -> (Resolver<T, E>, Self)
    where
        F: FnOnce(Cancel<T, E>) -> Verdict<T, E> + Send + 'static,
    {
        let state = State::new(Phase::Pending, State::RESOLVER | State::CONSUMER | State::CANCELLER);
        let cell = Cell::<T, E, _>::new(state, Location::caller(), Canceller::new(canceller)).cast();
        (Resolver::from_cell(cell), Self::from_cell(cell))
    }

    /// Makes a Deferred that has fired with a value. No allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let mut d: Deferred<u8> = Deferred::succeed(5);
    /// assert!(d.is_fired());
    /// assert_eq!(d.try_take(), Some(Ok(5)));
    /// ```
    #[inline]
    pub fn succeed(value: T) -> Self {
        Self::from_outcome(Ok(value))
    }

    /// Makes a Deferred that has failed. No allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, Failure};
    ///
    /// let mut d = Deferred::<u8, &str>::fail("no");
    /// assert_eq!(d.try_take(), Some(Err(Failure::from("no"))));
    /// ```
    #[inline]
    #[track_caller]
    pub fn fail(failure: impl Into<Failure<E>>) -> Self {
        Self::from_outcome(Err(failure.into()))
    }

    /// Makes a Deferred that has fired with `outcome`. No allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let mut d = Deferred::<u8, &str>::from_outcome(Ok(1));
    /// assert_eq!(d.try_take(), Some(Ok(1)));
    /// ```
    #[inline]
    pub fn from_outcome(outcome: Outcome<T, E>) -> Self {
        Self::from_repr(Repr::Ready(outcome))
    }

    /// Tells whether it was fired, forwarded, or ended by a cancel; not yet while a canceller waits for its resolver
    /// ([`Cancel::later`](crate::Cancel::later)).
    ///
    /// As in Twisted this does not mean that the result can be taken: callbacks may be running, paused, or waiting for
    /// another Deferred.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, d) = Deferred::<u8>::new();
    /// assert!(!d.is_fired());
    /// resolver.callback(1).unwrap();
    /// assert!(d.is_fired());
    /// ```
    pub fn is_fired(&self) -> bool {
        match self.repr.view() {
            Repr::Ready(_) | Repr::Granted(_) | Repr::Taken => true,
            // SAFETY: a Deferred has a claim on its cell.
            Repr::Cell(cell) => !unsafe { cell.as_ref() }.load().is(Phase::Pending),
        }
    }

    /// Takes the result, if it is there: fired, all callbacks run, not paused.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, mut d) = Deferred::<u8>::new();
    /// assert_eq!(d.try_take(), None);
    /// resolver.callback(1).unwrap();
    /// assert_eq!(d.try_take(), Some(Ok(1)));
    /// assert_eq!(d.try_take(), None);
    /// ```
    #[inline(always)]
    pub fn try_take(&mut self) -> Option<Outcome<T, E>> {
        if let Repr::Cell(cell) = self.repr.view() {
            // SAFETY: a Deferred has a claim on its cell.
            if !unsafe { cell.as_ref() }.load().is_takeable() {
                return None;
            }
            self.set_taken();
            // SAFETY: this is the consumer, the cell is done, and the type of a Deferred is that of the outcome.
            return Some(unsafe { take(cell) });
        }
        self.take_ready()
    }

    /// Takes the result of a Deferred without a cell.
    #[inline(always)]
    pub(crate) fn take_ready(&mut self) -> Option<Outcome<T, E>> {
        // Moved out part by part, as it was put in: one load across stores that are still on their way would wait.
        // SAFETY: what is read is written over before anything else can look at it.
        unsafe {
            let outcome = match self.repr.view() {
                Repr::Ready(Ok(value)) => Ok(ptr::read(value)),
                Repr::Ready(Err(failure)) => Err(ptr::read(failure)),
                Repr::Granted(granted) => {
                    let granted = ptr::read(granted);
                    self.set_taken();
                    return Some(Ok(granted.take()));
                }
                Repr::Cell(_) | Repr::Taken => return None,
            };
            self.set_taken();
            Some(outcome)
        }
    }

    /// Returns the value of one that has nothing but its value: one that [`succeed`](Self::succeed) made, or a permit that
    /// was free.
    ///
    /// A short way past the general one, for what is built on Deferreds. Nothing is waited for and nothing is taken
    /// that somebody may want back, such as an item of a queue.
    ///
    /// # Errors
    ///
    /// The Deferred, in all other cases, fired or not.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// assert_eq!(Deferred::<u8>::succeed(5).into_value().unwrap(), 5);
    ///
    /// let (_resolver, d) = Deferred::<u8>::new();
    /// let d = d.into_value().unwrap_err();
    /// assert!(!d.is_fired());
    /// ```
    #[inline(always)]
    pub fn into_value(self) -> Result<T, Self> {
        match self.repr.view() {
            Repr::Ready(Ok(value)) => {
                // SAFETY: it is moved out once, as the Deferred is forgotten.
                let value = unsafe { ptr::read(value) };
                core::mem::forget(self);
                Ok(value)
            }
            _ => Err(self),
        }
    }

    /// Lets it run on without an owner.
    ///
    /// Its callbacks run when it fires; a failure that they leave is reported.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let (resolver, d) = Deferred::<u8>::new();
    /// d.add_callback(move |n| Ok(sender.send(n).unwrap())).detach();
    /// resolver.callback(9).unwrap();
    /// assert_eq!(receiver.recv(), Ok(9));
    /// ```
    pub fn detach(self)
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        // What has a result already ends here, as when it is dropped.
        if let Repr::Cell(cell) = self.repr.view() {
            core::mem::forget(self);
            // SAFETY: the consumer's side was just taken out of the Deferred.
            unsafe { hand_over(cell, discard::<T, E, false>) }
        }
    }

    /// Tells whether the result can be taken now.
    pub(crate) fn is_settled(&self) -> bool {
        match self.repr.view() {
            Repr::Ready(_) | Repr::Granted(_) | Repr::Taken => true,
            // SAFETY: a Deferred has a claim on its cell.
            Repr::Cell(cell) => unsafe { cell.as_ref() }.load().is_takeable(),
        }
    }

    pub(crate) fn from_cell(cell: NonNull<Header>) -> Self {
        Self::from_repr(Repr::Cell(cell))
    }

    #[inline(always)]
    fn from_repr(repr: Owned<T, E>) -> Self {
        Self { repr: Packed::new(repr) }
    }

    /// Notes that what it was made of has been moved out, or is nothing that has to be dropped.
    #[inline(always)]
    pub(crate) fn set_taken(&mut self) {
        self.repr = Packed::new(Repr::Taken);
    }

    /// Makes one whose result was taken.
    #[inline(always)]
    pub(crate) fn taken() -> Self {
        Self::from_repr(Repr::Taken)
    }

    pub(crate) fn repr(&self) -> View<'_, T, E> {
        self.repr.view()
    }

    /// Returns the cell, or the Deferred when it has none.
    #[inline(always)]
    pub(crate) fn into_cell(self) -> Result<NonNull<Header>, Self> {
        match self.repr.view() {
            Repr::Cell(cell) => {
                core::mem::forget(self);
                Ok(cell)
            }
            _ => Err(self),
        }
    }

    /// Tells whether the result was taken.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.repr.view(), Repr::Taken)
    }

    /// Tells whether it has a value, and no cell.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self.repr.view(), Repr::Ready(Ok(_)) | Repr::Granted(_))
    }

    /// Ends it, if it has no cell: what was granted goes back, a failure is reported as asked.
    pub(crate) fn abandon(mut self, reports: Reports) {
        if let Repr::Ready(_) = self.repr.view() {
            let outcome = self.try_take();
            if let Some(outcome) = outcome {
                let created = outcome.as_ref().err().map_or(Location::caller(), Failure::origin);
                dispose(outcome, created, reports);
            }
        }
    }

    pub(crate) fn from_granted(granted: Granted<T>) -> Self {
        Self::from_repr(Repr::Granted(granted))
    }

    /// Takes it apart; what it held is then the caller's, and taken.
    #[inline]
    pub(crate) fn into_end(self) -> End<T, E> {
        match ManuallyDrop::new(self).repr.take() {
            Repr::Ready(outcome) => End::Ready(outcome),
            Repr::Granted(granted) => End::Ready(Ok(granted.take())),
            Repr::Cell(cell) => End::Cell(cell),
            Repr::Taken => End::Taken,
        }
    }

    /// Makes sure that there is a cell, for what only cells can do.
    #[track_caller]
    pub(crate) fn cell(&mut self) -> Option<NonNull<Header>> {
        let (state, created) = (State::new(Phase::Done, State::CONSUMER), Location::caller());
        let (outcome, cell) = match self.repr.take() {
            Repr::Ready(outcome) => {
                let created = outcome.as_ref().err().map_or(created, Failure::origin);
                (outcome, Cell::<T, E>::new(state, created, ()).cast())
            }
            Repr::Granted(granted) => {
                let (value, way_back) = granted.into_parts();
                (Ok(value), Cell::<T, E, _>::new(state, created, way_back).cast())
            }
            Repr::Cell(cell) => {
                self.repr = Packed::new(Repr::Cell(cell));
                return Some(cell);
            }
            Repr::Taken => return None,
        };
        // SAFETY: nobody else knows the cell yet, and its slot is for an outcome of this type.
        unsafe { slot(cell).cast::<Outcome<T, E>>().write(outcome) };
        self.repr = Packed::new(Repr::Cell(cell));
        Some(cell)
    }
}

impl<T, E: Debug> Drop for Deferred<T, E> {
    #[inline(always)]
    fn drop(&mut self) {
        // Most end taken, which must cost one comparison at most.
        // What it is made of goes on by value, so that a Deferred whose address nobody else asks for can live in registers.
        match self.repr.view() {
            Repr::Taken => {}
            // SAFETY: the Deferred is the consumer, and a cell in it is not looked at again.
            Repr::Cell(cell) => unsafe { drop_consumer::<T, E>(cell) },
            _ => drop_ready(self.repr.take()),
        }
    }
}

#[inline(never)]
fn drop_ready<T, E: Debug>(repr: Owned<T, E>) {
    match repr {
        Repr::Taken | Repr::Cell(_) => {}
        Repr::Ready(Ok(value)) => drop(value),
        Repr::Ready(Err(failure)) => {
            let origin = failure.origin();
            dispose(Err::<T, _>(failure), origin, Reports::All);
        }
        // A grant goes back to where it came from by its own drop.
        Repr::Granted(granted) => drop(granted),
    }
}

impl<T, E: Debug> From<Outcome<T, E>> for Deferred<T, E> {
    fn from(outcome: Outcome<T, E>) -> Self {
        Self::from_outcome(outcome)
    }
}

/// Shows how far it has come and where it was created, not the result.
impl<T, E: Debug> Debug for Deferred<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repr.view() {
            Repr::Ready(Ok(_)) | Repr::Granted(_) => f.write_str("Deferred { fired with a value }"),
            Repr::Ready(Err(_)) => f.write_str("Deferred { fired with a failure }"),
            Repr::Taken => f.write_str("Deferred { taken }"),
            Repr::Cell(cell) => {
                // SAFETY: a Deferred has a claim on its cell.
                let header = unsafe { cell.as_ref() };
                write!(f, "Deferred {{ {}", header.load().describe())?;
                // SAFETY: as above.
                if let Some(inner) = unsafe { waits_for(cell) } {
                    write!(f, " (created at {inner})")?;
                }
                write!(f, ", created at {} }}", header.created())
            }
        }
    }
}

//! Reaching a Deferred from elsewhere: cancelling and pausing it.

use core::fmt::{self, Debug};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::cancel::begin_cancel;
use crate::cell::{Header, release};
use crate::deferred::Deferred;
use crate::postpone::{self, Postponed};
use crate::run::run;
use crate::state::{Phase, State};
use crate::sync::Arc;

/// Cancels or pauses a [`Deferred`] from anywhere, also from inside its own callbacks.
///
/// It does not own the result: the Deferred lives and ends as without it.
/// It stays valid through all functions that are attached later, and when the Deferred is gone it does nothing.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let (_resolver, mut d) = Deferred::<u8>::new();
/// let handle = d.handle();
/// let mut d = d.add_errback(|failure| Ok(if failure.is_cancelled() { 1 } else { 2 }));
/// handle.cancel();
/// assert_eq!(d.try_take(), Some(Ok(1)));
/// ```
#[derive(Clone)]
pub struct Handle(Arc<Claim>);

/// Holds the callbacks of a [`Deferred`] back while it lives.
///
/// Tokens nest: callbacks go on, inside the drop, when the last one is dropped. Where that happens as the crate drops a
/// value or a function of the user's, they go on behind that; without `std` also where another thread is at that, or what
/// an interrupt came upon.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let mut d = Deferred::<u8>::succeed(1);
/// let paused = d.pause();
/// let mut d = d.add_callback(|n| Ok(n + 1));
/// assert_eq!(d.try_take(), None);
/// drop(paused);
/// assert_eq!(d.try_take(), Some(Ok(2)));
/// ```
#[must_use = "the callbacks go on when the token is dropped"]
pub struct Paused(Claim);

/// A claim of `State::REF` on a cell; `None` when the Deferred had no result to reach any more.
struct Claim(Option<NonNull<Header>>);

// SAFETY: a claim keeps memory. What it does beyond that, running callbacks and dropping outcomes, is sound on any
// thread as the values in question are `Send + 'static`, which is asked for where claims are made.
unsafe impl Send for Claim {}
// SAFETY: as above; every operation goes through the atomic state word.
unsafe impl Sync for Claim {}

// A panic in foreign code stays where that is called, and leaves no state half changed.
impl UnwindSafe for Claim {}
impl RefUnwindSafe for Claim {}

impl<T, E> Deferred<T, E>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    /// Returns a handle for this Deferred and all that is attached to it later.
    ///
    /// # Panics
    ///
    /// With too many handles and pauses at once: 4 million on 64-bit targets, 63 on 32-bit ones.
    /// Clones of one handle count once.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (_resolver, mut d) = Deferred::<u8>::new();
    /// let handle = d.handle();
    /// std::thread::spawn(move || handle.cancel());
    /// assert!(d.wait().unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn handle(&mut self) -> Handle {
        let cell = self.cell();
        if let Some(cell) = cell {
            // SAFETY: a Deferred has a claim on its cell.
            unsafe { cell.as_ref() }.add_handle(0);
        }
        Handle(Arc::new(Claim(cell)))
    }

    /// Holds the callbacks back until the token is dropped.
    ///
    /// Firing and cancelling go on: the result is stored and waits, and so does whoever awaits the Deferred.
    ///
    /// # Panics
    ///
    /// As [`handle`](Self::handle).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, mut d) = Deferred::<u8>::new();
    /// let (first, second) = (d.pause(), d.pause());
    /// resolver.callback(1).unwrap();
    /// drop(first);
    /// assert_eq!(d.try_take(), None);
    /// drop(second);
    /// assert_eq!(d.try_take(), Some(Ok(1)));
    /// ```
    #[track_caller]
    pub fn pause(&mut self) -> Paused {
        pause(self.cell())
    }
}

impl Handle {
    /// Cancels the Deferred, or what it waits for in the end.
    ///
    /// The canceller is run, or the Deferred fails with `Cancelled`, and its callbacks run, before this returns.
    /// A chain that has fired and waits for another Deferred has that one cancelled, each time anew.
    /// It does nothing once the result is there, while callbacks run or are about to behind the drop of a [`Paused`], or while
    /// a canceller that wants to fire later has not yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (inner_resolver, inner) = Deferred::<u8>::new();
    /// let mut outer = Deferred::<u8>::succeed(0);
    /// let handle = outer.handle();
    /// let mut outer = outer.add_callback(|_| inner);
    /// handle.cancel();
    /// assert!(inner_resolver.is_cancelled());
    /// assert!(outer.try_take().unwrap().unwrap_err().is_cancelled());
    /// ```
    pub fn cancel(&self) {
        self.stop(false);
    }

    /// As [`cancel`](Self::cancel); with `next`, a chain that is just running cancels what it waits for next.
    pub(crate) fn stop(&self, next: bool) {
        if let Some(cell) = self.0.0 {
            // SAFETY: the claim keeps the cell; a cell that is running keeps itself.
            unsafe {
                if let Some(leaf) = begin_cancel(cell, next) {
                    run(leaf);
                }
            }
        }
    }

    /// Takes back what [`stop`](Self::stop) said of what comes next, unless the owner has gone and says so, too.
    pub(crate) fn unstop(&self) {
        if let Some(cell) = self.0.0 {
            let keep = |s: State| (!s.has(State::DROPPED)).then(|| s.without(State::CANCEL_NEXT));
            // SAFETY: the claim keeps the cell.
            let _ = unsafe { cell.as_ref() }.update(keep);
        }
    }

    /// Holds the callbacks back until the token is dropped; from inside a callback, the very next one.
    ///
    /// # Panics
    ///
    /// As [`Deferred::handle`].
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let mut d = Deferred::<u8>::succeed(1);
    /// let handle = d.handle();
    /// let paused = handle.pause();
    /// let mut d = d.add_callback(|n| Ok(n + 1));
    /// assert!(d.try_take().is_none());
    /// drop(paused);
    /// assert_eq!(d.try_take(), Some(Ok(2)));
    /// ```
    #[track_caller]
    pub fn pause(&self) -> Paused {
        pause(self.0.0)
    }

    /// Tells whether the Deferred was fired, forwarded, or ended by a cancel, as [`Deferred::is_fired`].
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, mut d) = Deferred::<u8>::new();
    /// let handle = d.handle();
    /// assert!(!handle.is_fired());
    /// resolver.callback(1).unwrap();
    /// assert!(handle.is_fired());
    /// ```
    pub fn is_fired(&self) -> bool {
        // SAFETY: the claim keeps the cell.
        self.0.0.is_none_or(|cell| !unsafe { cell.as_ref() }.load().is(Phase::Pending))
    }
}

#[track_caller]
fn pause(cell: Option<NonNull<Header>>) -> Paused {
    if let Some(cell) = cell {
        // SAFETY: the caller has a claim on the cell.
        unsafe { cell.as_ref() }.add_handle(State::PAUSE);
    }
    Paused(Claim(cell))
}

impl Drop for Paused {
    fn drop(&mut self) {
        let Claim(Some(cell)) = &self.0 else { return };
        // The last token makes a held chain run, in the same step, so that no other can be late or early.
        let resume = |s: State| {
            let left = State(s.0 - State::PAUSE);
            let run = left.pauses() == 0 && left.is(Phase::Held);
            Some(if run { left.to(Phase::Running).without(State::MORE) } else { left })
        };
        // SAFETY: the claim keeps the cell until it is dropped, after this; running it is ours if we made it so, and a
        // running cell keeps itself.
        unsafe {
            let (Ok(before) | Err(before)) = cell.as_ref().update(resume);
            if before.pauses() == 1 && before.is(Phase::Held) {
                postpone::run(Postponed { run, cell: *cell });
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(cell) = self.0 {
            // SAFETY: this is the claim.
            unsafe { release(cell, State::REF) }
        }
    }
}

/// Shows how far the Deferred has come.
impl Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle {{ {} }}", self.0.describe())
    }
}

impl Debug for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Paused {{ {} }}", self.0.describe())
    }
}

impl Claim {
    fn describe(&self) -> &'static str {
        // SAFETY: the claim keeps the cell.
        self.0.map_or("taken", |cell| unsafe { cell.as_ref() }.load().describe())
    }
}

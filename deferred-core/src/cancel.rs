//! Cancelling: finding what a chain waits for in the end, and asking it to stop.

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::panic::Location;
use core::ptr::NonNull;

use crate::cell::{Cell, Header, Kind, KindVTable, release, slot};
use crate::failure::{Failure, FailureKind, Outcome};
use crate::run::{inner, pull, run};
use crate::state::{Phase, State};
use crate::sync::UnsafeCell;
use crate::unwind::catch;

/// Cancels a cell, or what it waits for in the end, on a bounded stack.
///
/// With `dropping` the owner has gone, and the chain must not go on to wait for something else instead: one that is just
/// running, or about to, is told to cancel what it waits for next.
/// Returns a cell that this made `Running`; the caller must run it.
///
/// # Safety
///
/// The caller must have a claim on the cell for as long as this takes.
pub(crate) unsafe fn begin_cancel(start: NonNull<Header>, dropping: bool) -> Option<NonNull<Header>> {
    let mut walk = Walk { dropping, ended: None };
    let mut cell = start;
    // SAFETY: `start` is kept by the caller, any other cell by the claim that `step` took.
    unsafe {
        let run = loop {
            let step = walk.step(cell);
            if let (Step::Ended, true) = (&step, cell != start) {
                // It fired while we walked, and who waited for it may wait for something else by now: look again.
                if let Some(before) = walk.ended.replace(cell) {
                    release(before, State::REF);
                }
                cell = start;
                continue;
            }
            if cell != start {
                release(cell, State::REF);
            }
            match step {
                Step::Down(inner) => cell = inner,
                Step::Run => break Some(cell),
                Step::Stop | Step::Ended => break None,
            }
        };
        if let Some(ended) = walk.ended {
            release(ended, State::REF);
        }
        run
    }
}

/// A way down a chain, to what it waits for in the end.
struct Walk {
    /// Whether what the chain waits for next is to be cancelled, if it does not wait now.
    dropping: bool,
    /// A cell that was found to be done although another still waited for it; there is a claim on it.
    ended: Option<NonNull<Header>>,
}

enum Step {
    /// Go on with this cell, on which there is a claim.
    Down(NonNull<Header>),
    /// The cell is `Running` and must be run.
    Run,
    Stop,
    /// The cell is done, and what waits for it goes on.
    Ended,
}

impl Walk {
    /// # Safety
    ///
    /// The caller must have a claim on the cell.
    unsafe fn step(&mut self, cell: NonNull<Header>) -> Step {
        // SAFETY: the caller's promise.
        let header = unsafe { cell.as_ref() };
        let mut s = header.load();
        loop {
            let new = match s.phase() {
                Phase::Pending if s.has(State::CANCELLED) => return Step::Stop,
                Phase::Pending if s.has(State::CANCELLER) => s.without(State::CANCELLER).with(State::CANCELLED),
                Phase::Pending => s.to(Phase::Running).without(State::MORE).with(State::CANCELLED | State::VOID),
                // Whoever reads the record just now goes on for us.
                Phase::Waiting if s.has(State::BUSY) => s.with(State::CANCEL_NEXT),
                Phase::Waiting => s.with(State::BUSY),
                Phase::Running | Phase::Held if self.dropping => s.with(State::CANCEL_NEXT),
                Phase::Done if self.dropping && !cfg!(canary = "lost_drop") => return Step::Ended,
                Phase::Running | Phase::Held | Phase::Done => return Step::Stop,
            };
            match header.exchange(s, new) {
                Ok(()) => break,
                Err(now) => s = now,
            }
        }
        if s.is(Phase::Pending) {
            header.cancelled(s);
        }
        match s.phase() {
            Phase::Pending if s.has(State::CANCELLER) => {
                // SAFETY: the exchange made running the canceller ours.
                let running = unsafe { (header.vtable.kind.cancel)(cell) };
                if running { Step::Run } else { Step::Stop }
            }
            Phase::Pending => Step::Run,
            Phase::Waiting if !s.has(State::BUSY) => {
                // SAFETY: the exchange set `BUSY`, which keeps the record and with it the inner cell until it is cleared.
                let inner = unsafe { inner(cell, s.has(State::RAN)) };
                // SAFETY: as above.
                unsafe { inner.as_ref() }.add_ref();
                let ended = self.ended == Some(inner);
                let leave = |s: State| {
                    let next = if self.dropping || s.has(State::CANCEL_NEXT) { State::CANCEL_NEXT } else { 0 };
                    let free = s.without(State::BUSY | State::RESUME | State::CANCEL_NEXT);
                    Some(match s.has(State::RESUME) {
                        true => free.to(Phase::Running).with(next),
                        // It is about to go on.
                        false if ended => free.with(next),
                        false => free,
                    })
                };
                let (Ok(before) | Err(before)) = header.update(leave);
                self.dropping |= before.has(State::CANCEL_NEXT);
                if !before.has(State::RESUME) {
                    if ended {
                        // SAFETY: the claim on `inner` was taken above.
                        unsafe { release(inner, State::REF) };
                        return Step::Stop;
                    }
                    return Step::Down(inner);
                }
                // What it waited for has fired: nothing is left to cancel, but going on is up to us.
                // SAFETY: the claim on `inner` was taken above; the update made this cell `Running`.
                unsafe {
                    release(inner, State::REF);
                    pull(cell, before.has(State::RAN));
                }
                Step::Run
            }
            _ => Step::Stop,
        }
    }
}

/// Returns where the Deferred was created that a cell waits for, if it does and nobody else reads that just now.
///
/// # Safety
///
/// The caller must have a claim on the cell.
pub(crate) unsafe fn waits_for(cell: NonNull<Header>) -> Option<&'static Location<'static>> {
    // SAFETY: the caller's promise; `BUSY` keeps the record and what it names until it is cleared.
    unsafe {
        let header = cell.as_ref();
        let look = |s: State| (s.is(Phase::Waiting) && !s.has(State::BUSY)).then(|| s.with(State::BUSY));
        let s = header.update(look).ok()?;
        let created = inner(cell, s.has(State::RAN)).as_ref().created();
        let leave = |s: State| {
            let free = s.without(State::BUSY | State::RESUME);
            Some(if s.has(State::RESUME) { free.to(Phase::Running) } else { free.without(State::CANCEL_NEXT) })
        };
        let (Ok(before) | Err(before)) = header.update(leave);
        if before.has(State::RESUME) {
            // What it waited for has fired meanwhile, and left going on to us.
            pull(cell, before.has(State::RAN));
            run(cell);
        } else if before.has(State::CANCEL_NEXT) {
            // Somebody came to cancel it meanwhile, and left that to us.
            if let Some(leaf) = begin_cancel(cell, true) {
                run(leaf);
            }
        }
        Some(created)
    }
}

/// What a canceller is called with: the ways in which cancelling can end.
///
/// See [`Deferred::with_canceller`](crate::Deferred::with_canceller).
///
/// # Examples
///
/// ```
/// use deferred_core::{Cancel, Deferred, FailureKind, Verdict};
///
/// /// Says what is half done rather than nothing.
/// fn stop(cancel: Cancel<u8, &'static str>) -> Verdict<u8, &'static str> {
///     cancel.fire(Err("half done".into()))
/// }
///
/// let (_resolver, mut d) = Deferred::with_canceller(stop);
/// d.handle().cancel();
/// assert_eq!(d.try_take().unwrap().unwrap_err().kind(), FailureKind::Error(&"half done"));
/// ```
pub struct Cancel<T, E> {
    types: PhantomData<fn() -> Outcome<T, E>>,
}

/// What a canceller decided; made by the methods of [`Cancel`].
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
///
/// let (_resolver, mut d) = Deferred::<u8>::with_canceller(|cancel| {
///     let verdict = cancel.done();
///     assert_eq!(format!("{verdict:?}"), "Verdict::Done");
///     verdict
/// });
/// d.handle().cancel();
/// assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
/// ```
#[must_use = "a canceller says what comes of it by returning this"]
pub struct Verdict<T, E>(Decision<T, E>);

enum Decision<T, E> {
    Done,
    Fire(Outcome<T, E>),
    Later,
}

impl<T, E> Cancel<T, E> {
    /// The work has stopped: the Deferred fails with `Cancelled` now.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, mut d) = Deferred::<u8>::with_canceller(|c| c.done());
    /// d.handle().cancel();
    /// assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
    /// assert_eq!(resolver.callback(1), Err(1));
    /// ```
    pub fn done(self) -> Verdict<T, E> {
        Verdict(Decision::Done)
    }

    /// The Deferred fires with `outcome` now, for example with what was ready so far.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (_resolver, mut d) = Deferred::<u8>::with_canceller(|c| c.fire(Ok(7)));
    /// d.handle().cancel();
    /// assert_eq!(d.try_take(), Some(Ok(7)));
    /// ```
    pub fn fire(self, outcome: Outcome<T, E>) -> Verdict<T, E> {
        Verdict(Decision::Fire(outcome))
    }

    /// The Deferred stays pending: the resolver will fire when the clean-up is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, mut d) = Deferred::<u8>::with_canceller(|c| c.later());
    /// d.handle().cancel();
    /// assert!(!d.is_fired() && resolver.is_cancelled());
    /// resolver.callback(3).unwrap();
    /// assert_eq!(d.try_take(), Some(Ok(3)));
    /// ```
    pub fn later(self) -> Verdict<T, E> {
        Verdict(Decision::Later)
    }
}

impl<T, E> fmt::Debug for Cancel<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for Verdict<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Decision::Done => "Verdict::Done",
            Decision::Fire(_) => "Verdict::Fire",
            Decision::Later => "Verdict::Later",
        })
    }
}

/// The part of a cell that holds a canceller, until `CANCELLER` is taken away.
pub(crate) struct Canceller<F>(UnsafeCell<MaybeUninit<F>>);

impl<F> Canceller<F> {
    pub(crate) fn new(canceller: F) -> Self {
        Self(UnsafeCell::new(MaybeUninit::new(canceller)))
    }

    /// # Safety
    ///
    /// Only whoever took `CANCELLER` away may call this, once.
    unsafe fn take(&self) -> F {
        // SAFETY: it was initialised by `new`, and is read once.
        self.0.with(|canceller| unsafe { (*canceller).assume_init_read() })
    }
}

impl<T, E, F> Kind<T, E> for Canceller<F>
where
    F: FnOnce(Cancel<T, E>) -> Verdict<T, E>,
{
    const KIND: KindVTable = KindVTable {
        cancel: |cell| {
            // SAFETY: this is the vtable of cells of this type, and the caller took `CANCELLER` away.
            let canceller = unsafe { cell.cast::<Cell<T, E, Self>>().as_ref().extra.take() };
            let verdict = catch(|| canceller(Cancel { types: PhantomData }));
            // SAFETY: `begin_cancel` has a claim on the cell.
            let header = unsafe { cell.as_ref() };
            let outcome = match verdict {
                Ok(Verdict(Decision::Later)) => return false,
                Ok(Verdict(Decision::Fire(outcome))) => outcome,
                Ok(Verdict(Decision::Done)) => Err(Failure::with_origin(FailureKind::Cancelled, header.created())),
                Err(panic) => Err(Failure::with_origin(FailureKind::Panicked(panic), header.created())),
            };
            let claim = |s: State| s.is(Phase::Pending).then(|| s.to(Phase::Running).without(State::MORE));
            if header.update(claim).is_err() {
                // The resolver was faster, and its outcome counts.
                crate::postpone::drop_value(outcome);
                return false;
            }
            // SAFETY: in a cell with a canceller the slot belongs to whoever made it `Running`.
            unsafe { slot(cell).cast::<Outcome<T, E>>().write(outcome) };
            true
        },
        drop_canceller: |cell| {
            // SAFETY: as above.
            crate::postpone::drop_value(unsafe { cell.cast::<Cell<T, E, Self>>().as_ref().extra.take() });
        },
        ..KindVTable::PLAIN
    };
}

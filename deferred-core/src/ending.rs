//! How a Deferred ends when its owner goes: dropping, detaching, and outcomes that nobody takes.

use core::fmt::Debug;
use core::panic::Location;
use core::ptr::NonNull;

use crate::cancel::begin_cancel;
use crate::cell::{Header, NewTail, NotifyFn, release, slot, take};
use crate::failure::Outcome;
use crate::postpone::{self, Postponed, drop_value};
use crate::report::report;
use crate::run::run;
use crate::state::{Phase, State};

/// Hands the consumer's side of a cell to a function, which is called once when the chain has run, maybe now.
///
/// # Safety
///
/// The caller must own the consumer's side.
pub(crate) unsafe fn hand_over(cell: NonNull<Header>, discard: NotifyFn) {
    // SAFETY: as promised; the function gets the consumer's side either way.
    unsafe {
        if Header::set_tail(cell, NewTail::Notify(discard, cell.cast())).is_err() {
            discard(cell.cast());
        }
    }
}

/// Ends a chain without an owner: drops the outcome, and reports a failure.
/// A `QUIET` one is not reported for having been cancelled, which is what happened to its owner.
pub(crate) unsafe fn discard<T, E: Debug, const QUIET: bool>(cell: NonNull<()>) -> Option<NonNull<Header>> {
    let reports = if QUIET { Reports::Errors } else { Reports::All };
    // SAFETY: this is the tail of the cell, called when it is done, and the types are those of the Deferred it had.
    unsafe { end_untaken::<T, E>(cell.cast(), reports) };
    None
}

/// Which failures are reported when an outcome ends unseen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reports {
    All,
    /// All but `Cancelled`, where it is what was asked for.
    Errors,
    None,
}

/// Ends a finished cell whose outcome nobody takes: it goes back to where it came from, or is dropped.
///
/// # Safety
///
/// The caller must be the consumer of a `Done` cell whose outcome is of this type.
pub(crate) unsafe fn end_untaken<T, E: Debug>(cell: NonNull<Header>, reports: Reports) {
    // SAFETY: as promised.
    unsafe {
        let header = cell.as_ref();
        let s = header.load();
        if let Some(untaken) = header.vtable.kind.untaken {
            // Granted and never taken: the primitive wants it back.
            if !s.has(State::VOID | State::RAN) {
                let consumer = Consumer(cell);
                if untaken(cell, slot(cell)) {
                    return;
                }
                core::mem::forget(consumer);
            }
        }
        let created = header.created();
        dispose(take::<T, E>(cell), created, reports);
    }
}

/// Gives the consumer's side up when dropped, also where a primitive's hook unwinds.
struct Consumer(NonNull<Header>);

impl Drop for Consumer {
    fn drop(&mut self) {
        // SAFETY: whoever made it had the consumer's side, and takes it back by forgetting this.
        unsafe { release(self.0, State::CONSUMER) }
    }
}

/// Drops an outcome that nobody wants, and reports a failure.
pub(crate) fn dispose<T, E: Debug>(outcome: Outcome<T, E>, created: &'static Location<'static>, reports: Reports) {
    if let Err(failure) = &outcome {
        let silent = reports == Reports::None || reports == Reports::Errors && failure.is_cancelled();
        if !silent {
            report(failure, created);
        }
    }
    drop_value(outcome);
}

/// # Safety
///
/// The caller must own the consumer's side.
#[inline(never)]
pub(crate) unsafe fn drop_consumer<T, E: Debug>(cell: NonNull<Header>) {
    // SAFETY: as promised; each path gives the consumer's side up once.
    unsafe {
        let header = cell.as_ref();
        let s = header.load();
        if s.is(Phase::Pending) && !s.has(State::MORE | State::CANCELLED) {
            if !s.has(State::CANCELLER) {
                // Nothing to run and nobody to tell: the resolver finds out when it fires.
                if Header::leave(cell, s).is_ok() {
                    return;
                }
            } else if let (Some(withdraw), 0) = (header.vtable.kind.withdraw, s.refs()) {
                // A waiter to whom nobody listens leaves its queue, and that is all.
                if header.exchange(s, s.without(State::CANCELLER).with(State::CANCELLED)).is_ok() {
                    return withdraw(cell);
                }
            }
        }
        drop_busy::<T, E>(cell);
    }
}

/// As [`drop_consumer`], whatever goes on.
///
/// # Safety
///
/// As for [`drop_consumer`].
#[cold]
#[inline(never)]
unsafe fn drop_busy<T, E: Debug>(cell: NonNull<Header>) {
    // SAFETY: as promised; each path gives the consumer's side up once.
    unsafe {
        let header = cell.as_ref();
        if header.load().is(Phase::Done) {
            return later_if_chained(cell, discard_now::<T, E>);
        }
        // The walk down the chain needs a claim of its own, as the tail may end the consumer's at any time.
        header.add_ref();
        header.set(State::DROPPED);
        hand_over(cell, discard::<T, E, true>);
        later_if_chained(cell, cancel_dropped);
    }
}

/// Calls `f` with the cell, later if this thread is dropping a value of the crate's.
///
/// Only a cell that had callbacks is worth it, and only of that is it known that its types are `'static`, so that
/// their values may outlive the scope in which the drop happens.
///
/// # Safety
///
/// The caller must own what `f` needs.
unsafe fn later_if_chained(cell: NonNull<Header>, f: unsafe fn(NonNull<Header>)) {
    // SAFETY: as promised.
    unsafe {
        if cell.as_ref().chain.is_empty() {
            f(cell);
        } else {
            postpone::run(Postponed { run: f, cell });
        }
    }
}

/// # Safety
///
/// The caller must own the consumer's side of a cell that is done.
unsafe fn discard_now<T, E: Debug>(cell: NonNull<Header>) {
    // SAFETY: as promised.
    unsafe { end_untaken::<T, E>(cell, Reports::All) };
}

/// # Safety
///
/// The caller must own a claim of `State::REF`, which this gives up.
unsafe fn cancel_dropped(cell: NonNull<Header>) {
    // SAFETY: the claim keeps the cell while it is looked at; a running cell keeps itself.
    unsafe {
        let leaf = begin_cancel(cell, true);
        release(cell, State::REF);
        if let Some(leaf) = leaf {
            run(leaf);
        }
    }
}

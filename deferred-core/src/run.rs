//! Running chains: the callbacks of a cell, then whoever waits for it, without recursion.

use core::fmt::Debug;
use core::panic::Location;
use core::ptr::{self, NonNull};

use crate::cancel::begin_cancel;
use crate::cell::{After, Header, NewTail, current, finish, release, slot, take};
use crate::deferred::Deferred;
use crate::failure::{Failure, FailureKind, Outcome};
use crate::state::{Phase, State, TailKind};
use crate::unwind::wake;

/// What stands in place of an outcome while a chain waits for an inner Deferred.
#[derive(Clone, Copy)]
pub(crate) struct Waited {
    /// The inner cell; the consumer's side of it belongs to this record.
    inner: NonNull<Header>,
    vtable: &'static WaitedVTable,
}

struct WaitedVTable {
    /// Replaces the record at `at` by the outcome of `inner`, which is done.
    pull: unsafe fn(inner: NonNull<Header>, at: *mut u8),
    /// Replaces the record at `at` by a failure and gives `inner` up.
    refuse: unsafe fn(inner: NonNull<Header>, at: *mut u8, created: &'static Location<'static>),
}

impl Waited {
    /// Records that the chain waits for `inner`, whose outcome is a `Result<T, Failure<E>>`.
    pub(crate) fn new<T, E: Debug>(inner: NonNull<Header>) -> Self {
        // The record takes the place of the outcome, which holds at least a tag and a place.
        const { assert!(size_of::<Waited>() <= size_of::<Outcome<T, E>>()) };
        const { assert!(align_of::<Waited>() <= align_of::<Outcome<T, E>>()) };
        Self {
            inner,
            vtable: const {
                &WaitedVTable {
                    // SAFETY: the record owns the consumer's side of `inner`.
                    pull: |inner, at| unsafe { at.cast::<Outcome<T, E>>().write(take(inner)) },
                    refuse: |inner, at, created| {
                        let failure = Failure::with_origin(FailureKind::Cycle, created);
                        // SAFETY: as above; the record is written over.
                        unsafe {
                            at.cast::<Outcome<T, E>>().write(Err(failure));
                            drop(Deferred::<T, E>::from_cell(inner));
                        }
                    },
                }
            },
        }
    }
}

/// Runs the chain of a cell, and of each cell that waits for it in turn.
///
/// # Safety
///
/// The caller must have made the cell `Running`. It may be gone afterwards.
pub(crate) unsafe fn run(cell: NonNull<Header>) {
    // SAFETY: the caller's promise.
    unsafe { follow(run_one(cell)) }
}

/// Does what a finished cell asked for.
///
/// # Safety
///
/// `after` must come from [`finish`].
#[inline]
pub(crate) unsafe fn follow(mut after: After) {
    loop {
        let next = match after {
            After::Nothing => return,
            After::Wake(waker) => return wake(waker),
            // SAFETY: the link of a cell keeps the outer cell until it is resumed, which is now.
            After::Resume(outer) => unsafe { resume(outer) },
            // SAFETY: the function was handed the consumer's side, of which this is the time.
            After::Notify(f, data) => unsafe { f(data) },
            After::Run(cell) => Some(cell),
        };
        let Some(cell) = next else { return };
        // SAFETY: all of these name a cell that they made `Running`.
        after = unsafe { run_one(cell) };
    }
}

/// Runs the callbacks of one cell until it is finished, held, or waits.
///
/// # Safety
///
/// As for [`run`].
unsafe fn run_one(cell: NonNull<Header>) -> After {
    // SAFETY: a cell that is `Running` is kept by its phase, and reading its chain is the runner's.
    unsafe {
        let header = cell.as_ref();
        let mut s = header.load();
        // What changes during the run; written to the state word when the run ends.
        let (mut void, mut ran) = (s.has(State::VOID), s.has(State::RAN));
        // The first callback takes what was fired.
        let mut taken = if void || ran { None } else { header.vtable.kind.taken };
        loop {
            if s.pauses() > 0 {
                match header.exchange(s, s.outcome(void, ran).to(Phase::Held)) {
                    Ok(()) => return After::Nothing,
                    Err(now) => s = now,
                }
            } else if let Some(found) = header.chain.find() {
                if let Some(taken) = taken.take() {
                    // Foreign code may run in it, and pause.
                    taken(cell);
                    s = header.load();
                    continue;
                }
                let entry = header.chain.take(found);
                let input =
                    if void { ptr::null_mut() } else { entry.input.map_or_else(|| slot(cell), NonNull::as_ptr) };
                let inner = (entry.vtable.call)(input, entry.payload, header.created());
                (void, ran) = (false, true);
                if inner.is_some() {
                    if let Some(after) = wait_here(cell, entry.payload, ran) {
                        return after;
                    }
                }
                s = header.load();
            } else if s.has(State::MORE) {
                // Clear it, then look again: an entry is there before `MORE` is.
                let clear = s.without(State::MORE);
                s = header.exchange(s, clear).map_or_else(|now| now, |()| clear);
            } else {
                match finish(cell, s, s.outcome(void, ran)) {
                    Ok(after) => return after,
                    Err(now) => s = now,
                }
            }
        }
    }
}

/// Makes a running cell wait for the inner one of the record at `at`.
/// Returns what to do next; `None` when the outcome is in place and the cell still running.
///
/// # Safety
///
/// The caller must be the runner, and `at` must hold a record and be where the outcome of the cell is, given `ran`.
pub(crate) unsafe fn wait_here(cell: NonNull<Header>, at: *mut u8, ran: bool) -> Option<After> {
    // SAFETY: as promised; see the single steps.
    unsafe {
        let header = cell.as_ref();
        let Waited { inner, vtable } = at.cast::<Waited>().read();
        if is_cycle(cell, inner) {
            (vtable.refuse)(inner, at, header.created());
            return None;
        }
        // From here on others may read the record, to cancel what it names.
        let waiting = |s: State| Some(s.outcome(false, ran).to(Phase::Waiting).without(State::CANCEL_NEXT));
        let (Ok(before) | Err(before)) = header.update(waiting);
        let cancel = before.has(State::CANCEL_NEXT);
        if cancel {
            // Once linked, `inner` may fire, and this cell run and go, at any time.
            header.add_ref();
        }
        // Until it is linked, nothing ends the phase, and with it the record, which keeps `inner`.
        let linked = Header::set_tail(inner, NewTail::Link(cell)).is_ok();
        // After the link `cell` is not ours any more; without it, the outcome is there.
        let resumed = if linked { None } else { resume(cell) };
        let mut leaf = None;
        if cancel {
            leaf = begin_cancel(cell, true);
            release(cell, State::REF);
        }
        match (resumed, leaf) {
            (Some(_), _) => None,
            (None, Some(leaf)) => Some(After::Run(leaf)),
            (None, None) => Some(After::Nothing),
        }
    }
}

/// Makes a waiting cell run again, with the outcome that it waited for in place.
/// Returns `None` when somebody reads the record just now; they go on in our place.
///
/// # Safety
///
/// The caller must be the link of the cell, and be so no longer.
unsafe fn resume(outer: NonNull<Header>) -> Option<NonNull<Header>> {
    // SAFETY: a cell is kept by its phase while it waits, and when it runs, by us.
    unsafe {
        let go_on = |s: State| {
            Some(if s.has(State::BUSY) && !cfg!(canary = "not_busy") {
                s.with(State::RESUME)
            } else {
                s.to(Phase::Running)
            })
        };
        let (Ok(before) | Err(before)) = outer.as_ref().update(go_on);
        if before.has(State::BUSY) && !cfg!(canary = "not_busy") {
            return None;
        }
        pull(outer, before.has(State::RAN));
        Some(outer)
    }
}

/// Replaces the record of what a cell waited for by its outcome.
///
/// # Safety
///
/// The caller must be the runner of a cell that has just ended to wait.
pub(crate) unsafe fn pull(outer: NonNull<Header>, ran: bool) {
    // SAFETY: the record lies where the outcome will, and owns the inner cell, which is done.
    unsafe {
        let at = current(outer, ran);
        let Waited { inner, vtable } = at.cast::<Waited>().read();
        (vtable.pull)(inner, at);
    }
}

/// Returns what a waiting cell waits for.
///
/// # Safety
///
/// The caller must have set `BUSY`.
pub(crate) unsafe fn inner(outer: NonNull<Header>, ran: bool) -> NonNull<Header> {
    // SAFETY: `BUSY` keeps the record in its place.
    unsafe { current(outer, ran).cast::<Waited>().read().inner }
}

/// Tells whether `inner` waits for `outer`, directly or not.
///
/// A Deferred that has never been fired waits for nothing, so this costs nothing in most cases; otherwise it is
/// linear in the number of Deferreds that wait for `outer`.
///
/// # Safety
///
/// The caller must be the runner of `outer` and the consumer of `inner`.
unsafe fn is_cycle(outer: NonNull<Header>, inner: NonNull<Header>) -> bool {
    // SAFETY: whatever is linked above a running cell waits, and is kept by that, until the cell is finished.
    unsafe {
        if inner == outer {
            return true;
        }
        if !inner.as_ref().load().is(Phase::Waiting) {
            return false;
        }
        let mut above = outer;
        while above.as_ref().load().tail() == TailKind::Link {
            above = above.as_ref().link();
            if above == inner {
                return true;
            }
        }
        false
    }
}

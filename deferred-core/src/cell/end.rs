//! The end of a cell: finished by whoever runs it, taken by its consumer, freed by whoever is last.

use core::ptr::{self, NonNull};
use core::task::{RawWakerVTable, Waker};

use super::{Cell, Header, current, typed_slot};
use crate::failure::{Failure, FailureKind, Outcome};
use crate::state::{Phase, State, TailKind};
use crate::tail::{After, NotifyFn};

/// Makes a cell `Done`, in a transition from `from` that also takes the tail.
///
/// # Safety
///
/// The caller must own the right to finish the cell, and what `to` takes away beside it.
/// After `Ok` the cell may be gone.
#[inline]
pub(crate) unsafe fn finish(cell: NonNull<Header>, from: State, to: State) -> Result<After, State> {
    // SAFETY: the right to finish the cell keeps it until the exchange succeeds.
    let header = unsafe { cell.as_ref() };
    let to = done(to);
    match from.tail() {
        TailKind::None => {
            header.exchange(from, to)?;
            Ok(After::Nothing)
        }
        // SAFETY: as promised.
        TailKind::Waker => unsafe { finish_waker(cell, from, to).map(After::Wake) },
        TailKind::Link => {
            // SAFETY: `from` says that there is a link, and a link is never replaced.
            let outer = unsafe { header.link() };
            header.exchange(from, to)?;
            if from.has(State::CANCEL_NEXT) {
                // Nothing is left here to be cancelled. The outer cell waits until it is resumed.
                // SAFETY: it is kept by its phase until then.
                unsafe { outer.as_ref() }.set(State::CANCEL_NEXT);
            }
            Ok(After::Resume(outer))
        }
        // SAFETY: as promised.
        TailKind::Notify => unsafe { finish_notify(cell, from, to).map(|(f, data)| After::Notify(f, data)) },
    }
}

/// The state of a cell that has come to an end: what was said of what it waits for next is not for what is attached
/// later.
#[inline]
fn done(to: State) -> State {
    to.to(Phase::Done).with_tail(TailKind::None).without(State::SEEN).without(State::CANCEL_NEXT)
}

/// As [`finish`] for a tail that is a function, which this returns with its argument.
///
/// # Safety
///
/// As for [`finish`].
#[inline]
pub(crate) unsafe fn finish_notify(
    cell: NonNull<Header>,
    from: State,
    to: State,
) -> Result<(NotifyFn, NonNull<()>), State> {
    // SAFETY: the right to finish the cell keeps it until the exchange succeeds.
    let header = unsafe { cell.as_ref() };
    let (data, f) = header.tail.load();
    header.exchange(from, done(to))?;
    // SAFETY: `from` says that they were stored as these types, and a function is never replaced.
    unsafe { Ok((core::mem::transmute::<*mut (), NotifyFn>(f), NonNull::new_unchecked(data))) }
}

/// As [`finish`] for a tail that is a waker, which this returns.
///
/// # Safety
///
/// As for [`finish`].
#[inline]
pub(crate) unsafe fn finish_waker(cell: NonNull<Header>, from: State, to: State) -> Result<Waker, State> {
    // SAFETY: the right to finish the cell keeps it until the exchange succeeds.
    let header = unsafe { cell.as_ref() };
    // The consumer may replace the waker, and drop it, until the phase is `Done`; and once that is so the cell may be
    // gone. So it is read before, and the exchange succeeds only if it was not replaced meanwhile.
    let seen = from.with(State::SEEN);
    if seen != from {
        header.exchange(from, seen)?;
    }
    let (data, vtable) = header.tail.load();
    header.exchange(seen, done(to))?;
    // SAFETY: these are the parts of a waker that was forgotten when they were stored; it is the finisher's.
    Ok(unsafe { Waker::new(data, &*vtable.cast::<RawWakerVTable>()) })
}

/// Gives up the claim `bits` (one bit, or `State::REF`) on a cell and frees it when that was the last.
///
/// # Safety
///
/// The caller must own the claim. The cell may be gone afterwards.
#[inline]
pub(crate) unsafe fn release(cell: NonNull<Header>, claim: usize) {
    // SAFETY: the claim keeps the cell. The last acquires what the others did with it.
    unsafe {
        if cell.as_ref().give_up(claim) && !cfg!(canary = "leak") {
            free(cell);
        }
    }
}

/// # Safety
///
/// Nobody may own a claim on the cell, and its outcome must have been moved out.
#[inline]
pub(crate) unsafe fn free(cell: NonNull<Header>) {
    // SAFETY: as the caller promised.
    unsafe { (cell.as_ref().vtable.free)(cell) }
}

/// Moves the outcome out of a finished cell and gives up the consumer's side.
///
/// # Safety
///
/// The caller must be the consumer of a `Done` cell whose outcome is of this type.
#[inline(always)]
pub(crate) unsafe fn take<T, E>(cell: NonNull<Header>) -> Outcome<T, E> {
    // SAFETY: as promised.
    unsafe {
        match take_value::<T, E>(cell) {
            Some(value) => Ok(value),
            None => take_any(cell),
        }
    }
}

/// As [`take`] when the outcome is the value that was fired; does nothing otherwise.
///
/// What is most common has a way of its own so that the value need not be put together in memory with others: reading
/// at once what was just written in parts makes the processor wait.
///
/// # Safety
///
/// As for [`take`].
#[inline(always)]
pub(crate) unsafe fn take_value<T, E>(cell: NonNull<Header>) -> Option<T> {
    // SAFETY: the phase makes the outcome the consumer's, who owns a claim on the cell until it is given up.
    unsafe {
        let header = cell.as_ref();
        // With a handle the cell stays, and may have to give up more than the value.
        if header.load().has(State::VOID | State::RAN | State::REFS) {
            return None;
        }
        let Ok(value) = &*typed_slot::<T, E>(cell) else { return None };
        let value = ptr::read(value);
        give_up_consumer::<T, E>(cell);
        Some(value)
    }
}

/// As [`take`], for whatever the outcome is.
///
/// # Safety
///
/// As for [`take`].
#[inline(never)]
pub(crate) unsafe fn take_any<T, E>(cell: NonNull<Header>) -> Outcome<T, E> {
    // SAFETY: as for `take_value`.
    unsafe {
        let outcome = read_outcome(cell);
        // Not by its types: they are those of the end of the chain, and the cell was made with those of its start.
        release(cell, State::CONSUMER);
        outcome
    }
}

/// Moves the outcome out of a finished cell, which the caller goes on to be the consumer of.
///
/// # Safety
///
/// As for [`take`]; nobody may look at the outcome again.
pub(crate) unsafe fn read_outcome<T, E>(cell: NonNull<Header>) -> Outcome<T, E> {
    // SAFETY: as promised.
    unsafe {
        let header = cell.as_ref();
        let s = header.load();
        if s.has(State::VOID) {
            return Err(Failure::with_origin(FailureKind::Cancelled, header.created()));
        }
        let ran = s.has(State::RAN);
        let outcome = current(cell, ran).cast::<Outcome<T, E>>().read();
        if let (false, Some(taken)) = (ran, header.vtable.kind.taken) {
            taken(cell);
        }
        outcome
    }
}

/// As [`release`], where the types that the cell was made with are known.
///
/// # Safety
///
/// The caller must own the consumer's side of a cell with a slot of these types.
#[inline(always)]
unsafe fn give_up_consumer<T, E>(cell: NonNull<Header>) {
    // SAFETY: as promised.
    unsafe {
        let header = cell.as_ref();
        if header.give_up(State::CONSUMER) {
            if header.vtable.is_plain {
                // The common kind is freed without a call through its vtable.
                Cell::<T, E>::free(cell.cast());
            } else {
                free(cell);
            }
        }
    }
}

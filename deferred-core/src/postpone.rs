//! Dropping foreign values on a bounded stack.
//!
//! A closure that never ran, or an outcome that nobody took, may own Deferreds and Resolvers whose own closures own
//! more of them, a million deep.
//! While the crate drops such a value, whatever would run callbacks is put on a list of this thread instead, and the
//! outermost drop works the list off.
//! Without `std` there is no way to tell threads apart, and one list serves all of them.

use core::ptr::NonNull;

use crate::cell::Header;
use crate::unwind::catch;

/// Work on a cell that waits for the end of a drop.
#[derive(Clone, Copy)]
pub(crate) struct Postponed {
    /// Called once with `cell`.
    pub(crate) run: unsafe fn(NonNull<Header>),
    /// A cell on which the work owns whatever `run` needs.
    pub(crate) cell: NonNull<Header>,
}

/// Drops a foreign value: panics stay here, and so does the depth of what it owns.
#[inline]
pub(crate) fn drop_value<T>(value: T) {
    if core::mem::needs_drop::<T>() {
        imp::drop_value(value);
    }
}

/// Runs `work` now, or later when this thread is inside [`drop_value`].
///
/// # Safety
///
/// `work.run` must be sound to call with `work.cell` once, at any later time on this thread, or without `std` on any.
#[inline]
pub(crate) unsafe fn run(work: Postponed) {
    if !imp::postpone(work) {
        // SAFETY: the caller's promise.
        unsafe { (work.run)(work.cell) }
    }
}

#[cfg(feature = "std")]
mod imp {
    use core::cell::{Cell, RefCell};
    use std::collections::VecDeque;

    use super::{Postponed, catch};
    use crate::sync::local;

    local! {
        /// Whether the crate is dropping a foreign value right now, above any callback.
        static DROPPING: Cell<bool> = Cell::new(false);
        /// Whether a frame further up works `LATER` off.
        static WORKING: Cell<bool> = Cell::new(false);
        static LATER: RefCell<VecDeque<Postponed>> = RefCell::new(VecDeque::new());
    }

    pub(super) fn postpone(work: Postponed) -> bool {
        // A thread that is going away has no list any more: then drops nest.
        !cfg!(canary = "recursion_in_drop")
            && DROPPING.try_with(Cell::get).unwrap_or(false)
            && LATER.try_with(|later| later.borrow_mut().push_back(work)).is_ok()
    }

    /// Does all that was postponed on this thread; returns whether there was anything.
    pub(crate) fn catch_up() -> bool {
        let mut any = false;
        while let Ok(Some(work)) = LATER.try_with(|later| later.borrow_mut().pop_front()) {
            any = true;
            // A hook of a primitive may panic, which is no reason to forget the rest.
            // SAFETY: `run`'s caller promised that it may be called once, later, on this thread.
            let _ = catch(|| unsafe { (work.run)(work.cell) });
        }
        any
    }

    pub(super) fn drop_value<T>(value: T) {
        let outer = DROPPING.try_with(|dropping| dropping.replace(true)).unwrap_or(false);
        let _ = catch(|| drop(value));
        let _ = DROPPING.try_with(|dropping| dropping.set(outer));
        if outer || WORKING.try_with(|working| working.replace(true)).unwrap_or(true) {
            return;
        }
        catch_up();
        let _ = WORKING.try_with(|working| working.set(false));
    }
}

#[cfg(all(feature = "std", not(loom)))]
pub(crate) use imp::catch_up;

#[cfg(not(feature = "std"))]
mod imp {
    use alloc::collections::VecDeque;

    use super::{Postponed, catch};
    use crate::sync::Lock;

    /// One for all threads, as there is no way to tell them apart.
    struct Later {
        /// How many drops of foreign values are going on.
        dropping: usize,
        /// Whether somebody works `list` off.
        working: bool,
        list: VecDeque<Postponed>,
    }

    // SAFETY: the work is on cells whose callbacks are `Send`, or fires a failure that holds no value.
    unsafe impl Send for Later {}

    static LATER: Lock<Later> = Lock::new(Later { dropping: 0, working: false, list: VecDeque::new() });

    pub(super) fn postpone(work: Postponed) -> bool {
        let mut later = LATER.lock();
        let postpones = later.dropping > 0;
        if postpones {
            later.list.push_back(work);
        }
        postpones
    }

    pub(super) fn drop_value<T>(value: T) {
        LATER.lock().dropping += 1;
        let undo = Undo(|later| later.dropping -= 1);
        let _ = catch(|| drop(value));
        core::mem::forget(undo);
        let mut later = LATER.lock();
        later.dropping -= 1;
        // What was postponed meanwhile is worked off by the last drop that ends, or by who is at it already.
        if later.dropping > 0 || core::mem::replace(&mut later.working, true) {
            return;
        }
        loop {
            let next = later.list.pop_front();
            later.working = next.is_some();
            drop(later);
            let Some(work) = next else { return };
            let undo = Undo(|later| later.working = false);
            // SAFETY: `run`'s caller promised that it may be called once, later.
            unsafe { (work.run)(work.cell) }
            core::mem::forget(undo);
            later = LATER.lock();
        }
    }

    /// What is done when foreign code unwinds, as nothing catches it here.
    struct Undo(fn(&mut Later));

    impl Drop for Undo {
        fn drop(&mut self) {
            (self.0)(&mut LATER.lock());
        }
    }
}

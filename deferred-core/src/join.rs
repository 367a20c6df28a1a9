//! Waiting for many Deferreds at once, without an allocation for each.
//!
//! The children's cells stay where they are and keep their outcomes; a child that fires only counts down.
//! When all have fired, whoever was last collects the outcomes and fires the parent.

mod joiner;
mod outcomes;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::Location;
use core::ptr::NonNull;

pub use self::joiner::Joiner;
pub use self::outcomes::{Fired, Outcomes};
use crate::cancel::begin_cancel;
use crate::cell::{Header, NewTail, release, take};
use crate::deferred::Deferred;
use crate::ending::{Reports, dispose, end_untaken};
use crate::failure::{Failure, FailureKind, Outcome, Panic};
use crate::postpone::drop_value;
use crate::progress::Progress;
use crate::repr::Repr;
use crate::resolver::Resolver;
use crate::run::run;
use crate::state::State;
use crate::sync::{Arc, AtomicUsize, Lock, Ordering, UnsafeCell};
use crate::unwind::catch;

/// Joins Deferreds into one.
///
/// Cancelling the result cancels every child; it then fails with `Cancelled` when all of them have ended.
///
/// Linear in the number of children, with no allocation for each.
///
/// # Cancel safety
///
/// Dropping the result cancels every child that is pending.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, Joiner, Outcome, Outcomes, join};
/// use std::convert::Infallible;
///
/// /// Adds up whatever succeeds.
/// struct Sum;
///
/// impl Joiner<u32, Infallible> for Sum {
///     type Output = u32;
///     type Error = Infallible;
///     const REPORTS_LATE: bool = true;
///
///     fn all_fired(&self, outcomes: Outcomes<'_, u32, Infallible>) -> Outcome<u32, Infallible> {
///         Ok(outcomes.flatten().sum())
///     }
/// }
///
/// let (resolver, pending) = Deferred::<u32>::new();
/// let (mut sum, progress) = join([Deferred::succeed(1), pending], Sum);
/// assert_eq!(progress.get(), (1, 2));
/// resolver.callback(2).unwrap();
/// assert_eq!(sum.try_take(), Some(Ok(3)));
/// ```
#[track_caller]
pub fn join<T, E, J>(
    children: impl IntoIterator<Item = Deferred<T, E>>,
    joiner: J,
) -> (Deferred<J::Output, J::Error>, Progress)
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    J: Joiner<T, E>,
{
    let building = Building::new(children);
    let any_cell = building.any_cell;
    let slots = building.finish();
    let total = slots.len();
    if !any_cell {
        return (Deferred::from_outcome(join_ready(&slots, &joiner)), Progress::complete(total));
    }
    // One more, so that nothing ends before all children are linked.
    let left = Arc::new(AtomicUsize::new(total + 1));
    let family =
        Arc::new(Family { left: left.clone(), end: AtomicUsize::new(OPEN), parent: Lock::new(None), joiner, slots });
    let canceller = family.clone();
    let (resolver, parent) = Deferred::with_canceller(move |c| {
        canceller.end.store(CANCELLED, Ordering::Release);
        canceller.cancel_children();
        c.later()
    });
    *family.parent.lock() = Some(resolver);
    let progress = Progress { left: Some(left), total };
    // This one belongs to the children, and is dropped by whoever counts `left` down to 0.
    let family = Arc::into_raw(family);
    // SAFETY: the slots were made just now, and this is their family; the count is the one more of above.
    unsafe {
        for slot in &(*family).slots {
            slot.link(family);
        }
        Family::count_down(family);
    }
    (parent, progress)
}

/// Joins Deferreds that have all fired, without a family.
fn join_ready<T, E, J>(slots: &[Slot<T, E>], joiner: &J) -> Outcome<J::Output, J::Error>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    J: Joiner<T, E>,
{
    // Drops what is left in the end, and by then everything is decided.
    let outcomes = Outcomes { slots: slots.iter(), lives: PhantomData };
    let mut slots = slots.iter().enumerate();
    match slots.find_map(|(index, slot)| look_at(joiner, Fired { slot, index }, || true)) {
        Some(outcome) => {
            outcomes.abandon(late_reports::<T, E, J>());
            outcome
        }
        None => conclude(joiner, outcomes),
    }
}

/// Children are still looked at.
const OPEN: usize = 0;
/// A child has ended the join early.
const EARLY: usize = 1;
/// The parent was cancelled.
const CANCELLED: usize = 2;

/// All that belongs to one join. Whoever counts `left` down to 0 owns the slots.
struct Family<T: Send + 'static, E: Debug + Send + 'static, J: Joiner<T, E>> {
    /// How many children have not fired yet, and one for each walk over the slots that is going on.
    left: Arc<AtomicUsize>,
    /// Whether the parent has been decided about: `OPEN`, `EARLY` or `CANCELLED`.
    end: AtomicUsize,
    /// Taken by whoever fires the parent.
    parent: Lock<Option<Resolver<J::Output, J::Error>>>,
    joiner: J,
    slots: Box<[Slot<T, E>]>,
}

struct Slot<T, E: Debug> {
    /// The family and the function that knows its type, for the child's tail; set by `link`.
    family: UnsafeCell<*const ()>,
    /// The child's cell; the consumer's side of it belongs to the family until the end.
    cell: Option<NonNull<Header>>,
    /// The child, when it has no cell, until its outcome is moved out.
    ready: UnsafeCell<ManuallyDrop<Deferred<T, E>>>,
    /// Whether the outcome in the cell has been moved out.
    taken: UnsafeCell<bool>,
}

// SAFETY: a slot is touched by the thread that fires its child, then by the one that ends the family, and `left` orders
// the two. Walks read `cell` only, which does not change. Outcomes move between threads, so they must be `Send`.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, J: Joiner<T, E>> Send for Family<T, E, J> {}
// SAFETY: as above.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, J: Joiner<T, E>> Sync for Family<T, E, J> {}

/// Slots while they are made: if that panics, the children made before are dropped.
struct Building<T, E: Debug> {
    slots: Vec<Slot<T, E>>,
    /// Whether any child has a cell.
    any_cell: bool,
}

impl<T, E: Debug> Building<T, E> {
    fn new(children: impl IntoIterator<Item = Deferred<T, E>>) -> Self {
        let children = children.into_iter();
        let mut building = Self { slots: Vec::with_capacity(children.size_hint().0), any_cell: false };
        // Not a `for` loop: what is chained of several iterators is quicker from within.
        children.for_each(|child| {
            let slots = &mut building.slots;
            slots.reserve(1);
            // SAFETY: there is room for one more, which is filled in before it counts.
            unsafe {
                building.any_cell |= Slot::write(slots.as_mut_ptr().add(slots.len()), child);
                slots.set_len(slots.len() + 1);
            }
        });
        building
    }

    /// Returns the slots, each of which must be ended or abandoned.
    fn finish(mut self) -> Box<[Slot<T, E>]> {
        core::mem::take(&mut self.slots).into_boxed_slice()
    }
}

impl<T, E: Debug> Drop for Building<T, E> {
    fn drop(&mut self) {
        for slot in self.slots.drain(..) {
            drop(slot.cell.map(Deferred::<T, E>::from_cell));
            drop(ManuallyDrop::into_inner(slot.ready.into_inner()));
        }
    }
}

impl<T, E: Debug> Slot<T, E> {
    /// Writes a slot part by part: reading in one piece what was just put together in several makes the processor wait.
    /// Returns whether the child has a cell.
    ///
    /// # Safety
    ///
    /// `place` must be room for one.
    #[inline(always)]
    unsafe fn write(place: *mut Self, child: Deferred<T, E>) -> bool {
        // SAFETY: as promised.
        unsafe {
            (&raw mut (*place).family).write(UnsafeCell::new(core::ptr::null()));
            (&raw mut (*place).taken).write(UnsafeCell::new(false));
            let (cell, ready) = (&raw mut (*place).cell, &raw mut (*place).ready);
            let hold = |child| UnsafeCell::new(ManuallyDrop::new(child));
            if let Repr::Cell(own) = child.repr() {
                core::mem::forget(child);
                cell.write(Some(own));
                ready.write(hold(Deferred::taken()));
                return true;
            }
            cell.write(None);
            match child.into_value() {
                Ok(value) => ready.write(hold(Deferred::succeed(value))),
                Err(child) => ready.write(hold(Self::without_value(child))),
            }
            false
        }
    }

    #[cold]
    fn without_value(child: Deferred<T, E>) -> Deferred<T, E> {
        if child.is_taken() { Deferred::fail(Failure::new(FailureKind::Abandoned)) } else { child }
    }
}

impl<T: Send + 'static, E: Debug + Send + 'static> Slot<T, E> {
    /// Makes the child tell its family when it has fired, now if it has.
    ///
    /// # Safety
    ///
    /// It must be a slot of `family`, linked for the first time.
    unsafe fn link<J: Joiner<T, E>>(&self, family: *const Family<T, E, J>) {
        // SAFETY: nobody else looks at it before the child is linked.
        self.family.with_mut(|place| unsafe { *place = family.cast() });
        let data = NonNull::from(self).cast();
        if let Some(cell) = self.cell {
            // SAFETY: the family has the consumer's side of the child.
            let linked = unsafe { Header::set_tail(cell, NewTail::Notify(fired::<T, E, J>, data)) };
            if linked.is_ok() {
                return;
            }
        }
        // SAFETY: the child has fired.
        unsafe { fired::<T, E, J>(data) };
    }

    /// Moves the outcome out, unless that has been done, and gives the child up.
    ///
    /// # Safety
    ///
    /// The caller must own the slots, and call this or `abandon` once for each.
    unsafe fn end(&self) -> Option<Outcome<T, E>> {
        // SAFETY: as promised; all children have fired.
        unsafe {
            match self.cell {
                None => self.ready.with_mut(|ready| (*ready).take_ready()),
                Some(cell) if self.taken.with(|taken| *taken) => {
                    release(cell, State::CONSUMER);
                    None
                }
                Some(cell) => Some(take(cell)),
            }
        }
    }

    /// Gives the child up, and its outcome back to where it came from, unless it has been moved out.
    ///
    /// # Safety
    ///
    /// As for [`end`](Self::end).
    unsafe fn abandon(&self, reports: Reports) {
        // SAFETY: as promised; all children have fired.
        unsafe {
            match self.cell {
                None => {
                    self.ready.with_mut(|ready| core::mem::replace(&mut **ready, Deferred::taken())).abandon(reports)
                }
                Some(cell) if self.taken.with(|taken| *taken) => release(cell, State::CONSUMER),
                Some(cell) => end_untaken::<T, E>(cell, reports),
            }
        }
    }
}

/// Tells a family that one of its children has fired.
///
/// # Safety
///
/// `slot` must be a linked slot of a family of these types, whose child has fired; for each this is called once.
unsafe fn fired<T, E, J>(slot: NonNull<()>) -> Option<NonNull<Header>>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    J: Joiner<T, E>,
{
    // SAFETY: the part of `left` that belongs to this child keeps the family until `count_down`.
    unsafe {
        let slot = slot.cast::<Slot<T, E>>().as_ref();
        let family = slot.family.with(|family| *family).cast::<Family<T, E, J>>();
        (*family).look(slot);
        Family::count_down(family);
    }
    None
}

impl<T, E, J> Family<T, E, J>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    J: Joiner<T, E>,
{
    /// Lets the joiner see a child that has fired.
    fn look(&self, slot: &Slot<T, E>) {
        let index = (core::ptr::from_ref(slot).addr() - self.slots.as_ptr().addr()) / size_of::<Slot<T, E>>();
        if self.end.load(Ordering::Acquire) != OPEN {
            return;
        }
        let ends = || self.end.compare_exchange(OPEN, EARLY, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let mut first = false;
        let claim = || {
            first = ends();
            first
        };
        let Some(outcome) = look_at(&self.joiner, Fired { slot, index }, claim) else { return };
        let parent = if first || ends() { self.parent.lock().take() } else { None };
        match parent {
            Some(parent) => {
                if catch(|| self.joiner.cancels()).unwrap_or(true) {
                    self.cancel_children();
                }
                fire(parent, outcome);
            }
            // Another child was faster by a hair.
            None if J::REPORTS_LATE => dispose(outcome, Location::caller(), Reports::Errors),
            None => drop_value(outcome),
        }
    }

    /// Cancels every child that has not fired, in order.
    fn cancel_children(&self) {
        let walk = |left: usize| (left > 0).then(|| left + 1);
        if self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, walk).is_err() {
            return;
        }
        for cell in self.slots.iter().filter_map(|slot| slot.cell) {
            // SAFETY: the family has the consumer's side of the child until `left` is 0, which the walk prevents.
            unsafe {
                if let Some(leaf) = begin_cancel(cell, false) {
                    run(leaf);
                }
            }
        }
        // Not `self`: the pointer must be the one that the children's `Arc` was turned into.
        let Some(first) = self.slots.first() else { return };
        // SAFETY: the first slot was linked before anything could be cancelled.
        let family = first.family.with(|family| unsafe { *family });
        // SAFETY: this is the part of the walk, and the caller has an `Arc`, or a part of its own.
        unsafe { Self::count_down(family.cast()) }
    }

    /// Gives one part of `left` up; the last one ends the family.
    ///
    /// # Safety
    ///
    /// The caller must own that part. The family may be gone afterwards.
    unsafe fn count_down(this: *const Self) {
        // SAFETY: the part keeps the family; the last owns the slots, and the `Arc` of the children.
        unsafe {
            if (*this).left.fetch_sub(1, Ordering::AcqRel) == 1 {
                Self::end(Arc::from_raw(this));
            }
        }
    }

    /// Ends the family: fires the parent if that has not been done, and drops the outcomes that are left.
    ///
    /// # Safety
    ///
    /// The caller must own the slots.
    #[inline(never)]
    unsafe fn end(family: Arc<Self>) {
        let parent = family.parent.lock().take();
        // SAFETY: as promised.
        let outcomes = Outcomes { slots: family.slots.iter(), lives: PhantomData };
        match parent {
            Some(parent) if family.end.load(Ordering::Acquire) == OPEN => {
                fire(parent, conclude(&family.joiner, outcomes));
            }
            parent => {
                if let Some(parent) = parent {
                    let failure = Failure::with_origin(FailureKind::Cancelled, parent.created());
                    fire(parent, Err(failure));
                }
                outcomes.abandon(late_reports::<T, E, J>());
            }
        }
        // With nothing in a joiner to drop, nothing of it can panic.
        if core::mem::needs_drop::<J>() {
            drop_value(family);
        }
    }
}

/// Returns which failures are reported that come when the parent has been decided about.
fn late_reports<T, E, J>() -> Reports
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    J: Joiner<T, E>,
{
    if J::REPORTS_LATE { Reports::Errors } else { Reports::None }
}

/// What comes of a joiner that panics when a child is shown to it: the end of the parent.
fn failed<T, E>(panic: Panic) -> Option<Outcome<T, E>> {
    Some(Err(Failure::new(FailureKind::Panicked(panic))))
}

/// Shows a child to a joiner, one that ends the parent only if `claim` says that it is the first.
fn look_at<T, E, J>(
    joiner: &J,
    child: Fired<'_, T, E>,
    claim: impl FnOnce() -> bool,
) -> Option<Outcome<J::Output, J::Error>>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    J: Joiner<T, E>,
{
    let look = || match joiner.ends(&child) {
        false => joiner.fired(child),
        true if claim() => joiner.fired(child).or_else(|| Some(Err(Failure::new(FailureKind::Abandoned)))),
        true => None,
    };
    catch(look).unwrap_or_else(failed)
}

/// Lets a joiner make the outcome of the parent.
fn conclude<T, E, J>(joiner: &J, outcomes: Outcomes<'_, T, E>) -> Outcome<J::Output, J::Error>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    J: Joiner<T, E>,
{
    catch(|| joiner.all_fired(outcomes)).unwrap_or_else(|panic| Err(Failure::new(FailureKind::Panicked(panic))))
}

/// Fires a parent; what it does not want any more is dropped.
fn fire<T, E: Debug>(parent: Resolver<T, E>, outcome: Outcome<T, E>) {
    if let Err(unwanted) = parent.fire(outcome) {
        drop_value(unwanted);
    }
}

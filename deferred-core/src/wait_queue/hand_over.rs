//! Granting waiters their turn, in order and on a bounded stack.
//!
//! A waiter's callbacks may release what they were granted, which grants the next waiter its turn, a million deep.
//! A grant that is made inside a grant of the same queue on the same thread is therefore put behind it, so that
//! waiters also finish in the order in which they were granted.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::any::TypeId;
use core::cell::{Cell, RefCell};
use core::fmt::{self, Debug};
use core::ptr::NonNull;
use core::{iter, ptr};

use super::list::take_home;
use super::{Primitive, Turn};
use crate::cell::{Header, release};
use crate::failure::{Failure, Outcome};
use crate::postpone::drop_value;
use crate::resolver::{fire_waking, try_fire};
use crate::state::{State, TailKind};

/// Turns to be granted when the lock is not held any more.
///
/// # Examples
///
/// ```
/// use deferred_core::{Grants, WaitQueue};
///
/// let queue = WaitQueue::<u8>::new(());
/// let mut waiter = queue.push(());
/// let mut grants = Grants::new();
/// let mut locked = queue.lock();
/// while let Some((turn, ())) = locked.pop() {
///     grants.push(turn, Ok(5));
/// }
/// drop(locked);
/// assert_eq!(waiter.try_take(), None);
/// grants.deliver();
/// assert_eq!(waiter.try_take(), Some(Ok(5)));
/// ```
#[must_use = "the waiters in it have left the queue"]
pub struct Grants<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    first: Option<Grant<T, E, P>>,
    /// What comes after the first, which is rare.
    more: Option<Box<More<T, E, P>>>,
}

/// A turn with what it gets.
struct Grant<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(Turn<T, E, P>, Outcome<T, E>);

struct More<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    granted: Vec<Grant<T, E, P>>,
    /// Those who are told that the primitive is closed.
    closed: Vec<(Turn<T, E, P>, P::Request)>,
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Grants<T, E, P> {
    /// Makes an empty list.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Grants;
    ///
    /// assert!(Grants::<u8, std::convert::Infallible, ()>::new().is_empty());
    /// ```
    #[inline]
    pub fn new() -> Self {
        Self { first: None, more: None }
    }

    /// Adds a turn with what it gets.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Grants, WaitQueue};
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let (mut first, mut second) = (queue.push(()), queue.push(()));
    /// let mut grants = Grants::new();
    /// for n in [1, 2] {
    ///     let (turn, ()) = queue.lock().pop().unwrap();
    ///     grants.push(turn, Ok(n));
    /// }
    /// grants.deliver();
    /// assert_eq!((first.try_take(), second.try_take()), (Some(Ok(1)), Some(Ok(2))));
    /// ```
    #[inline]
    pub fn push(&mut self, turn: Turn<T, E, P>, outcome: Outcome<T, E>) {
        let grant = Grant(turn, outcome);
        match &self.first {
            None => self.first = Some(grant),
            Some(_) => self.more().granted.push(grant),
        }
    }

    /// Adds a turn that ends with [`Primitive::closed`].
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Grants, WaitQueue};
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let mut waiter = queue.push(());
    /// let mut grants = Grants::new();
    /// let (turn, request) = queue.lock().pop().unwrap();
    /// grants.push_closed(turn, request);
    /// grants.deliver();
    /// assert!(waiter.try_take().unwrap().unwrap_err().is_closed());
    /// ```
    pub fn push_closed(&mut self, turn: Turn<T, E, P>, request: P::Request) {
        self.more().closed.push((turn, request));
    }

    #[cold]
    fn more(&mut self) -> &mut More<T, E, P> {
        self.more.get_or_insert_with(|| Box::new(More { granted: Vec::new(), closed: Vec::new() }))
    }

    /// Tells whether there is nothing to deliver.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Grants, WaitQueue};
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let waiter = queue.push(());
    /// let mut grants = Grants::new();
    /// queue.lock().fail_all(&mut grants);
    /// assert!(!grants.is_empty());
    /// grants.deliver();
    /// # drop(waiter);
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_none()
    }

    /// Grants all turns, in the order in which they were pushed, then the closed ones. No lock may be held.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Grants, WaitQueue};
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let mut waiter = queue.push(());
    /// let mut grants = Grants::new();
    /// let (turn, ()) = queue.lock().pop().unwrap();
    /// grants.push(turn, Ok(1));
    /// assert!(!waiter.is_fired());
    /// grants.deliver();
    /// assert_eq!(waiter.try_take(), Some(Ok(1)));
    /// ```
    #[inline(always)]
    pub fn deliver(self) {
        if self.is_empty() {
            // There is nothing to drop in it, which the compiler does not see.
            core::mem::forget(self);
        } else {
            self.deliver_some();
        }
    }

    #[inline(never)]
    fn deliver_some(self) {
        match self {
            Self { first: Some(Grant(turn, outcome)), more: None } => hand_over(turn, outcome),
            several => several.deliver_all(|| ()),
        }
    }

    /// As [`deliver`](Self::deliver), behind another turn that was popped before these.
    #[inline(always)]
    pub(super) fn deliver_behind(self, turn: Turn<T, E, P>, outcome: Outcome<T, E>) {
        if self.is_empty() {
            core::mem::forget(self);
            hand_over(turn, outcome);
        } else {
            hand_over_framed(|| (), Grant(turn, outcome), self.in_order());
        }
    }

    /// As [`deliver`](Self::deliver), behind the waking of a task that was fired before these.
    #[inline(always)]
    pub(super) fn deliver_after(self, wake: impl FnOnce()) {
        if self.is_empty() {
            core::mem::forget(self);
            wake();
        } else {
            self.deliver_all(wake);
        }
    }

    /// All turns are in line before anything else happens, so that what that grants comes behind them.
    #[cold]
    fn deliver_all(self, before: impl FnOnce()) {
        let mut grants = self.in_order();
        match grants.next() {
            Some(first) => hand_over_framed(before, first, grants),
            None => before(),
        }
    }

    fn in_order(self) -> impl Iterator<Item = Grant<T, E, P>> {
        let (granted, closed) = self.more.map(|more| (more.granted, more.closed)).unwrap_or_default();
        let closed = closed.into_iter().map(|(turn, request)| {
            let failure = Failure::with_origin(P::closed(request).into_kind(), turn.created());
            Grant(turn, Err(failure))
        });
        self.first.into_iter().chain(granted).chain(closed)
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Default for Grants<T, E, P> {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows how many there are.
impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Grants<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (granted, closed) = self.more.as_ref().map_or((0, 0), |more| (more.granted.len(), more.closed.len()));
        let granted = granted + usize::from(self.first.is_some());
        f.debug_struct("Grants").field("granted", &granted).field("closed", &closed).finish()
    }
}

/// A grant that is going on, somewhere up this thread's stack.
struct Frame {
    /// The number of the queue, which may have gone meanwhile.
    queue: usize,
    /// Its types: numbers come again when all have been used.
    types: TypeId,
    /// A `RefCell<VecDeque<Grant<T, E, P>>>` with the types of that queue.
    later: *const (),
    /// Grants the first of `later`, if there is one.
    #[cfg(all(feature = "std", not(loom)))]
    grant_next: unsafe fn(*const ()) -> bool,
    /// The frame around this one.
    outer: Cell<*const Frame>,
}

/// Tells whether a grant is going on further up this thread's stack.
#[inline(always)]
pub(super) fn is_granting() -> bool {
    frames::with(|innermost| !innermost.is_null())
}

/// Grants a turn, now or behind the one of the same queue that is going on.
#[inline(always)]
pub(super) fn hand_over<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(
    turn: Turn<T, E, P>,
    outcome: Outcome<T, E>,
) {
    let s = turn.state();
    let only_wakes = !s.has(State::MORE) && matches!(s.tail(), TailKind::None | TailKind::Waker);
    // To wake a task is not to run it, unless its waker does so on the spot: nothing that could grant again happens inside,
    // nor is anything ahead of it.
    if only_wakes && !is_granting() {
        grant(turn, s, outcome)
    } else {
        hand_over_framed(|| (), Grant(turn, outcome), iter::empty())
    }
}

/// Grants a turn and those behind it, now or behind the one of the same queue that is going on; `before` is called when they
/// are in line, and must not unwind.
#[inline(never)]
fn hand_over_framed<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(
    before: impl FnOnce(),
    first: Grant<T, E, P>,
    behind: impl Iterator<Item = Grant<T, E, P>>,
) {
    let (queue, types) = (first.0.queue, TypeId::of::<Grant<T, E, P>>());
    // Foreign code may make them, so they are made before the list is looked at.
    let behind: VecDeque<Grant<T, E, P>> = behind.collect();
    let later = RefCell::new(VecDeque::<Grant<T, E, P>>::new());
    let frame = Frame {
        queue,
        types,
        later: (&raw const later).cast(),
        #[cfg(all(feature = "std", not(loom)))]
        grant_next: grant_next::<T, E, P>,
        outer: Cell::new(ptr::null()),
    };
    let first = frames::with(|innermost| {
        let mut next = *innermost;
        // SAFETY: a frame lies on a stack and is unlinked before it goes; only `with` looks at the list.
        while let Some(other) = unsafe { next.as_ref() } {
            if other.queue == queue && other.types == types {
                // SAFETY: `types` says what `later` is.
                let mut later = unsafe { &*other.later.cast::<RefCell<VecDeque<Grant<T, E, P>>>>() }.borrow_mut();
                later.push_back(first);
                later.extend(behind);
                return None;
            }
            next = other.outer.get();
        }
        later.borrow_mut().extend(behind);
        frame.outer.set(*innermost);
        *innermost = &raw const frame;
        Some(first)
    });
    let Some(Grant(turn, outcome)) = first else { return before() };
    let unlink = Unlink(&frame);
    before();
    let s = turn.state();
    grant(turn, s, outcome);
    loop {
        let next = frames::with(|innermost| {
            let next = later.borrow_mut().pop_front();
            if next.is_none() {
                // In the same look: nobody may find a frame that is not worked off any more.
                unlink.0.unlink(innermost);
            }
            next
        });
        let Some(Grant(turn, outcome)) = next else { return };
        let s = turn.state();
        grant(turn, s, outcome);
    }
}

/// Grants the first of a frame's `later`; returns whether there was one.
///
/// # Safety
///
/// `later` must be that of a frame of these types further up this thread's stack.
#[cfg(all(feature = "std", not(loom)))]
unsafe fn grant_next<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(later: *const ()) -> bool {
    // SAFETY: the caller's promise; the borrow ends before foreign code runs.
    let next = unsafe { &*later.cast::<RefCell<VecDeque<Grant<T, E, P>>>>() }.borrow_mut().pop_front();
    let Some(Grant(turn, outcome)) = next else { return false };
    let s = turn.state();
    grant(turn, s, outcome);
    true
}

/// Grants all that was put behind a grant on this thread; returns whether there was anything.
#[cfg(all(feature = "std", not(loom)))]
pub(crate) fn catch_up() -> bool {
    let mut any = false;
    let mut next = frames::with(|innermost| *innermost);
    // SAFETY: these frames are further up this thread's stack, so they neither go nor change places meanwhile.
    while let Some(frame) = unsafe { next.as_ref() } {
        // SAFETY: as above, and the function is for the types of this frame.
        while unsafe { (frame.grant_next)(frame.later) } {
            any = true;
        }
        next = frame.outer.get();
    }
    any
}

impl Frame {
    /// Takes it off the list, if it is there.
    fn unlink(&self, innermost: &mut *const Self) {
        if ptr::eq(*innermost, self) {
            *innermost = self.outer.get();
            return;
        }
        let mut next = *innermost;
        // SAFETY: as for the search above.
        while let Some(inner) = unsafe { next.as_ref() } {
            next = inner.outer.get();
            if ptr::eq(next, self) {
                inner.outer.set(self.outer.get());
                return;
            }
        }
    }
}

/// Takes a frame off the list when the stack is unwound, too.
struct Unlink<'a>(&'a Frame);

impl Drop for Unlink<'_> {
    fn drop(&mut self) {
        frames::with(|innermost| self.0.unlink(innermost));
    }
}

/// Fires a turn in state `s`; what its waiter does not want any more goes back to the primitive.
#[inline(always)]
fn grant<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(turn: Turn<T, E, P>, s: State, outcome: Outcome<T, E>) {
    let node = turn.into_node();
    // SAFETY: a turn owns the resolver's side of a waiter of these types; it is given up by one of the two paths.
    unsafe {
        if let Err(unwanted) = try_fire(node, s, outcome, fire_waking) {
            take_back::<T, E, P>(node, unwanted);
        }
    }
}

/// Ends a waiter that does not want what it was granted.
///
/// # Safety
///
/// The caller must own the resolver's side of a waiter of these types.
#[cold]
#[inline(never)]
unsafe fn take_back<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(
    node: NonNull<Header>,
    unwanted: Outcome<T, E>,
) {
    // SAFETY: as promised.
    unsafe {
        let home = if P::RECLAIMS { take_home::<T, E, P>(node) } else { None };
        release(node, State::RESOLVER);
        match (home, unwanted) {
            (Some(home), Ok(value)) => P::untaken(&home, value),
            (_, unwanted) => drop_value(unwanted),
        }
    }
}

#[cfg(feature = "std")]
mod frames {
    use core::cell::Cell;

    use super::{Frame, ptr};
    use crate::sync::local;

    local! {
        static INNERMOST: Cell<*const Frame> = Cell::new(ptr::null());
    }

    /// Looks at the list of this thread, which is empty when the thread is going away.
    #[inline]
    pub(super) fn with<R>(f: impl FnOnce(&mut *const Frame) -> R) -> R {
        let mut innermost = INNERMOST.try_with(Cell::get).unwrap_or(ptr::null());
        let result = f(&mut innermost);
        let _ = INNERMOST.try_with(|place| place.set(innermost));
        result
    }
}

/// Without threads to tell apart there is one list for all, and a grant may be put behind one of another thread, or of
/// what an interrupt has interrupted.
#[cfg(not(feature = "std"))]
mod frames {
    use super::{Frame, ptr};
    use crate::sync::Lock;

    struct Innermost(*const Frame);

    // SAFETY: frames are looked at under the lock only. A queue whose values are not `Send` has all its handles, and so
    // all its grants, on one thread.
    unsafe impl Send for Innermost {}

    static LIST: Lock<Innermost> = Lock::new(Innermost(ptr::null()));

    /// Looks at the list.
    pub(super) fn with<R>(f: impl FnOnce(&mut *const Frame) -> R) -> R {
        f(&mut LIST.lock().0)
    }
}

//! Granting waiters their turn, in order and on a bounded stack.
//!
//! A waiter's callbacks may release what they were granted, which grants the next waiter its turn, a million deep.
//! A grant that is made inside a grant of the same queue on the same thread is therefore put behind it, so that
//! waiters also finish in the order in which they were granted.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::any::TypeId;
use core::cell::RefCell;
use core::fmt::{self, Debug};
use core::ptr;

use super::list::take_home;
use super::{Primitive, Turn};
use crate::cell::release;
use crate::failure::Outcome;
use crate::postpone::drop_value;
use crate::resolver::try_fire;
use crate::state::State;

/// Turns to be granted when the lock is not held any more.
#[must_use = "the waiters in it have left the queue"]
pub struct Grants<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    first: Option<Grant<T, E, P>>,
    rest: Vec<Grant<T, E, P>>,
    /// Those who are told that the primitive is closed.
    closed: Vec<(Turn<T, E, P>, P::Request)>,
}

/// A turn with what it gets.
struct Grant<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(Turn<T, E, P>, Outcome<T, E>);

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Grants<T, E, P> {
    /// Makes an empty list.
    pub fn new() -> Self {
        Self { first: None, rest: Vec::new(), closed: Vec::new() }
    }

    /// Adds a turn with what it gets.
    #[inline]
    pub fn push(&mut self, turn: Turn<T, E, P>, outcome: Outcome<T, E>) {
        let grant = Grant(turn, outcome);
        match &self.first {
            None => self.first = Some(grant),
            Some(_) => self.rest.push(grant),
        }
    }

    /// Adds a turn that ends with [`Primitive::closed`].
    pub fn push_closed(&mut self, turn: Turn<T, E, P>, request: P::Request) {
        self.closed.push((turn, request));
    }

    /// Tells whether there is nothing to deliver.
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.closed.is_empty()
    }

    /// Grants all turns, in the order in which they were pushed, then the closed ones. No lock may be held.
    #[inline]
    pub fn deliver(self) {
        if self.is_empty() {
            // Nothing is in it, so nothing is to be dropped either: its lists have never allocated.
            debug_assert!(self.rest.capacity() == 0 && self.closed.capacity() == 0);
            return core::mem::forget(self);
        }
        let Self { first, rest, closed } = self;
        if let Some(Grant(turn, outcome)) = first {
            hand_over(turn, outcome);
        }
        for Grant(turn, outcome) in rest {
            hand_over(turn, outcome);
        }
        for (turn, request) in closed {
            hand_over(turn, Err(P::closed(request)));
        }
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
        let granted = usize::from(self.first.is_some()) + self.rest.len();
        f.debug_struct("Grants").field("granted", &granted).field("closed", &self.closed.len()).finish()
    }
}

/// A grant that is going on, somewhere up this thread's stack.
struct Frame {
    /// The queue, by its address.
    queue: *const (),
    /// Its types: another queue may have come to lie at the address since.
    types: TypeId,
    /// A `RefCell<VecDeque<Grant<T, E, P>>>` with the types of that queue.
    later: *const (),
    /// The frame around this one.
    outer: *const Frame,
}

/// Grants a turn, now or behind the one of the same queue that is going on.
pub(super) fn hand_over<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(
    turn: Turn<T, E, P>,
    outcome: Outcome<T, E>,
) {
    let (queue, types) = (turn.queue, TypeId::of::<Grant<T, E, P>>());
    let mut frame = frames::innermost();
    while !frame.is_null() {
        // SAFETY: the frames of a thread lie on its stack, and each is unlinked before it goes.
        // `types` says what `later` is.
        unsafe {
            if (*frame).queue == queue && (*frame).types == types {
                let later = &*(*frame).later.cast::<RefCell<VecDeque<Grant<T, E, P>>>>();
                later.borrow_mut().push_back(Grant(turn, outcome));
                return;
            }
            frame = (*frame).outer;
        }
    }
    let later = RefCell::new(VecDeque::<Grant<T, E, P>>::new());
    let frame = Frame { queue, types, later: (&raw const later).cast(), outer: frames::innermost() };
    frames::set_innermost(&frame);
    let _unlink = Unlink(frame.outer);
    grant(turn, outcome);
    loop {
        let next = later.borrow_mut().pop_front();
        let Some(Grant(turn, outcome)) = next else { return };
        grant(turn, outcome);
    }
}

/// Takes the innermost frame off the list when the stack is unwound, too.
struct Unlink(*const Frame);

impl Drop for Unlink {
    fn drop(&mut self) {
        frames::set_innermost(self.0);
    }
}

/// Fires a turn; what its waiter does not want any more goes back to the primitive.
fn grant<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(turn: Turn<T, E, P>, outcome: Outcome<T, E>) {
    let node = turn.into_node();
    // SAFETY: a turn owns the resolver's side of a waiter of these types; it is given up by one of the two paths.
    unsafe {
        let Err(unwanted) = try_fire(node, outcome) else { return };
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

    /// Null also when the thread is going away.
    #[inline]
    pub(super) fn innermost() -> *const Frame {
        INNERMOST.try_with(Cell::get).unwrap_or(ptr::null())
    }

    #[inline]
    pub(super) fn set_innermost(frame: *const Frame) {
        let _ = INNERMOST.try_with(|innermost| innermost.set(frame));
    }
}

/// Without threads to tell apart there is no list, and grants nest.
#[cfg(not(feature = "std"))]
mod frames {
    use super::{Frame, ptr};

    pub(super) fn innermost() -> *const Frame {
        ptr::null()
    }

    pub(super) fn set_innermost(_: *const Frame) {}
}

//! The waiters of a queue: cells linked into a list, each able to leave it in constant time.
//!
//! A waiter's cell is its node. While it is listed the queue owns its resolver's side, and `CANCELLER` is set.
//!
//! Two may want a listed waiter at the same moment: whoever pops it, under the queue's lock, and whoever cancels it.
//! The state word decides: the first to take `CANCELLER` away has it.
//! A canceller that has won comes to unlink the node; until it is there, the others pass the node by.
//!
//! Whoever has what the waiter wants at hand fires it in the same exchange: [`List::fire_front`].

use core::fmt::Debug;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::panic::Location;
use core::ptr::NonNull;
use core::task::Waker;

use super::shared::Core;
use super::{Primitive, WaitQueue};
use crate::cell::{Cell, Header, Kind, KindVTable, drop_waker, finish_waker, typed_slot};
use crate::failure::{Failure, Outcome};
use crate::state::{Phase, State, TailKind};
use crate::sync::UnsafeCell;

/// What a waiter's cell has beside its Deferred's.
pub(crate) struct Waiter<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    /// What was asked for, from `push` until the node is unlinked; touched under the queue's lock.
    request: UnsafeCell<MaybeUninit<P::Request>>,
    /// Changed by `pop`, and by whoever takes the way home of a grant that nobody takes.
    home: UnsafeCell<Home<T, E, P>>,
}

/// The queue of a waiter, by its address; it lives at least as long as the node is listed.
///
/// With the lowest bit set it is a handle, the way home of a grant that nobody takes: where the primitive reclaims, from
/// `pop` until the grant is taken.
struct Home<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(*mut Core<T, E, P>);

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Home<T, E, P> {
    const HANDLE: usize = 1;

    fn new(core: NonNull<Core<T, E, P>>) -> Self {
        const { assert!(align_of::<Core<T, E, P>>() > Self::HANDLE) };
        Self(core.as_ptr())
    }

    fn core(&self) -> NonNull<Core<T, E, P>> {
        // SAFETY: made of a `NonNull` whose lowest bit is not set.
        unsafe { NonNull::new_unchecked(self.0.map_addr(|address| address & !Self::HANDLE)) }
    }

    fn keep(&mut self, handle: WaitQueue<T, E, P>) {
        self.0 = ManuallyDrop::new(handle).core_ptr().as_ptr().map_addr(|address| address | Self::HANDLE);
    }

    fn take(&mut self) -> Option<WaitQueue<T, E, P>> {
        let is_handle = self.0.addr() & Self::HANDLE != 0;
        self.0 = self.core().as_ptr();
        // SAFETY: the bit said that there is a handle, and is gone now.
        is_handle.then(|| unsafe { WaitQueue::from_core(self.core()) })
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Drop for Home<T, E, P> {
    #[inline(always)]
    fn drop(&mut self) {
        if P::RECLAIMS {
            drop(self.take());
        }
    }
}

/// The neighbours of a listed node; touched under the queue's lock.
///
/// They lie in the slot, which belongs to the queue until the node is unlinked, and to whoever fires it only then.
#[derive(Clone, Copy)]
struct Links {
    before: Option<NonNull<Header>>,
    behind: Option<NonNull<Header>>,
}

/// The list; its owner holds the queue's lock.
pub(crate) struct List<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    front: Option<NonNull<Header>>,
    back: Option<NonNull<Header>>,
    /// How many nodes are linked, those about to leave included.
    len: usize,
    types: PhantomData<Cell<T, E, Waiter<T, E, P>>>,
}

// SAFETY: the list is used under the queue's lock only; what its nodes hold beside links are requests.
unsafe impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Send for List<T, E, P> {}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> List<T, E, P> {
    pub(crate) const fn new() -> Self {
        Self { front: None, back: None, len: 0, types: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns who stands in front, perhaps about to leave.
    pub(crate) fn front(&self) -> Option<NonNull<Header>> {
        self.front
    }

    /// Makes a waiter and links it at the back; returns its cell, for a Deferred.
    #[inline]
    pub(crate) fn push(
        &mut self,
        core: NonNull<Core<T, E, P>>,
        request: P::Request,
        created: &'static Location<'static>,
    ) -> NonNull<Header> {
        let state = State::new(Phase::Pending, State::RESOLVER | State::CONSUMER | State::CANCELLER);
        let waiter =
            Waiter { request: UnsafeCell::new(MaybeUninit::new(request)), home: UnsafeCell::new(Home::new(core)) };
        let node = Cell::<T, E, _>::new(state, created, waiter).cast();
        // SAFETY: a listed node is kept by its resolver's side, and its links are the list's.
        unsafe {
            self.links(node).write(Links { before: self.back, behind: None });
            match self.back {
                Some(back) => (*self.links(back)).behind = Some(node),
                None => self.front = Some(node),
            }
        }
        self.back = Some(node);
        self.len += 1;
        node
    }

    /// Looks at the request of the first one that is not about to leave.
    #[inline]
    pub(crate) fn peek<R>(&self, f: impl FnOnce(&P::Request) -> R) -> Option<R> {
        let mut next = self.front;
        while let Some(node) = next {
            // SAFETY: a listed node is kept by its resolver's side; its links and request are the list's.
            unsafe {
                if node.as_ref().load().has(State::CANCELLER) {
                    return Some(self.waiter(node).request.with(|request| f((*request).assume_init_ref())));
                }
                next = (*self.links(node)).behind;
            }
        }
        None
    }

    /// Takes the oldest waiter out, if there is one and `wanted` says so of its request.
    /// Returns its cell, whose resolver's side is now the caller's.
    #[inline]
    pub(crate) fn pop_if(
        &mut self,
        mut wanted: impl FnMut(&P::Request) -> bool,
    ) -> Option<(NonNull<Header>, P::Request)> {
        let mut next = self.front;
        while let Some(node) = next {
            // SAFETY: a listed node is kept by its resolver's side; its links and request are the list's.
            unsafe {
                let mut s = node.as_ref().load();
                if s.has(State::CANCELLER) && !self.waiter(node).request.with(|r| wanted((*r).assume_init_ref())) {
                    return None;
                }
                while s.has(State::CANCELLER) {
                    // Whoever fires it will read the waker; saying so here saves an exchange there.
                    let seen = if s.tail() == TailKind::Waker { State::SEEN } else { 0 };
                    match node.as_ref().exchange(s, s.without(State::CANCELLER).with(seen)) {
                        Ok(()) => return Some((node, self.unlink(node))),
                        Err(now) => s = now,
                    }
                }
                next = (*self.links(node)).behind;
            }
        }
        None
    }

    /// Fires the oldest waiter with what `make` makes, in the exchange that takes it out, if `wanted` says so of its request
    /// and all that is to be done beside is to wake a task, when the lock is not held any more.
    ///
    /// When the waiter changes meanwhile, what was made comes back.
    #[inline]
    pub(crate) fn fire_front(
        &mut self,
        wanted: impl FnOnce(&P::Request) -> bool,
        make: impl FnOnce() -> T,
    ) -> Result<Option<(Waker, P::Request)>, T> {
        let Some(node) = self.front else { return Ok(None) };
        // SAFETY: a listed node is kept by its resolver's side, until the exchange gives that up; its links and request are
        // the list's, and so is its slot while it is pending with a canceller. See the steps.
        unsafe {
            let s = node.as_ref().load();
            let wakes = s.tail() == TailKind::Waker && !s.has(State::MORE) && s.pauses() == 0;
            let request = &self.waiter(node).request;
            if !s.has(State::CANCELLER) || !wakes || !request.with(|request| wanted((*request).assume_init_ref())) {
                return Ok(None);
            }
            // Before the exchange, as the consumer may free the cell then. Should it fail, all of it is still there.
            let request = request.with(|request| ManuallyDrop::new((*request).assume_init_read()));
            let made = Ok::<T, Failure<E>>(make());
            // In front is nobody before it.
            let behind = (*self.links(node)).behind;
            typed_slot::<T, E>(node).write(made);
            let Ok(waker) = finish_waker(node, s, s.without(State::RESOLVER | State::CANCELLER)) else {
                let made = typed_slot::<T, E>(node).read();
                self.links(node).write(Links { before: None, behind });
                return match made {
                    Ok(made) => Err(made),
                    Err(_) => unreachable!("a value was written"),
                };
            };
            self.front = behind;
            match behind {
                Some(behind) => (*self.links(behind)).before = None,
                None => self.back = None,
            }
            self.len -= 1;
            Ok(Some((waker, ManuallyDrop::into_inner(request))))
        }
    }

    /// Unlinks a node and returns its request.
    ///
    /// # Safety
    ///
    /// The node must be in this list, and the caller must have taken its `CANCELLER` away.
    #[inline]
    unsafe fn unlink(&mut self, node: NonNull<Header>) -> P::Request {
        // SAFETY: as promised; the neighbours are listed, so they are there.
        unsafe {
            let Links { before, behind } = self.links(node).read();
            match before {
                Some(before) => (*self.links(before)).behind = behind,
                None => self.front = behind,
            }
            match behind {
                Some(behind) => (*self.links(behind)).before = before,
                None => self.back = before,
            }
            self.len -= 1;
            self.waiter(node).request.with(|request| (*request).assume_init_read())
        }
    }

    /// # Safety
    ///
    /// The node must be a cell of these types, and be kept while the result is used.
    unsafe fn waiter<'a>(&self, node: NonNull<Header>) -> &'a Waiter<T, E, P> {
        // SAFETY: as promised.
        unsafe { waiter(node) }
    }

    /// # Safety
    ///
    /// As for [`waiter`](Self::waiter).
    #[inline(always)]
    unsafe fn links(&self, node: NonNull<Header>) -> *mut Links {
        // An outcome holds at least a tag and a place.
        const { assert!(size_of::<Links>() <= size_of::<Outcome<T, E>>()) };
        const { assert!(align_of::<Links>() <= align_of::<Outcome<T, E>>()) };
        // SAFETY: as promised.
        unsafe { typed_slot::<T, E>(node).cast() }
    }
}

/// # Safety
///
/// The node must be a cell of these types, and be kept while the result is used.
unsafe fn waiter<'a, T: 'static, E: Debug + 'static, P: Primitive<T, E>>(node: NonNull<Header>) -> &'a Waiter<T, E, P> {
    // SAFETY: as promised.
    unsafe { &node.cast::<Cell<T, E, Waiter<T, E, P>>>().as_ref().extra }
}

/// Notes where the grant of a popped waiter goes if nobody takes it.
///
/// # Safety
///
/// The caller must own the resolver's side of a waiter of these types that has not been fired.
pub(crate) unsafe fn set_home<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(
    node: NonNull<Header>,
    home: WaitQueue<T, E, P>,
) {
    // SAFETY: nobody else looks at it before the waiter is fired.
    unsafe { waiter::<T, E, P>(node).home.with_mut(|place| (*place).keep(home)) }
}

/// Returns the home of a waiter.
///
/// # Safety
///
/// The caller must be the only one to look: the owner of the resolver's side of a waiter that was cancelled, or the
/// runner or consumer of one that was fired and not cancelled.
pub(crate) unsafe fn take_home<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(
    node: NonNull<Header>,
) -> Option<WaitQueue<T, E, P>> {
    // SAFETY: as promised.
    unsafe { waiter::<T, E, P>(node).home.with_mut(|place| (*place).take()) }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Kind<T, E> for Waiter<T, E, P> {
    const KIND: KindVTable = KindVTable {
        cancel: |node| {
            // SAFETY: this is the vtable of waiters of these types, and the caller took `CANCELLER` away.
            // That leaves the node in the list until it is unlinked here, and a list with nodes keeps its queue.
            unsafe {
                let core = waiter::<T, E, P>(node).home.with(|home| (*home).core());
                Core::withdraw(core, |list| list.unlink(node));
                // The resolver's side was the queue's; nobody fires this waiter any more.
                let run =
                    |s: State| Some(s.to(Phase::Running).without(State::RESOLVER | State::MORE).with(State::VOID));
                let _ = node.as_ref().update(run);
            }
            true
        },
        withdraw: Some(|node| {
            // SAFETY: this is the vtable of waiters of these types, and the caller took `CANCELLER` away.
            // As in `cancel` the node stays listed until it is unlinked here. The queue has its resolver's side, and
            // gives it up with that; the caller gives up the consumer's, and nobody has a handle.
            unsafe {
                let core = waiter::<T, E, P>(node).home.with(|home| (*home).core());
                Core::withdraw(core, |list| list.unlink(node));
                drop_waker(node.as_ref().take_waker());
                Cell::<T, E, Self>::free(node.cast());
            }
        }),
        // A pop takes `CANCELLER` away and wants nothing dropped.
        drop_canceller: |_| (),
        untaken: if P::RECLAIMS {
            // SAFETY: this is the vtable of waiters of these types, and the caller is the consumer of one that is done.
            Some(|node, outcome| unsafe {
                // A failure stays where it is, for the caller.
                let Ok(value) = &*outcome.cast::<crate::Outcome<T, E>>() else { return false };
                let Some(home) = take_home::<T, E, P>(node) else { return false };
                P::untaken(&home, core::ptr::read(value));
                true
            })
        } else {
            None
        },
        taken: if P::RECLAIMS {
            // SAFETY: this is the vtable of waiters of these types, and the caller runs or consumes one that was fired and
            // not cancelled.
            Some(|node| drop(unsafe { take_home::<T, E, P>(node) }))
        } else {
            None
        },
    };
}

//! A waiter whose turn it is.

use core::fmt::{self, Debug};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::Location;
use core::ptr::NonNull;

use super::Primitive;
use super::hand_over::hand_over;
use super::shared::Core;
use crate::cell::Header;
use crate::failure::Outcome;
use crate::resolver::Resolver;
use crate::state::State;

/// A waiter who was popped: fires once, in order with the others of its queue.
///
/// # Examples
///
/// ```
/// use deferred_core::WaitQueue;
///
/// let queue = WaitQueue::<u8>::new(());
/// let mut waiter = queue.push(());
/// let (turn, ()) = queue.lock().pop().unwrap();
/// drop(turn);
/// let failure = waiter.try_take().unwrap().unwrap_err();
/// assert!(failure.to_string().starts_with("abandoned"));
/// ```
#[must_use = "dropping a turn fails its waiter with `Abandoned`"]
pub struct Turn<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    /// The resolver's side of a waiter.
    node: NonNull<Header>,
    /// The number of its queue.
    pub(super) queue: usize,
    resolver: PhantomData<Resolver<T, E>>,
    primitive: PhantomData<fn() -> P>,
}

// SAFETY: a turn is a resolver.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, P: Primitive<T, E>> Send for Turn<T, E, P> {}
// SAFETY: as above.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, P: Primitive<T, E>> Sync for Turn<T, E, P> {}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Turn<T, E, P> {
    /// # Safety
    ///
    /// The caller must own the resolver's side of a waiter of this queue, which the result takes over.
    #[inline]
    pub(super) unsafe fn from_node(node: NonNull<Header>, core: &Core<T, E, P>) -> Self {
        Self { node, queue: core.number, resolver: PhantomData, primitive: PhantomData }
    }

    /// Returns the waiter's state.
    #[inline(always)]
    pub(super) fn state(&self) -> State {
        // SAFETY: a turn has a claim on its waiter.
        unsafe { self.node.as_ref() }.load()
    }

    /// Returns where the waiter was created.
    pub(super) fn created(&self) -> &'static Location<'static> {
        // SAFETY: a turn has a claim on its waiter.
        unsafe { self.node.as_ref() }.created()
    }

    /// Fires the waiter, or puts it behind the grant of the same queue that is going on further up this thread's stack.
    ///
    /// What the waiter does not want any more goes to [`Primitive::untaken`], or is dropped.
    /// The lock must not be held.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let mut waiter = queue.push(());
    /// let (turn, ()) = queue.lock().pop().unwrap();
    /// turn.grant(Ok(1));
    /// assert_eq!(waiter.try_take(), Some(Ok(1)));
    /// ```
    #[inline(always)]
    pub fn grant(self, outcome: Outcome<T, E>) {
        hand_over(self, outcome);
    }

    /// Returns the resolver, to fire it by hand, on the spot.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let waiter = queue.push(());
    /// let (turn, ()) = queue.lock().pop().unwrap();
    /// let resolver = turn.into_resolver();
    /// drop(waiter);
    /// assert_eq!(resolver.callback(1), Err(1), "nobody wants it");
    /// ```
    pub fn into_resolver(self) -> Resolver<T, E> {
        Resolver::from_cell(self.into_node())
    }

    #[inline]
    pub(super) fn into_node(self) -> NonNull<Header> {
        ManuallyDrop::new(self).node
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Drop for Turn<T, E, P> {
    fn drop(&mut self) {
        drop(Resolver::<T, E>::from_cell(self.node));
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Turn<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

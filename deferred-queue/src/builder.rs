//! Making a queue with bounds.

use alloc::collections::VecDeque;
use core::fmt::{self, Debug};
use core::marker::PhantomData;

use deferred_core::WaitQueue;

use crate::queue::DeferredQueue;
use crate::state::{Putting, State, UNBOUNDED};
use crate::store::Store;

/// Makes a [`DeferredQueue`] with bounds; see [`DeferredQueue::builder`].
///
/// # Examples
///
/// ```
/// use deferred_queue::DeferredQueue;
///
/// let bounded = DeferredQueue::builder().size(1).backlog(8);
/// let (first, second) = (bounded.clone().build(), bounded.build());
/// first.put('a').unwrap();
/// assert!(first.put('b').is_err());
/// assert!(second.put('b').is_ok(), "it is another queue");
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder<T, S = VecDeque<T>> {
    size: Option<usize>,
    backlog: Option<usize>,
    types: PhantomData<fn() -> (T, S)>,
}

impl<T, S> Default for Builder<T, S> {
    fn default() -> Self {
        Self { size: None, backlog: None, types: PhantomData }
    }
}

impl<T: Send + 'static, S: Store<T>> Builder<T, S> {
    /// Bounds the stored items. With 0 an item goes only to somebody who waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::builder().size(1).build();
    /// queue.put('a').unwrap();
    /// assert!(queue.put('b').unwrap_err().is_full());
    /// ```
    pub fn size(mut self, items: usize) -> Self {
        self.size = Some(items);
        self
    }

    /// Bounds how many may wait for an item. With 0 nobody may.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::<u8>::builder().backlog(1).build();
    /// let first = queue.get();
    /// assert!(!first.is_fired());
    /// assert!(queue.get().wait().is_err(), "one waits already");
    /// ```
    pub fn backlog(mut self, getters: usize) -> Self {
        self.backlog = Some(getters);
        self
    }

    /// Makes the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::{Builder, DeferredPriorityQueue, Priority};
    ///
    /// let queue: DeferredPriorityQueue<u8> = Builder::<u8, Priority<u8>>::default().size(2).build();
    /// queue.put(1).unwrap();
    /// queue.put(2).unwrap();
    /// assert_eq!(queue.try_get(), Some(2));
    /// ```
    pub fn build(self) -> DeferredQueue<T, S> {
        let Self { size, backlog, .. } = self;
        let putters = WaitQueue::new(Putting(PhantomData));
        let size = size.unwrap_or(UNBOUNDED);
        let (peeked, crowded, closed) = (false, false, false);
        let state = State { items: S::default(), putters, size, backlog, peeked, crowded, closed };
        DeferredQueue::from_getters(WaitQueue::new(state))
    }
}

impl<T, S> Debug for Builder<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("size", &self.size).field("backlog", &self.backlog).finish()
    }
}

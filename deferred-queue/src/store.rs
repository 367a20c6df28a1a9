//! The order in which stored items come out.

use alloc::collections::{BinaryHeap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

/// Holds the items of a [`DeferredQueue`](crate::DeferredQueue) that nobody waits for.
///
/// Its methods are called with the queue's lock held, so they must not use the queue.
///
/// # Examples
///
/// ```
/// use deferred_queue::{DeferredQueue, Store};
///
/// /// Last in, first out.
/// #[derive(Default)]
/// struct Stack(Vec<u8>);
///
/// impl Store<u8> for Stack {
///     fn push(&mut self, item: u8) {
///         self.0.push(item);
///     }
///
///     fn push_back_in_front(&mut self, item: u8) {
///         self.0.push(item);
///     }
///
///     fn pop(&mut self) -> Option<u8> {
///         self.0.pop()
///     }
///
///     fn len(&self) -> usize {
///         self.0.len()
///     }
/// }
///
/// let queue = DeferredQueue::<u8, Stack>::default();
/// for n in [1, 2, 3] {
///     queue.put(n).unwrap();
/// }
/// assert_eq!(queue.drain(), [3, 2, 1]);
/// ```
pub trait Store<T>: Default + Send + 'static {
    /// Adds an item.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::{Priority, Store};
    ///
    /// let mut store = Priority::default();
    /// store.push(1);
    /// assert_eq!(store.len(), 1);
    /// ```
    fn push(&mut self, item: T);

    /// Takes an item back that had been popped and that nobody took: it comes out before all that are equal to it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::{Priority, Store};
    ///
    /// let mut store = Priority::default();
    /// store.push(7);
    /// store.push(5);
    /// let first = store.pop().unwrap();
    /// store.push_back_in_front(first);
    /// assert_eq!(store.pop(), Some(first));
    /// ```
    fn push_back_in_front(&mut self, item: T);

    /// Takes the next item out.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::{Priority, Store};
    ///
    /// let mut store = Priority::default();
    /// assert_eq!(store.pop(), None);
    /// store.push(1);
    /// assert_eq!(store.pop(), Some(1));
    /// ```
    fn pop(&mut self) -> Option<T>;

    /// Returns how many items there are.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::Store;
    /// use std::collections::VecDeque;
    ///
    /// assert_eq!(Store::len(&VecDeque::from([1, 2, 3])), 3);
    /// ```
    fn len(&self) -> usize;

    /// Tells whether there are none.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::{Priority, Store};
    ///
    /// assert!(Priority::<u8>::default().is_empty());
    /// ```
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// First in, first out.
impl<T: Send + 'static> Store<T> for VecDeque<T> {
    fn push(&mut self, item: T) {
        self.push_back(item);
    }

    fn push_back_in_front(&mut self, item: T) {
        self.push_front(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// The greatest item first, by [`Ord`]; equal ones in the order of arrival.
///
/// For the smallest first, wrap items in [`Reverse`](core::cmp::Reverse).
/// `Ord::cmp` is called with the queue's lock held, so it must not use the queue.
///
/// # Examples
///
/// ```
/// use deferred_queue::DeferredPriorityQueue;
/// use std::cmp::Reverse;
///
/// let queue = DeferredPriorityQueue::default();
/// for n in [2, 3, 1] {
///     queue.put(Reverse(n)).unwrap();
/// }
/// assert_eq!(queue.try_get(), Some(Reverse(1)));
/// ```
pub struct Priority<T> {
    heap: BinaryHeap<Entry<T>>,
    /// The rank of the next item to arrive; grows.
    back: i64,
    /// The rank of the next item to come back; falls.
    front: i64,
}

/// An item with its place among equal ones: the lower the rank, the earlier.
struct Entry<T> {
    item: T,
    rank: i64,
}

impl<T: Ord> Default for Priority<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), back: 0, front: -1 }
    }
}

impl<T: Ord + Send + 'static> Store<T> for Priority<T> {
    fn push(&mut self, item: T) {
        self.heap.push(Entry { item, rank: self.back });
        self.back += 1;
    }

    fn push_back_in_front(&mut self, item: T) {
        self.heap.push(Entry { item, rank: self.front });
        self.front -= 1;
    }

    fn pop(&mut self) -> Option<T> {
        self.heap.pop().map(|entry| entry.item)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

impl<T: Ord> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.item.cmp(&other.item).then(other.rank.cmp(&self.rank))
    }
}

impl<T: Ord> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Entry<T> {}

impl<T> fmt::Debug for Priority<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Priority").field("len", &self.heap.len()).finish_non_exhaustive()
    }
}

/// Takes everything out, in order.
pub(crate) fn drain<T>(store: &mut impl Store<T>) -> Vec<T> {
    let mut items = Vec::with_capacity(store.len());
    while let Some(item) = store.pop() {
        items.push(item);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_come_out_in_the_order_of_arrival_and_a_returned_one_first() {
        let mut store = Priority::default();
        for item in [(1, 'a'), (2, 'b'), (1, 'c')].map(ByNumber) {
            store.push(item);
        }
        let first = store.pop().unwrap();
        assert_eq!(first.0, (2, 'b'));
        let second = store.pop().unwrap();
        assert_eq!(second.0, (1, 'a'));
        store.push_back_in_front(second);
        assert_eq!(drain(&mut store).into_iter().map(|item| item.0.1).collect::<Vec<_>>(), ['a', 'c']);
    }

    #[test]
    fn a_store_is_empty_when_nothing_is_in_it() {
        let (mut plain, mut sorted) = (VecDeque::new(), Priority::default());
        assert!(Store::is_empty(&plain) && sorted.is_empty());
        Store::push(&mut plain, 1);
        sorted.push(1);
        assert!(!Store::is_empty(&plain) && !sorted.is_empty());
    }

    #[derive(Debug)]
    struct ByNumber((u8, char));

    impl PartialEq for ByNumber {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other) == Ordering::Equal
        }
    }
    impl Eq for ByNumber {}
    impl PartialOrd for ByNumber {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for ByNumber {
        fn cmp(&self, other: &Self) -> Ordering {
            self.0.0.cmp(&other.0.0)
        }
    }
}

//! The queue.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt::{self, Debug};
use core::panic::{RefUnwindSafe, UnwindSafe};

use deferred_core::{Compact, Deferred};

use crate::builder::Builder;
use crate::error::{QueueOverflow, QueueUnderflow, Unsent};
use crate::state::{Deliveries, Getters, LockedQueue, put_back, put_slow, put_when_room_slow, take_slow, wait};
use crate::store::{Priority, Store, drain};
use crate::stream::QueueStream;

/// A queue whose items come out by [`Ord`], the greatest first, equal ones in the order of arrival; see [`Priority`].
///
/// # Examples
///
/// ```
/// use deferred_queue::DeferredPriorityQueue;
///
/// let queue = DeferredPriorityQueue::default();
/// for n in [1, 3, 2] {
///     queue.put(n).unwrap();
/// }
/// assert_eq!(queue.drain(), [3, 2, 1]);
/// ```
pub type DeferredPriorityQueue<T> = DeferredQueue<T, Priority<T>>;

/// A queue: items go in at one end, and whoever wants one gets a [`Deferred`].
///
/// Either items are stored or somebody waits for one, never both.
/// It is a handle: clones share one queue.
/// When the last one has gone and every item that was delivered was taken, whoever waits for an item fails with `Closed`.
///
/// # Fairness
///
/// Strict first in, first out, for items, for getters and for those who wait for room.
/// [`try_get`](Self::try_get) and [`put`](Self::put) never go ahead of a waiter.
///
/// # Complexity
///
/// Every operation takes amortised constant time, whatever is stored and whoever waits; `drain` and `close` take it for
/// each item and waiter.
/// In a [`DeferredPriorityQueue`] putting and getting a stored item takes logarithmic time.
///
/// # Panics
///
/// Clones, streams, and items that were delivered and not taken yet count as handles, of which a queue may have 2³⁰ − 1 on
/// 64-bit targets and 2¹⁴ − 1 on 32-bit ones: what would make one more panics.
///
/// # Differences from Twisted
///
/// An item that was delivered to a Deferred and not taken from it goes back: to the next who waits, or to the front.
/// A failure to put gives the item back, and [`put_when_room`](Self::put_when_room) waits instead.
/// A queue can be closed, and read as a [`stream`](Self::stream).
///
/// # Examples
///
/// ```
/// use deferred_queue::DeferredQueue;
///
/// # futures_lite::future::block_on(async {
/// let queue = DeferredQueue::new();
/// queue.put(1).unwrap();
/// assert_eq!(queue.get().await, Ok(1));
/// queue.close();
/// assert!(queue.get().await.unwrap_err().is_closed());
/// # });
/// ```
pub struct DeferredQueue<T: Send + 'static, S: Store<T> = VecDeque<T>> {
    getters: Getters<T, S>,
}

impl<T: Send + 'static> DeferredQueue<T> {
    /// Makes an empty queue, without bounds.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(deferred_queue::DeferredQueue::<u8>::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder, for a queue with bounds.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::builder().size(1).backlog(0).build();
    /// assert!(queue.get().wait().is_err(), "nobody may wait");
    /// queue.put(1).unwrap();
    /// assert!(queue.put(2).is_err(), "no room");
    /// ```
    pub fn builder() -> Builder<T> {
        Builder::default()
    }
}

impl<T: Send + 'static, S: Store<T>> DeferredQueue<T, S> {
    pub(crate) fn from_getters(getters: Getters<T, S>) -> Self {
        Self { getters }
    }

    /// Puts an item in: the oldest getter gets it, or it is stored.
    ///
    /// A getter's callbacks run before this returns, unless this is called from inside such a callback: then they come
    /// next.
    ///
    /// # Errors
    ///
    /// The item, when the queue is full or closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::builder().size(1).build();
    /// queue.put('a').unwrap();
    /// assert_eq!(queue.put('b').unwrap_err().into_inner(), 'b');
    /// ```
    #[inline]
    pub fn put(&self, item: T) -> Result<(), QueueOverflow<T>> {
        let mut locked = self.getters.lock();
        if locked.is_empty() && locked.stores_next() {
            locked.items.push(item);
            return Ok(());
        }
        put_slow(locked, item)
    }

    /// Puts an item in when there is room for it.
    ///
    /// # Errors
    ///
    /// The item, as [`Unsent`], when the queue is or gets closed, and when its last handle goes; `Cancelled` when the
    /// Deferred is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping or cancelling the Deferred while it waits drops the item. Once it has fired, the item is in the queue or with
    /// a getter.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::builder().size(1).build();
    /// queue.put(1).unwrap();
    /// let mut put = queue.put_when_room(2);
    /// assert!(!put.is_fired());
    /// assert_eq!(queue.try_get(), Some(1));
    /// assert_eq!(put.try_take(), Some(Ok(())));
    /// assert_eq!(queue.try_get(), Some(2));
    /// ```
    #[inline]
    #[track_caller]
    pub fn put_when_room(&self, item: T) -> Deferred<(), Unsent<T>> {
        let mut locked = self.getters.lock();
        if locked.is_empty() && locked.stores_next() && !locked.crowded {
            locked.items.push(item);
            return Deferred::succeed(());
        }
        put_when_room_slow(locked, item).map_or_else(|| Deferred::succeed(()), Deferred::from)
    }

    /// Gets the next item.
    ///
    /// # Errors
    ///
    /// [`QueueUnderflow`] when there is no item and as many wait as the backlog allows; `Closed` when there is no item
    /// and the queue is or gets closed, or its last handle goes; `Cancelled` when the Deferred is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred gives up the place among the waiters, or the item if it was delivered, also if it was there
    /// at once: it goes to the next who waits, or back to the front. Attaching a callback takes the item, and so does a
    /// [`timeout`](Deferred::timeout) of an item that is still to come, and a join, when it has fired.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::new();
    /// queue.put(1).unwrap();
    /// drop(queue.get());
    /// assert_eq!(queue.get().wait(), Ok(1));
    /// ```
    #[inline]
    #[track_caller]
    pub fn get(&self) -> Deferred<T, QueueUnderflow> {
        match self.take_or_lock() {
            Ok(item) => self.ready(item),
            Err(locked) => wait(locked).into(),
        }
    }

    /// As `get`, for somebody to whom the backlog does not apply; `None` when no item will ever come.
    pub(crate) fn get_beyond_backlog(&self) -> Option<Compact<T, QueueUnderflow>> {
        match self.take_or_lock() {
            Ok(item) => Some(self.ready(item).into()),
            Err(locked) if locked.is_over() => None,
            Err(mut locked) => Some(locked.push(()).into()),
        }
    }

    /// Takes the next item, or locks the queue while there is none.
    #[inline]
    fn take_or_lock(&self) -> Result<T, LockedQueue<'_, T, S>> {
        let mut locked = self.getters.lock();
        if locked.is_plain() { locked.items.pop().ok_or(locked) } else { take_slow(locked) }
    }

    /// Puts an item back that was delivered and not taken.
    pub(crate) fn give_back(&self, item: T) {
        put_back(&self.getters, item, |_| ());
    }

    #[inline]
    fn ready(&self, item: T) -> Deferred<T, QueueUnderflow> {
        if cfg!(canary = "lost_item") { Deferred::succeed(item) } else { self.getters.ready(item) }
    }

    /// Gets the next item, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::new();
    /// assert_eq!(queue.try_get(), None);
    /// queue.put(1).unwrap();
    /// assert_eq!(queue.try_get(), Some(1));
    /// ```
    #[inline]
    pub fn try_get(&self) -> Option<T> {
        self.take_or_lock().ok()
    }

    /// Looks at the item that comes next.
    ///
    /// Items of those who wait for room are not looked at.
    ///
    /// While `f` runs, no lock is held, and nobody gets an item: those who wait go on when `f` has returned, and
    /// [`try_get`](Self::try_get), [`drain`](Self::drain) and a second `peek` find nothing. An item that comes back
    /// meanwhile comes behind the one that is looked at.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::new();
    /// queue.put(7).unwrap();
    /// assert_eq!(queue.peek(|item| item.copied()), Some(7));
    /// assert_eq!(queue.len(), 1);
    /// ```
    pub fn peek<R>(&self, f: impl FnOnce(Option<&T>) -> R) -> R {
        /// Puts the item back also when `f` panics.
        struct Peeked<'a, T: Send + 'static, S: Store<T>>(&'a Getters<T, S>, Option<T>);

        impl<T: Send + 'static, S: Store<T>> Drop for Peeked<'_, T, S> {
            fn drop(&mut self) {
                if let Some(item) = self.1.take() {
                    put_back(self.0, item, |state| state.peeked = false);
                }
            }
        }

        let mut locked = self.getters.lock();
        let item = if locked.peeked { None } else { locked.items.pop() };
        locked.peeked |= item.is_some();
        drop(locked);
        let peeked = Peeked(&self.getters, item);
        f(peeked.1.as_ref())
    }

    /// Returns how many items are stored. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_queue::DeferredQueue::<u8>::new().len(), 0);
    /// ```
    pub fn len(&self) -> usize {
        self.getters.lock().stored()
    }

    /// Tells whether no items are stored. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(deferred_queue::DeferredQueue::<u8>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many wait for an item. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_queue::DeferredQueue::<u8>::new();
    /// let waiter = queue.get();
    /// assert_eq!(queue.waiting(), 1);
    /// # drop(waiter);
    /// ```
    pub fn waiting(&self) -> usize {
        self.getters.len()
    }

    /// Returns how many wait for room. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_queue::DeferredQueue::builder().size(0).build();
    /// let put = queue.put_when_room(1);
    /// assert_eq!(queue.waiting_for_room(), 1);
    /// # drop(put);
    /// ```
    pub fn waiting_for_room(&self) -> usize {
        self.getters.lock().putters.len()
    }

    /// Closes it for good.
    ///
    /// Whoever waits for an item fails with `Closed`, whoever waits for room gets the item back.
    /// Stored items can still be got; after the last one every `get` fails with `Closed`.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::new();
    /// queue.put(1).unwrap();
    /// queue.close();
    /// assert!(queue.put(2).unwrap_err().is_closed());
    /// assert_eq!(queue.get().wait(), Ok(1));
    /// assert!(queue.get().wait().unwrap_err().is_closed());
    /// ```
    pub fn close(&self) {
        let mut deliveries = Deliveries::<T, S>::new();
        let mut locked = self.getters.lock();
        locked.closed = true;
        // While the first item is being looked at, those who wait may still get one.
        if locked.is_over() {
            locked.fail_all(&mut deliveries.items);
        }
        locked.putters.lock().fail_all(&mut deliveries.room);
        drop(locked);
        deliveries.deliver();
    }

    /// Tells whether it was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!deferred_queue::DeferredQueue::<u8>::new().is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.getters.lock().closed
    }

    /// Takes all items out: those that are stored, in their order, then those of whoever waits for room, in the order in
    /// which they came; none while the first is being looked at by [`peek`](Self::peek).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::builder().size(1).build();
    /// queue.put(1).unwrap();
    /// let mut put = queue.put_when_room(2);
    /// assert_eq!(queue.drain(), [1, 2]);
    /// assert_eq!(put.try_take(), Some(Ok(())));
    /// ```
    pub fn drain(&self) -> Vec<T> {
        let mut deliveries = Deliveries::new();
        let mut locked = self.getters.lock();
        if locked.peeked {
            return Vec::new();
        }
        let mut items = drain(&mut locked.items);
        while let Some(item) = deliveries.next_putter(&mut locked) {
            items.push(item);
        }
        drop(locked);
        deliveries.deliver();
        items
    }

    /// Returns a stream of the items, which ends when the queue is closed and empty.
    ///
    /// The backlog does not apply to it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_queue::DeferredQueue;
    /// use futures_lite::StreamExt;
    ///
    /// # futures_lite::future::block_on(async {
    /// let queue = DeferredQueue::new();
    /// queue.put(1).unwrap();
    /// queue.put(2).unwrap();
    /// queue.close();
    /// assert_eq!(queue.stream().collect::<Vec<_>>().await, [1, 2]);
    /// # });
    /// ```
    pub fn stream(&self) -> QueueStream<T, S> {
        QueueStream::new(self.clone())
    }
}

impl<T: Send + 'static, S: Store<T>> Clone for DeferredQueue<T, S> {
    fn clone(&self) -> Self {
        Self { getters: self.getters.clone() }
    }
}

impl<T: Send + 'static, S: Store<T>> Default for DeferredQueue<T, S> {
    fn default() -> Self {
        Builder::default().build()
    }
}

// After a panic it works on, also after one in the `Ord` of an item, which may cost that item.
impl<T: Send + 'static, S: Store<T>> UnwindSafe for DeferredQueue<T, S> {}
impl<T: Send + 'static, S: Store<T>> RefUnwindSafe for DeferredQueue<T, S> {}

/// Shows what is stored and who waits, not the items; never blocks.
impl<T: Send + 'static, S: Store<T>> Debug for DeferredQueue<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("DeferredQueue");
        let Some(locked) = self.getters.try_lock() else { return f.finish_non_exhaustive() };
        let (len, size, waiting) = (locked.stored(), locked.bound(), locked.len());
        let (backlog, closed) = (locked.backlog, locked.closed);
        let waiting_for_room = locked.putters.try_lock().map(|putters| putters.len());
        // What is written to may call in.
        drop(locked);
        f.field("len", &len).field("size", &size).field("waiting", &waiting).field("backlog", &backlog);
        if let Some(waiting) = waiting_for_room {
            f.field("waiting_for_room", &waiting);
        }
        f.field("closed", &closed).finish()
    }
}

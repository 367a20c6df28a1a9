//! Why a queue did not take an item, or had none.

use core::error::Error;
use core::fmt;

/// A queue is full or closed, and this is the item that it did not take.
///
/// # Examples
///
/// ```
/// use deferred_queue::DeferredQueue;
///
/// let queue = DeferredQueue::builder().size(0).build();
/// let overflow = queue.put(5).unwrap_err();
/// assert!(overflow.is_full());
/// assert_eq!(overflow.into_inner(), 5);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QueueOverflow<T> {
    pub(crate) item: T,
    pub(crate) closed: bool,
}

impl<T> QueueOverflow<T> {
    /// Returns the item.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_queue::DeferredQueue::builder().size(0).build();
    /// assert_eq!(queue.put("item").unwrap_err().into_inner(), "item");
    /// ```
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Tells whether the queue was full.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_queue::DeferredQueue::builder().size(0).build();
    /// assert!(queue.put(1).unwrap_err().is_full());
    /// queue.close();
    /// assert!(!queue.put(1).unwrap_err().is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        !self.closed
    }

    /// Tells whether the queue was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = deferred_queue::DeferredQueue::new();
    /// queue.close();
    /// assert!(queue.put(1).unwrap_err().is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

impl<T> fmt::Debug for QueueOverflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueOverflow").field("closed", &self.closed).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for QueueOverflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.closed { "put into a closed queue" } else { "put into a full queue" })
    }
}

impl<T> Error for QueueOverflow<T> {}

/// As many already wait for an item as the queue's backlog allows.
///
/// # Examples
///
/// ```
/// use deferred_core::FailureKind;
/// use deferred_queue::{DeferredQueue, QueueUnderflow};
///
/// let queue = DeferredQueue::<u8>::builder().backlog(0).build();
/// let failure = queue.get().wait().unwrap_err();
/// assert!(matches!(failure.into_kind(), FailureKind::Error(QueueUnderflow { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueUnderflow;

impl fmt::Display for QueueUnderflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no item, and as many wait for one as the backlog allows")
    }
}

impl Error for QueueUnderflow {}

/// A queue was closed before there was room, and this is the item that it did not take.
///
/// # Examples
///
/// ```
/// use deferred_core::FailureKind;
/// use deferred_queue::DeferredQueue;
///
/// let queue = DeferredQueue::builder().size(0).build();
/// let put = queue.put_when_room("late");
/// queue.close();
/// let Err(FailureKind::Error(unsent)) = put.wait().map_err(|failure| failure.into_kind()) else { panic!() };
/// assert_eq!(unsent.into_inner(), "late");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Unsent<T>(pub(crate) T);

impl<T> Unsent<T> {
    /// Returns the item.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::FailureKind;
    /// use deferred_queue::DeferredQueue;
    ///
    /// let queue = DeferredQueue::builder().size(0).build();
    /// let mut put = queue.put_when_room("late");
    /// queue.close();
    /// let item = match put.try_take().unwrap().unwrap_err().into_kind() {
    ///     FailureKind::Error(unsent) => Some(unsent.into_inner()),
    ///     _ => None,
    /// };
    /// assert_eq!(item, Some("late"));
    /// ```
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Unsent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Unsent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue was closed before there was room")
    }
}

impl<T> Error for Unsent<T> {}

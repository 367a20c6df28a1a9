//! Reading a queue as a stream.

use alloc::collections::VecDeque;
use core::fmt::{self, Debug};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use deferred_core::{Deferred, Stream};

use crate::error::QueueUnderflow;
use crate::queue::DeferredQueue;
use crate::store::Store;

/// The items of a queue, as they come; see [`DeferredQueue::stream`].
///
/// # Cancel safety
///
/// Dropping it gives up its place among the waiters; an item that was delivered to it and not taken goes back.
///
/// # Examples
///
/// ```
/// use deferred_queue::{DeferredQueue, QueueStream};
/// use futures_lite::StreamExt;
///
/// # futures_lite::future::block_on(async {
/// let queue = DeferredQueue::new();
/// let mut stream: QueueStream<&str> = queue.stream();
/// queue.put("item").unwrap();
/// assert_eq!(stream.next().await, Some("item"));
/// # });
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct QueueStream<T: Send + 'static, S: Store<T> = VecDeque<T>> {
    queue: DeferredQueue<T, S>,
    /// Set while it waits for an item.
    next: Option<Deferred<T, QueueUnderflow>>,
}

impl<T: Send + 'static, S: Store<T>> QueueStream<T, S> {
    pub(crate) fn new(queue: DeferredQueue<T, S>) -> Self {
        Self { queue, next: None }
    }
}

impl<T: Send + 'static, S: Store<T>> Stream for QueueStream<T, S> {
    type Item = T;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.next.is_none() {
            if let Some(item) = self.queue.try_get() {
                return Poll::Ready(Some(item));
            }
        }
        self.poll_waiting(cx)
    }
}

impl<T: Send + 'static, S: Store<T>> QueueStream<T, S> {
    #[inline(never)]
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let next = match &mut self.next {
            Some(next) => next,
            None => match self.queue.get_beyond_backlog() {
                Some(next) => self.next.insert(next.into()),
                None => return Poll::Ready(None),
            },
        };
        let outcome = ready!(Pin::new(next).poll(cx));
        self.next = None;
        // The only failure is that the queue is closed; what is stored in it is still to come.
        Poll::Ready(outcome.ok().or_else(|| self.queue.try_get()))
    }
}

/// Nobody but the stream has seen what it waits with, so nobody is told that it failed because the queue was closed.
impl<T: Send + 'static, S: Store<T>> Drop for QueueStream<T, S> {
    fn drop(&mut self) {
        let Some(mut next) = self.next.take() else { return };
        if let Some(Ok(item)) = next.try_take() {
            self.queue.give_back(item);
        }
    }
}

/// Shows the queue.
impl<T: Send + 'static, S: Store<T>> Debug for QueueStream<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueStream").field("queue", &self.queue).finish_non_exhaustive()
    }
}

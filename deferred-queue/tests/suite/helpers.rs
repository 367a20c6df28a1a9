//! What tests of the queue say often.

#![allow(dead_code)]

use deferred_core::Deferred;
use deferred_queue::{DeferredQueue, QueueUnderflow};

pub(crate) type Get<T> = Deferred<T, QueueUnderflow>;

/// A queue with these items.
pub(crate) fn queue_of<T: Send + 'static>(items: impl IntoIterator<Item = T>) -> DeferredQueue<T> {
    let queue = DeferredQueue::new();
    items.into_iter().for_each(|item| queue.put(item).unwrap());
    queue
}

/// A bounded queue with these items.
pub(crate) fn full_of<T: Send + 'static, const N: usize>(items: [T; N]) -> DeferredQueue<T> {
    let queue = DeferredQueue::builder().size(N).build();
    items.into_iter().for_each(|item| queue.put(item).unwrap());
    queue
}

pub(crate) fn value<T: std::fmt::Debug>(get: &mut Get<T>) -> T {
    get.try_take().expect("it has fired").expect("an item was delivered")
}

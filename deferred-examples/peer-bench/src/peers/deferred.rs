//! The deferred crates.

use deferred_core::{Deferred, Resolver};
use deferred_queue::{DeferredQueue, QueueStream};
use deferred_sync::{DeferredLock, DeferredSemaphore, LockGuard, Permit};
use futures::StreamExt;

use super::{gate, one_shot, queue};
use crate::harness::Peer;

one_shot!(OurOneShot: Peer::ours("deferred", "deferred-core"),
    Resolver<u64>, Deferred<u64>,
    pair() = Deferred::<u64>::new(),
    send(tx, value) = tx.callback(value).is_ok(),
    receive(rx) = rx.await.unwrap(),
);

gate!(
    /// Its permit is owned, where the peers' permits borrow their semaphore.
    OurSemaphore: Peer::ours("deferred", "deferred-sync"),
    DeferredSemaphore, Permit,
    new(permits) = DeferredSemaphore::new(permits),
    acquire(state) = state.acquire().await.unwrap(),
    try_acquire(state) = state.try_acquire(),
);

gate!(OurLock: Peer::ours("deferred", "deferred-sync"),
    DeferredLock<u64>, LockGuard<u64>,
    new(_) = DeferredLock::new(0),
    acquire(state) = state.acquire().await.unwrap(),
    try_acquire(state) = state.try_acquire(),
);

const QUEUE: Peer = Peer::ours("deferred", "deferred-queue");

queue!(OurQueue: QUEUE,
    DeferredQueue<u64>, DeferredQueue<u64>,
    new(room) = twice(DeferredQueue::builder().size(room).build()),
    try_put(tx, value) = tx.put(value).is_ok(),
    try_get(rx) = rx.try_get(),
    put(tx, value) = tx.put_when_room(value).await.unwrap(),
    get(rx) = rx.get().await.unwrap(),
    shared,
);

/// Its items are taken when they are asked for, so none has to be given back: no more than peers promise.
const STREAM: Peer = Peer::ours("deferred, stream", "deferred-queue");

queue!(OurStream: STREAM,
    DeferredQueue<u64>, (DeferredQueue<u64>, QueueStream<u64>),
    new(room) = with_stream(DeferredQueue::builder().size(room).build()),
    try_put(tx, value) = tx.put(value).is_ok(),
    try_get(rx) = rx.0.try_get(),
    put(tx, value) = tx.put_when_room(value).await.unwrap(),
    get(rx) = rx.1.next().await.unwrap(),
);

queue!(OurUnbounded: QUEUE,
    DeferredQueue<u64>, DeferredQueue<u64>,
    new(_) = twice(DeferredQueue::new()),
    try_put(tx, value) = tx.put(value).is_ok(),
    try_get(rx) = rx.try_get(),
    put(tx, value) = tx.put(value).unwrap(),
    get(rx) = rx.get().await.unwrap(),
    shared,
);

queue!(OurUnboundedStream: STREAM,
    DeferredQueue<u64>, (DeferredQueue<u64>, QueueStream<u64>),
    new(_) = with_stream(DeferredQueue::new()),
    try_put(tx, value) = tx.put(value).is_ok(),
    try_get(rx) = rx.0.try_get(),
    put(tx, value) = tx.put(value).unwrap(),
    get(rx) = rx.1.next().await.unwrap(),
);

fn twice(queue: DeferredQueue<u64>) -> (DeferredQueue<u64>, DeferredQueue<u64>) {
    (queue.clone(), queue)
}

fn with_stream(queue: DeferredQueue<u64>) -> (DeferredQueue<u64>, (DeferredQueue<u64>, QueueStream<u64>)) {
    let stream = queue.stream();
    (queue.clone(), (queue, stream))
}

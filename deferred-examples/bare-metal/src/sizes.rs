//! A little use of each crate, for the programs whose sizes are compared.

use deferred_core::Deferred;
use deferred_list::DeferredList;
use deferred_queue::DeferredQueue;
use deferred_sync::{DeferredLock, DeferredSemaphore};

use crate::board::in_interrupt;
use crate::executor::block_on;

/// The board, its interrupt and the executor.
pub fn nothing() {
    in_interrupt(|| ());
    block_on(async {});
}

/// A callback, and an await of what an interrupt fires.
pub fn core() {
    let (resolver, d) = Deferred::<u32>::new();
    in_interrupt(|| resolver.callback(1).unwrap());
    assert!(block_on(d.add_callback(|n| Ok(n + 1))).is_ok());
}

/// A list of two.
pub fn list() {
    let (resolver, d) = Deferred::<u32>::new();
    in_interrupt(|| resolver.callback(1).unwrap());
    assert!(block_on(DeferredList::new([d, Deferred::succeed(2)])).len() == 2);
}

/// A queue, filled by an interrupt.
pub fn queue() {
    let queue = DeferredQueue::<u32>::new();
    let other = queue.clone();
    in_interrupt(move || other.put(1).unwrap());
    assert!(block_on(queue.get()).is_ok());
}

/// A semaphore, released by an interrupt, and a lock.
pub fn sync() {
    let semaphore = DeferredSemaphore::new(1);
    let permit = semaphore.try_acquire();
    in_interrupt(move || drop(permit));
    assert!(block_on(semaphore.acquire()).is_ok());
    assert!(block_on(DeferredLock::new(1).run(|n| *n)).is_ok());
}

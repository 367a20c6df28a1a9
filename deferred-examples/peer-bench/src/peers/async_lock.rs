//! async-lock and async-semaphore, which let a newcomer overtake those who wait.

use async_lock::{Mutex, MutexGuard, Semaphore, SemaphoreGuard};

use super::gate;
use crate::harness::Peer;

const ASYNC_LOCK: Peer = Peer::beside("async-lock", "async-lock", "barging");

gate!(AsyncLockSemaphore: ASYNC_LOCK,
    Semaphore, SemaphoreGuard<'a>,
    new(permits) = Semaphore::new(permits),
    acquire(state) = state.acquire().await,
    try_acquire(state) = state.try_acquire(),
);

gate!(AsyncLockMutex: ASYNC_LOCK,
    Mutex<u64>, MutexGuard<'a, u64>,
    new(_) = Mutex::new(0),
    acquire(state) = state.lock().await,
    try_acquire(state) = state.try_lock(),
);

gate!(AsyncSemaphore: Peer::beside("async-semaphore", "async-semaphore", "barging"),
    async_semaphore::Semaphore, async_semaphore::SemaphoreGuard<'a>,
    new(permits) = async_semaphore::Semaphore::new(permits),
    acquire(state) = state.acquire().await,
    try_acquire(state) = state.try_acquire(),
);

//! maitake-sync.

use maitake_sync::{Mutex, MutexGuard, Semaphore, semaphore::Permit};

use super::gate;
use crate::harness::Peer;

const MAITAKE: Peer = Peer::bar("maitake-sync", "maitake-sync");

gate!(MaitakeSemaphore: MAITAKE,
    Semaphore, Permit<'a>,
    new(permits) = Semaphore::new(permits),
    acquire(state) = state.acquire(1).await.unwrap(),
    try_acquire(state) = state.try_acquire(1).ok(),
);

gate!(MaitakeMutex: MAITAKE,
    Mutex<u64>, MutexGuard<'a, u64>,
    new(_) = Mutex::new(0),
    acquire(state) = state.lock().await,
    try_acquire(state) = state.try_lock(),
);

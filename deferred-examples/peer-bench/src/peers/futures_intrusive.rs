//! futures-intrusive, its semaphore and mutex in fair mode.

use futures_intrusive::channel::shared::{OneshotReceiver, OneshotSender, Receiver, Sender, channel, oneshot_channel};
use futures_intrusive::sync::{
    LocalSemaphore, LocalSemaphoreReleaser, Mutex, MutexGuard, Semaphore, SemaphoreReleaser,
};

use super::{gate, one_shot, queue};
use crate::harness::Peer;

const INTRUSIVE: Peer = Peer::bar("futures-intrusive", "futures-intrusive");

one_shot!(IntrusiveOneShot: INTRUSIVE,
    OneshotSender<u64>, OneshotReceiver<u64>,
    pair() = oneshot_channel(),
    send(tx, value) = tx.send(value).is_ok(),
    receive(rx) = rx.receive().await.unwrap(),
);

gate!(IntrusiveSemaphore: INTRUSIVE,
    Semaphore, SemaphoreReleaser<'a>,
    new(permits) = Semaphore::new(true, permits),
    acquire(state) = state.acquire(1).await,
    try_acquire(state) = state.try_acquire(1),
);

gate!(IntrusiveLocalSemaphore: Peer::beside("futures-intrusive local", "futures-intrusive", "not Send"),
    LocalSemaphore, LocalSemaphoreReleaser<'a>,
    new(permits) = LocalSemaphore::new(true, permits),
    acquire(state) = state.acquire(1).await,
    try_acquire(state) = state.try_acquire(1),
);

gate!(IntrusiveMutex: INTRUSIVE,
    Mutex<u64>, MutexGuard<'a, u64>,
    new(_) = Mutex::new(0, true),
    acquire(state) = state.lock().await,
    try_acquire(state) = state.try_lock(),
);

queue!(IntrusiveQueue: INTRUSIVE,
    Sender<u64>, Receiver<u64>,
    new(room) = channel(room),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_receive().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.receive().await.unwrap(),
    shared,
);

//! async-unsync, for one thread alone.

use async_unsync::bounded::{Receiver, Sender, channel};
use async_unsync::semaphore::{Permit, Semaphore};

use super::{gate, queue};
use crate::harness::Peer;

const UNSYNC: Peer = Peer::beside("async-unsync", "async-unsync", "not Send");

gate!(UnsyncSemaphore: UNSYNC,
    Semaphore, Permit<'a>,
    new(permits) = Semaphore::new(permits),
    acquire(state) = state.acquire().await.unwrap(),
    try_acquire(state) = state.try_acquire().ok(),
);

queue!(UnsyncQueue: UNSYNC,
    Sender<u64>, Receiver<u64>,
    new(room) = channel(room).into_split(),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
);

//! Apache Asyncband, formerly mea.

use asyncband::mutex::{Mutex, MutexGuard};
use asyncband::semaphore::{Semaphore, SemaphorePermit};
use asyncband::{mpmc, mpsc, oneshot};

use super::{gate, one_shot, queue};
use crate::harness::Peer;

const ASYNCBAND: Peer = Peer::bar("asyncband", "asyncband");

one_shot!(AsyncbandOneShot: ASYNCBAND,
    oneshot::Sender<u64>, oneshot::Receiver<u64>,
    pair() = oneshot::channel(),
    send(tx, value) = tx.send(value).is_ok(),
    receive(rx) = rx.await.unwrap(),
);

gate!(AsyncbandSemaphore: ASYNCBAND,
    Semaphore, SemaphorePermit<'a>,
    new(permits) = Semaphore::new(permits),
    acquire(state) = state.acquire(1).await,
    try_acquire(state) = state.try_acquire(1),
);

gate!(AsyncbandMutex: ASYNCBAND,
    Mutex<u64>, MutexGuard<'a, u64>,
    new(_) = Mutex::new(0),
    acquire(state) = state.lock().await,
    try_acquire(state) = state.try_lock(),
);

queue!(AsyncbandMpsc: Peer::bar("asyncband mpsc", "asyncband"),
    mpsc::BoundedSender<u64>, mpsc::BoundedReceiver<u64>,
    new(room) = mpsc::bounded(room),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
);

queue!(AsyncbandMpmc: Peer::bar("asyncband mpmc", "asyncband"),
    mpmc::BoundedSender<u64>, mpmc::BoundedReceiver<u64>,
    new(room) = mpmc::bounded(room),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

queue!(AsyncbandUnbounded: Peer::bar("asyncband mpmc", "asyncband"),
    mpmc::UnboundedSender<u64>, mpmc::UnboundedReceiver<u64>,
    new(_) = mpmc::unbounded(),
    try_put(tx, value) = tx.send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

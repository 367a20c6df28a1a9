//! tokio::sync, outside of tokio's runtime, so no cooperative budget runs out.

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit, mpsc, oneshot};

use super::{gate, one_shot, queue};
use crate::harness::Peer;

const TOKIO: Peer = Peer::bar("tokio", "tokio");

one_shot!(TokioOneShot: TOKIO,
    oneshot::Sender<u64>, oneshot::Receiver<u64>,
    pair() = oneshot::channel(),
    send(tx, value) = tx.send(value).is_ok(),
    receive(rx) = rx.await.unwrap(),
);

gate!(TokioSemaphore: TOKIO,
    Semaphore, SemaphorePermit<'a>,
    new(permits) = Semaphore::new(permits),
    acquire(state) = state.acquire().await.unwrap(),
    try_acquire(state) = state.try_acquire().ok(),
);

gate!(TokioMutex: TOKIO,
    Mutex<u64>, MutexGuard<'a, u64>,
    new(_) = Mutex::new(0),
    acquire(state) = state.lock().await,
    try_acquire(state) = state.try_lock().ok(),
);

queue!(TokioMpsc: TOKIO,
    mpsc::Sender<u64>, mpsc::Receiver<u64>,
    new(room) = mpsc::channel(room),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
);

queue!(TokioUnbounded: TOKIO,
    mpsc::UnboundedSender<u64>, mpsc::UnboundedReceiver<u64>,
    new(_) = mpsc::unbounded_channel(),
    try_put(tx, value) = tx.send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).unwrap(),
    get(rx) = rx.recv().await.unwrap(),
);

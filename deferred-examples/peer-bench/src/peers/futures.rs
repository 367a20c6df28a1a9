//! The futures crate.

use futures::channel::{mpsc, oneshot};
use futures::lock::{Mutex, MutexGuard};
use futures::{SinkExt, StreamExt};

use super::{gate, one_shot, queue};
use crate::harness::Peer;

const FUTURES: Peer = Peer::bar("futures", "futures");

one_shot!(FuturesOneShot: FUTURES,
    oneshot::Sender<u64>, oneshot::Receiver<u64>,
    pair() = oneshot::channel(),
    send(tx, value) = tx.send(value).is_ok(),
    receive(rx) = rx.await.unwrap(),
);

gate!(FuturesMutex: Peer::beside("futures", "futures", "barging"),
    Mutex<u64>, MutexGuard<'a, u64>,
    new(_) = Mutex::new(0),
    acquire(state) = state.lock().await,
    try_acquire(state) = state.try_lock(),
);

queue!(
    /// Its room counts the senders besides: a room of `room - 1` and one sender make `room`.
    FuturesMpsc: FUTURES,
    mpsc::Sender<u64>, mpsc::Receiver<u64>,
    new(room) = mpsc::channel(room - 1),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.next().await.unwrap(),
);

queue!(FuturesUnbounded: FUTURES,
    mpsc::UnboundedSender<u64>, mpsc::UnboundedReceiver<u64>,
    new(_) = mpsc::unbounded(),
    try_put(tx, value) = tx.unbounded_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.unbounded_send(value).unwrap(),
    get(rx) = rx.next().await.unwrap(),
);

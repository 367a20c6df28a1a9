//! flume.

use flume::{Receiver, Sender, bounded, unbounded};

use super::queue;
use crate::harness::Peer;

const FLUME: Peer = Peer::bar("flume", "flume");

queue!(Flume: FLUME,
    Sender<u64>, Receiver<u64>,
    new(room) = bounded(room),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send_async(value).await.unwrap(),
    get(rx) = rx.recv_async().await.unwrap(),
    shared,
);

queue!(FlumeUnbounded: FLUME,
    Sender<u64>, Receiver<u64>,
    new(_) = unbounded(),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).unwrap(),
    get(rx) = rx.recv_async().await.unwrap(),
    shared,
);

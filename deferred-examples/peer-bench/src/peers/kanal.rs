//! kanal.

use kanal::{AsyncReceiver, AsyncSender, bounded_async, unbounded_async};

use super::queue;
use crate::harness::Peer;

const KANAL: Peer = Peer::bar("kanal", "kanal");

queue!(Kanal: KANAL,
    AsyncSender<u64>, AsyncReceiver<u64>,
    new(room) = bounded_async(room),
    try_put(tx, value) = tx.try_send(value).unwrap(),
    try_get(rx) = rx.try_recv().unwrap(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

queue!(KanalUnbounded: KANAL,
    AsyncSender<u64>, AsyncReceiver<u64>,
    new(_) = unbounded_async(),
    try_put(tx, value) = tx.try_send(value).unwrap(),
    try_get(rx) = rx.try_recv().unwrap(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

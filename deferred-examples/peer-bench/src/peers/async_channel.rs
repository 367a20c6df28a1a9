//! async-channel.

use async_channel::{Receiver, Sender, bounded, unbounded};

use super::queue;
use crate::harness::Peer;

const ASYNC_CHANNEL: Peer = Peer::bar("async-channel", "async-channel");

queue!(AsyncChannel: ASYNC_CHANNEL,
    Sender<u64>, Receiver<u64>,
    new(room) = bounded(room),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

queue!(AsyncChannelUnbounded: ASYNC_CHANNEL,
    Sender<u64>, Receiver<u64>,
    new(_) = unbounded(),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

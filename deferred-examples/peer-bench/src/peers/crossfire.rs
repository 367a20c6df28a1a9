//! crossfire: the flavours with many receivers, as ours has.

use crossfire::mpmc::{Array, List, bounded_async, unbounded_async};
use crossfire::oneshot::{RxOneshot, TxOneshot, oneshot};
use crossfire::{MAsyncRx, MAsyncTx, MTx};

use super::{one_shot, queue};
use crate::harness::Peer;

const CROSSFIRE: Peer = Peer::bar("crossfire", "crossfire");

one_shot!(CrossfireOneShot: CROSSFIRE,
    TxOneshot<u64>, RxOneshot<u64>,
    pair() = oneshot(),
    send(tx, value) = { tx.send(value); true },
    receive(rx) = rx.await.unwrap(),
);

queue!(CrossfireQueue: CROSSFIRE,
    MAsyncTx<Array<u64>>, MAsyncRx<Array<u64>>,
    new(room) = bounded_async(room),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).await.unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

queue!(CrossfireUnbounded: CROSSFIRE,
    MTx<List<u64>>, MAsyncRx<List<u64>>,
    new(_) = unbounded_async(),
    try_put(tx, value) = tx.try_send(value).is_ok(),
    try_get(rx) = rx.try_recv().ok(),
    put(tx, value) = tx.send(value).unwrap(),
    get(rx) = rx.recv().await.unwrap(),
    shared,
);

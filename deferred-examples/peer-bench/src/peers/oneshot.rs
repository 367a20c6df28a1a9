//! The oneshot crate.

use oneshot::{AsyncReceiver, Sender, async_channel};

use super::one_shot;
use crate::harness::Peer;

one_shot!(OneShotCrate: Peer::bar("oneshot", "oneshot"),
    Sender<u64>, AsyncReceiver<u64>,
    pair() = async_channel(),
    send(tx, value) = tx.send(value).is_ok(),
    receive(rx) = rx.await.unwrap(),
);

//! The deferred crates.

use deferred_core::{Deferred, Resolver};

use super::one_shot;
use crate::harness::Peer;

one_shot!(DeferredOneShot: Peer::ours("deferred", "deferred-core"),
    Resolver<u64>, Deferred<u64>,
    pair() = Deferred::<u64>::new(),
    send(tx, value) = tx.callback(value).is_ok(),
    receive(rx) = rx.await.unwrap(),
);

//! Models of what is lock-free in this crate: every interleaving, within the bound that each names.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test --release --features loom -p deferred-core --test loom
//! ```
//!
//! Models of two threads are not bounded; those of three are, by `LOOM_MAX_PREEMPTIONS` or else by 3.
#![cfg(loom)]

#[path = "loom/cell.rs"]
mod cell;
#[path = "loom/explore.rs"]
mod explore;
#[path = "loom/join.rs"]
mod join;
#[path = "loom/queue.rs"]
mod queue;
#[path = "loom/waiting.rs"]
mod waiting;

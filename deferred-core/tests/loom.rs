//! Models of what is lock-free in this crate: every interleaving, within the bound that each names.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release --features loom -p deferred-core --test loom
//! ```
//!
//! Models of two threads are not bounded where that ends in seconds; the others are by 2 to 5 preemptions, or by
//! `LOOM_MAX_PREEMPTIONS` if that is more (`cargo xtask loom-deep`).
#![cfg(loom)]

#[path = "loom/cell.rs"]
mod cell;
mod common;
#[path = "loom/hand_on.rs"]
mod hand_on;
#[path = "loom/join.rs"]
mod join;
#[path = "loom/queue.rs"]
mod queue;
#[path = "loom/shared.rs"]
mod shared;
#[path = "loom/waiting.rs"]
mod waiting;

//! All tests that are quick, in one binary: one for each file would take longer to link than all take to run.
//!
//! `cargo test -p deferred-core --test suite cancel::` runs those of one file.
//! Beside it stand those that are run in a way of their own, or take long.

mod allocations;
mod auto_traits;
mod cancel;
mod chains;
#[path = "../common/mod.rs"]
mod common;
mod debug;
mod dropping;
mod failures;
mod futures;
mod hand_on;
mod harness;
mod hooks;
mod join_panics;
mod panics;
mod pause;
mod reentrancy;
mod resolver;
mod shared;
mod siege;
mod threads;
mod timeouts;
mod wait_queue;
mod waiting;
mod way_back;

//! All tests that are quick, in one binary: one for each file would take longer to link than all take to run.
//!
//! `cargo test -p deferred-core --test suite cancel::` runs those of one file.
//! Beside it stand those that are run in a way of their own, or take long.
//!
//! What `cargo xtask tsan` and `cargo xtask memcheck` have no use for is not even built there, as that takes long.

#[cfg(not(any(memcheck, tsan)))]
mod allocations;
#[cfg(not(any(memcheck, tsan)))]
mod auto_traits;
#[cfg(not(tsan))]
mod cancel;
#[cfg(not(tsan))]
mod chains;
#[path = "../common/mod.rs"]
mod common;
#[cfg(not(tsan))]
mod debug;
#[cfg(not(tsan))]
mod dropping;
#[cfg(not(tsan))]
mod failures;
mod futures;
#[cfg(not(tsan))]
mod hand_on;
#[cfg(not(tsan))]
mod harness;
#[cfg(not(tsan))]
mod hooks;
#[cfg(not(tsan))]
mod join_panics;
#[cfg(not(tsan))]
mod panics;
#[cfg(not(tsan))]
mod pause;
#[cfg(not(tsan))]
mod reentrancy;
#[cfg(not(tsan))]
mod resolver;
mod shared;
#[cfg(not(tsan))]
mod siege;
#[cfg(not(memcheck))]
mod threads;
#[cfg(not(memcheck))]
mod timeouts;
#[cfg(not(tsan))]
mod wait_queue;
mod waiting;
#[cfg(not(tsan))]
mod way_back;

//! All tests that are quick, in one binary: one for each file would take longer to link than all take to run.
//!
//! `cargo test -p deferred-queue --test suite cancel::` runs those of one file.
//! Beside it stand those that are run in a way of their own, or take long.

mod allocations;
mod auto_traits;
mod cancel;
#[path = "../../../deferred-core/tests/common/mod.rs"]
mod common;
mod helpers;
mod hostile;
mod primitive;
mod priority;
mod queue;
mod siege;
mod stream;
mod threads;

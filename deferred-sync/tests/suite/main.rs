//! All tests that are quick, in one binary: one for each file would take longer to link than all take to run.
//!
//! `cargo test -p deferred-sync --test suite lock::` runs those of one file.
//! Beside it stand those that are run in a way of their own, or take long.

mod allocations;
mod auto_traits;
#[path = "../../../deferred-core/tests/common/mod.rs"]
mod common;
mod helpers;
mod hostile;
mod limits;
mod lock;
mod semaphore;
mod siege;
mod threads;

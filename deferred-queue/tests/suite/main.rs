//! All tests that are quick, in one binary: one for each file would take longer to link than all take to run.
//!
//! `cargo test -p deferred-queue --test suite cancel::` runs those of one file.
//! Beside it stand those that are run in a way of their own, or take long.
//!
//! What `cargo xtask tsan` and `cargo xtask memcheck` have no use for is not even built there, as that takes long.

#[cfg(not(any(memcheck, tsan)))]
mod allocations;
#[cfg(not(any(memcheck, tsan)))]
mod auto_traits;
#[cfg(not(tsan))]
mod cancel;
#[path = "../../../deferred-core/tests/common/mod.rs"]
mod common;
mod helpers;
mod hostile;
#[cfg(not(tsan))]
mod primitive;
#[cfg(not(tsan))]
mod priority;
#[cfg(not(tsan))]
mod queue;
#[cfg(not(tsan))]
mod siege;
#[cfg(not(tsan))]
mod stream;
#[cfg(not(memcheck))]
mod threads;

//! A hostile surrounding for the Deferred family: wakers, values and stacks that do what no friendly program does.
//!
//! Every test binary of the workspace may include it, and uses the part that it needs; in `tests/suite/main.rs`:
//!
//! ```ignore
//! #[path = "../../../deferred-core/tests/common/mod.rs"]
//! mod common;
//! ```
//!
//! [`besiege`] tries foreign code of every kind, at every place and at every time, on whatever is [`Besieged`].

#![allow(dead_code, unused_imports, unused_macros)]

mod auto_traits;
mod callgrind;
mod chain;
mod counting;
#[cfg(loom)]
mod explore;
mod reports;
mod runners;
#[cfg(shuttle)]
mod shuffle;
mod siege;
mod trace;
mod values;
mod waiting;
mod wakers;

pub(crate) use self::auto_traits::{Both, NO, Neither, SendOnly, SyncOnly, YES, has, table, threads};
pub(crate) use self::callgrind::{assert_same, instructions};
pub(crate) use self::chain::{Chain, handled, log, logged};
pub(crate) use self::counting::{allocations, held};
#[cfg(loom)]
pub(crate) use self::explore::{Bound, Count, Value, explore};
pub(crate) use self::reports::reports;
pub(crate) use self::runners::{
    cancel_at, hostile, poll_once, poll_with, shown_to, small_stack, together, watch, watchdog,
};
#[cfg(shuttle)]
pub(crate) use self::shuffle::shuffle;
pub(crate) use self::siege::{Besieged, Guest, besiege};
pub(crate) use self::trace::Trace;
pub(crate) use self::values::{DropBomb, DropCount, Drops, OnDrop};
pub(crate) use self::waiting::Waiting;
pub(crate) use self::wakers::{CountWaker, HookWaker, panic_if_woken};

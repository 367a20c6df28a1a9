//! A hostile surrounding for the Deferred family: wakers, values and stacks that do what no friendly program does.
//!
//! Every test binary of the workspace may include it, and uses the part that it needs.

#![allow(dead_code, unused_imports)]

mod reports;
mod runners;
mod trace;
mod values;
mod wakers;

pub(crate) use self::reports::reports;
pub(crate) use self::runners::{cancel_at, poll_once, poll_with, small_stack, watch, watchdog};
pub(crate) use self::trace::Trace;
pub(crate) use self::values::{DropBomb, DropCount, Drops, OnDrop};
pub(crate) use self::wakers::{CountWaker, HookWaker, panic_if_woken};

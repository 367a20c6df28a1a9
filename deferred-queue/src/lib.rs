//! A queue whose `get` returns a Deferred.
//!
//! [`DeferredQueue`] is Twisted's class of the same name.
//! `get` returns a [`Deferred`](deferred_core::Deferred) that fires when an item is there: attach a callback to it,
//! `.await` it on any executor, or block a thread with it.
//!
//! # Examples
//!
//! ```
//! use deferred_queue::DeferredQueue;
//!
//! let queue = DeferredQueue::new();
//! let mut first = queue.get();
//! assert!(first.try_take().is_none());
//! queue.put("item").unwrap();
//! assert_eq!(first.try_take(), Some(Ok("item")));
//! ```
//!
//! # Fairness
//!
//! Strict first in, first out, for items, for those who wait for one, and for those who wait for room.
//! What was delivered is never taken by a newcomer.
//! An item that was delivered to a Deferred which is then dropped goes to the next who waits, or back to the front.
//!
//! # no_std
//!
//! It needs `alloc` only. Switch the default feature `std` off, and on bare metal `critical-section` on.
//! `deferred-examples/bare-metal` in the repository does so on a Cortex-M3, between a main loop and an interrupt.
//!
//! # Features
//!
//! - `std` (default): blocking waits, panics in callbacks contained.
//! - `critical-section`: the lock of a queue keeps interrupts out.
//! - `portable-atomic`: for targets without compare-and-swap.
//! - `loom`, `shuttle`: unstable, for the models of this workspace.
//!
//! # When not to use this
//!
//! To move as many items as possible between two threads that never wait for long, a lock-free ring is faster.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod builder;
mod error;
mod queue;
mod state;
mod store;
mod stream;

pub use builder::Builder;
pub use error::{QueueOverflow, QueueUnderflow, Unsent};
pub use queue::{DeferredPriorityQueue, DeferredQueue};
pub use store::{Priority, Store};
pub use stream::QueueStream;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

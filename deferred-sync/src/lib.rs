//! A fair lock and a fair semaphore whose `acquire` returns a Deferred.
//!
//! [`DeferredSemaphore`] and [`DeferredLock`] are Twisted's classes of the same names.
//! `acquire` returns a [`Deferred`](deferred_core::Deferred) that fires when the permit or the lock is granted: attach a
//! callback to it, `.await` it on any executor, or block a thread with it.
//!
//! # Examples
//!
//! ```
//! use deferred_core::Deferred;
//! use deferred_sync::DeferredSemaphore;
//!
//! let semaphore = DeferredSemaphore::new(2);
//! let (first, second) = (semaphore.try_acquire().unwrap(), semaphore.try_acquire().unwrap());
//! let mut third = semaphore.acquire();
//! assert!(third.try_take().is_none());
//! drop(first);
//! let permit = third.try_take().unwrap().unwrap();
//! assert_eq!(semaphore.available(), 0);
//! # drop((second, permit));
//! ```
//!
//! # Fairness
//!
//! Strict first in, first out. What was granted is never taken by a newcomer, and a large request is not overtaken.
//! A grant that nobody takes goes to the next in the queue.
//!
//! # no_std
//!
//! It needs `alloc` only. Switch the default feature `std` off, and on bare metal `critical-section` on.
//! `deferred-examples/bare-metal` in the repository does so on a Cortex-M3, between a main loop and an interrupt.
//!
//! # Features
//!
//! - `std` (default): blocking waits, panics in callbacks contained.
//! - `critical-section`: the lock of a primitive keeps interrupts out.
//! - `portable-atomic`: for targets without compare-and-swap.
//! - `loom`, `shuttle`: unstable, for the models of this workspace.
//!
//! # When not to use this
//!
//! For a lock that is never held across a wait, [`std::sync::Mutex`] is simpler and faster.
//!
//! [`std::sync::Mutex`]: https://doc.rust-lang.org/std/sync/struct.Mutex.html
#![no_std]
#![forbid(unsafe_code)]

mod error;
mod guard;
mod lock;
mod permit;
mod semaphore;

pub use error::LimitOverflow;
pub use guard::{LockGuard, MappedGuard};
pub use lock::DeferredLock;
pub use permit::Permit;
pub use semaphore::DeferredSemaphore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

//! Waiting for many Deferreds at once.
//!
//! [`DeferredList`] is Twisted's class of the same name; each other way of joining has a function of its own.
//!
//! | | all of them | the first one |
//! |---|---|---|
//! | **whatever they come to** | [`DeferredList`], [`as_completed`] | [`first_fired`] |
//! | **success** | [`gather_results`], [tuples](Gather) | [`race`] |
//!
//! [`parallel`] also starts the work, so many at a time.
//!
//! | | the others, once it is decided | with nothing to join |
//! |---|---|---|
//! | [`DeferredList`] | – | the empty list, at once |
//! | [`gather_results`] | cancelled; [`GatherOptions::keep_running`] lets them run | the empty list, at once |
//! | [tuples](Gather) | cancelled | – |
//! | [`race`] | cancelled | fails at once, with no failures |
//! | [`first_fired`] | cancelled | fails at once with [`NothingToJoin`] |
//! | [`as_completed`] | – | ends at once |
//! | [`parallel`] | – | the empty list, at once |
//!
//! All of them cancel what is still pending when they are dropped or cancelled.
//! A timeout or a cancel of the whole reads `TimedOut` or `Cancelled`, never as a failure of a child.
//!
//! # Examples
//!
//! ```
//! use deferred_core::Deferred;
//! use deferred_list::DeferredList;
//!
//! # futures_lite::future::block_on(async {
//! let children = [Deferred::<u8, &str>::succeed(1), Deferred::fail("no")];
//! let outcomes = DeferredList::new(children).await;
//! assert_eq!(outcomes, [Ok(1), Err("no".into())]);
//! # });
//! ```
//!
//! # Fairness
//!
//! Children are looked at as they fire; nothing is polled, and no child can hold another one up.
//!
//! # no_std
//!
//! It needs `alloc` only. Switch the default feature `std` off, and on bare metal `critical-section` on.
//! `deferred-examples/bare-metal` in the repository does so on a Cortex-M3, between a main loop and an interrupt.
//!
//! # Features
//!
//! - `std` (default): blocking waits, panics in callbacks contained.
//! - `critical-section`: locks keep interrupts out.
//! - `portable-atomic`: for targets without compare-and-swap.
//! - `loom`, `shuttle`: unstable, for the models of this workspace.
//!
//! # When not to use this
//!
//! To join futures that are not Deferreds, and that nobody else drives, a `join!` of an executor's crate does without
//! an allocation for each.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod as_completed;
mod error;
mod first;
mod gather;
mod list;
mod parallel;
mod tuple;

pub use as_completed::{AsCompleted, as_completed};
pub use deferred_core::Progress;
pub use error::{FailureGroup, FirstError, NothingToJoin};
pub use first::{first_fired, race};
pub use gather::{GatherOptions, gather_results};
pub use list::DeferredList;
pub use parallel::parallel;
pub use tuple::Gather;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

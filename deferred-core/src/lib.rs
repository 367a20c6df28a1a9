//! A Deferred: a result that will come.
//!
//! Attach functions to a [`Deferred`], and they run, in order, on the spot, when its [`Resolver`] fires it.
//! The same object is a `Future`, and with `std` it can block a thread: one primitive for callbacks, `async`, threads
//! and bare metal. It is Twisted's `Deferred` for Rust.
//!
//! The crate is the foundation of a small family: `deferred-sync` (a lock and a semaphore), `deferred-queue` and
//! `deferred-list` are built on its [`WaitQueue`] and [`join`], and so can be primitives of your own.
//!
//! # A tour
//!
//! | to | use |
//! |---|---|
//! | make one | [`Deferred::new`], [`Deferred::succeed`], [`Deferred::fail`], [`maybe_deferred`] |
//! | make one of a future | [`Deferred::from_future`] |
//! | fire it | [`Resolver::callback`], [`Resolver::errback`], [`Resolver::forward`] |
//! | go on with its result | [`Deferred::add_callback`], [`Deferred::add_errback`], [`Deferred::add_both`] |
//! | wait for it | `.await`, `Deferred::wait` |
//! | stop it | drop it, [`Handle::cancel`], [`Deferred::timeout`] |
//! | hold it up | [`Deferred::pause`] |
//! | let it run on alone | [`Deferred::detach`] |
//! | give it to several | [`Deferred::shared`] |
//! | hear of failures that nobody handled | [`set_unhandled_hook`] |
//! | write a primitive | [`WaitQueue`], [`join`], [`Compact`] |
//!
//! # Examples
//!
//! ```
//! use deferred_core::Deferred;
//!
//! let (resolver, d) = Deferred::<&str, std::num::ParseIntError>::new();
//! let d = d
//!     .add_callback(|text| Ok(text.parse::<u32>()?))
//!     .add_callback(|n| Ok(n + 1))
//!     .add_errback(|_failure| Ok(0));
//!
//! std::thread::spawn(move || resolver.callback("41"));
//! assert_eq!(d.wait(), Ok(42));
//! ```
//!
//! A callback may return a Deferred, and the chain waits for it:
//!
//! ```
//! use deferred_core::Deferred;
//!
//! fn lookup(id: u32) -> Deferred<String> {
//!     Deferred::succeed(format!("user {id}"))
//! }
//!
//! # futures_lite::future::block_on(async {
//! let name = Deferred::succeed(7).add_callback(lookup).await;
//! assert_eq!(name, Ok("user 7".to_string()));
//! # });
//! ```
//!
//! # Types
//!
//! `E` is the user's own error and nothing else; what the family can cause itself, such as a cancel, is a
//! [`FailureKind`]. Where nothing can fail, `E` is `Infallible`, the default.
//! Where nothing fixes `E`, write it down: `Deferred::<u8>::succeed(1)`.
//! A callback runs on whichever thread fires, so it and its values must be `Send + 'static`; a `Deferred<Rc<_>>` can be
//! awaited but takes no callbacks.
//!
//! # Fairness
//!
//! Callbacks run in the order in which they were attached, waiters of a [`WaitQueue`] in the order in which they came.
//!
//! # no_std
//!
//! It needs `alloc` only. With `std` each thread keeps the memory of ended Deferreds for the next ones: of each size up to
//! 1,024, and beyond that as many as it was short of, at most 131,072; what lies idle goes back as more of them end.
//! Without `std` there are no blocking waits, no default report of unhandled failures, and a panic
//! in a callback is not contained. As threads cannot be told apart, a grant may be put behind one of the same queue that
//! goes on elsewhere, and a drop behind one that goes on elsewhere.
//!
//! On bare metal, switch `critical-section` on. Then the crate may be used from the main loop and from interrupts at the
//! same time: no interrupt finds a lock taken. Callbacks run in the interrupt that fires, so keep them short there.
//! `deferred-examples/bare-metal` in the repository has every primitive of the family wait so on a Cortex-M3.
//!
//! # Features
//!
//! - `std` (default): blocking waits, panics in callbacks contained, unhandled failures reported on stderr.
//! - `critical-section`: locks keep interrupts out; for bare metal, without `std`.
//! - `portable-atomic`: for targets without compare-and-swap.
//! - `loom`, `shuttle`: unstable, for the models of this workspace.
//!
//! # When not to use this
//!
//! Where every caller is `async` and nobody needs callbacks, blocking threads or bare metal, a oneshot channel and
//! plain futures are enough.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod attach;
mod cancel;
mod cell;
mod chain;
mod clock;
mod compact;
mod deferred;
mod ending;
mod failure;
mod future;
mod handle;
mod join;
#[cfg(not(loom))]
mod lock;
mod origin;
mod pool;
mod postpone;
mod progress;
mod report;
mod repr;
mod resolver;
mod run;
mod shared;
mod state;
mod sync;
mod tail;
mod unwind;
#[cfg(all(feature = "std", not(loom)))]
mod wait;
mod wait_queue;

/// The trait of asynchronous iterators that the family implements, re-exported.
pub use futures_core::Stream;

pub use attach::IntoDeferred;
pub use cancel::{Cancel, Verdict};
#[cfg(all(feature = "std", not(loom)))]
pub use clock::ThreadClock;
pub use clock::{Clock, ManualClock, Timer};
pub use compact::Compact;
pub use deferred::Deferred;
pub use failure::{Failure, FailureKind, Outcome, Panic};
pub use future::{Driver, maybe_deferred};
pub use handle::{Handle, Paused};
pub use join::{Fired, Joiner, Outcomes, join};
pub use progress::Progress;
pub use report::{Report, reset_unhandled_hook, set_unhandled_hook};
#[cfg(feature = "std")]
pub use report::{Unhandled, catch_unhandled};
pub use resolver::{Cancelled, Resolver};
pub use shared::Shared;
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub use sync::live;
pub use wait_queue::{Grants, Locked, Primitive, Returned, Turn, Units, WaitQueue};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(doctest)]
#[doc = include_str!("../docs/misuse.md")]
struct MisuseDoctests;

//! A result that will come: Twisted's Deferred for Rust.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod attach;
mod cancel;
mod cell;
mod chain;
mod clock;
mod deferred;
mod failure;
mod future;
mod handle;
mod join;
mod origin;
mod postpone;
mod report;
mod resolver;
mod run;
mod shared;
mod state;
mod sync;
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
pub use deferred::Deferred;
pub use failure::{Failure, FailureKind, Outcome, Panic};
pub use future::{Driver, maybe_deferred};
pub use handle::{Handle, Paused};
pub use join::{Fired, Joiner, Outcomes, Progress, join};
pub use report::{Report, reset_unhandled_hook, set_unhandled_hook};
pub use resolver::{Cancelled, Resolver};
pub use shared::Shared;
pub use wait_queue::{Grants, Locked, Primitive, Turn, Units, WaitQueue};

//! A result that will come: Twisted's Deferred for Rust.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod attach;
mod cancel;
mod cell;
mod chain;
mod deferred;
mod failure;
mod future;
mod handle;
mod postpone;
mod report;
mod resolver;
mod run;
mod state;
mod sync;
mod unwind;
#[cfg(all(feature = "std", not(loom)))]
mod wait;

pub use attach::IntoDeferred;
pub use cancel::{Cancel, Verdict};
pub use deferred::Deferred;
pub use failure::{Failure, FailureKind, Outcome, Panic};
pub use future::{Driver, maybe_deferred};
pub use handle::{Handle, Paused};
pub use report::{Report, reset_unhandled_hook, set_unhandled_hook};
pub use resolver::Resolver;

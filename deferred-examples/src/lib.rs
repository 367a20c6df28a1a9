//! The deferred crates at work: the engine of a parallel downloader.
//!
//! The engine saves files over HTTP, so many at a time, each complete or not at all.
//! It knows no HTTP client and no executor: a client is one method, [`Fetch::get`](fetch::Fetch::get),
//! and an executor is one function, [`Spawn`].
//! `examples/parallel-downloader` joins it with `surf` and `async-std` to make a tool.
//!
//! To see how the deferred crates are used, read [`Downloader`]'s file, `src/download.rs`: the story of
//! one file stands there from its first line to its last.

mod attempt;
pub mod checksum;
mod download;
mod error;
mod events;
pub mod fetch;
mod fleet;
mod folder;
mod hosts;
mod job;
mod name;
mod note;
mod part;
mod range;
mod redirect;
mod report;
mod retry;
pub mod server;
mod time;
mod transfer;

pub use attempt::Naming;
pub use download::{Downloader, Settings, Spawn, reason};
pub use error::DownloadError;
pub use events::{Event, How, Observer, Saved};
pub use fleet::Fleet;
pub use folder::{Collision, Folder};
pub use job::Job;
pub use report::{Size, Tally};
pub use retry::Retry;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadmeDoctests;

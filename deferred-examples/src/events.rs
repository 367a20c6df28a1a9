//! What a downloader tells while it works.

use core::time::Duration;
use std::path::PathBuf;

use deferred_core::Outcome;

use crate::error::DownloadError;
use crate::job::Job;

/// Whoever wants to know how the files are getting on: lines, bars, a report.
///
/// Called on the thread that does the work, so it should be quick.
pub trait Observer: Send + Sync + 'static {
    /// Takes note of something that happened to a job.
    fn observe(&self, job: &Job, event: &Event<'_>);
}

/// What happened to a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It has been read and waits for its turn.
    Enlisted,
    /// It has its turn: a request is about to be sent. Comes once for each try.
    Started,
    /// The server sends the file.
    Answered {
        /// The name it will be saved under.
        name: &'a str,
        /// How many bytes are there already from an earlier try.
        kept: u64,
        /// How many bytes there will be in all, if the server says.
        total: Option<u64>,
    },
    /// So many more bytes came.
    Received(u64),
    /// The try failed, and there will be another after a pause.
    Retrying {
        /// Why it failed.
        error: &'a DownloadError,
        /// How long the pause is.
        pause: Duration,
    },
    /// It has come to an end. Comes once, last, also when the job is cancelled.
    Finished(&'a Outcome<Saved, DownloadError>),
}

/// A file that is there, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
    /// How it came there.
    pub how: How,
}

/// How a file came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was downloaded from its first byte.
    Downloaded,
    /// The rest of it was downloaded, after so many bytes of an earlier run.
    Resumed(u64),
    /// It had been there before and was left alone.
    Kept,
}

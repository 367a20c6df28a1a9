//! All files of a run: read as they come, under way, and at an end.

use core::convert::Infallible;
use std::io;
use std::thread;

use deferred_core::{Deferred, Handle, Outcome};
use deferred_list::DeferredList;
use deferred_queue::DeferredQueue;
use deferred_sync::{DeferredSemaphore, Permit};

use crate::download::Downloader;
use crate::error::DownloadError;
use crate::events::Saved;
use crate::fetch::Fetch;
use crate::job::Job;

/// How many files more than there are slots may be waiting: for a slot, for their host, for their next
/// try. It bounds the memory that a list of any length takes.
const AHEAD: usize = 64;

/// How many files are begun in one go: a thread that is woken for each would take time from all others.
const BATCH: usize = AHEAD / 2;

/// The files of a run, under way.
#[derive(Debug)]
pub struct Fleet {
    /// Fires when every file has come to its end.
    all: Deferred<Vec<Outcome<(), Infallible>>>,
    ahead: Ahead,
}

/// What is ahead of those who see files through.
#[derive(Clone, Debug)]
struct Ahead {
    /// Files that nobody sees through yet.
    files: Files,
    /// A permit for each file that may be begun before somebody sees it through.
    room: DeferredSemaphore,
}

/// A queue of files that have been begun, each with its share of the room for them.
type Files = DeferredQueue<(Deferred<Saved, DownloadError>, Permit)>;

impl<F: Fetch> Downloader<F> {
    /// Downloads all `jobs`, which may block: a thread of its own reads them when there is room.
    ///
    /// # Errors
    ///
    /// When that thread cannot be started.
    pub fn download_all<I>(&self, jobs: I) -> io::Result<Fleet>
    where
        I: Iterator<Item = Job> + Send + 'static,
    {
        let workers = self.settings().jobs.get().saturating_add(AHEAD);
        let ahead = Ahead { files: Files::new(), room: DeferredSemaphore::new(AHEAD) };
        let (this, fed, ended) = (self.clone(), ahead.clone(), ahead.clone());
        thread::Builder::new().name("jobs".into()).spawn(move || this.enlist(jobs, &fed))?;

        let workers = (0..workers).map(|_| self.start(see_through(ahead.files.clone())));
        let all = DeferredList::new(workers.collect::<Vec<_>>()).into_deferred();
        // In the midst of a cancel: no file ahead may begin in place of one that is gone.
        let all = all.add_both(move |outcome| {
            ended.end();
            outcome
        });
        Ok(Fleet { all, ahead })
    }

    /// Begins the jobs one after the other, as long as somebody sees them through.
    fn enlist(&self, mut jobs: impl Iterator<Item = Job>, ahead: &Ahead) {
        'jobs: while let Ok(mut batch) = ahead.room.acquire_many(BATCH).wait() {
            while let Some(share) = batch.split(1) {
                let Some(job) = jobs.next() else { break 'jobs };
                if ahead.files.put((self.download(job), share)).is_err() {
                    break 'jobs;
                }
            }
        }
        ahead.files.close();
    }
}

impl Ahead {
    /// Cancels the files that were begun, and has no more of them begun.
    fn end(&self) {
        self.files.close();
        // A worker that was cancelled as it got a file drops it later, with its share of the room: the thread that
        // reads must not wait for that.
        self.room.close();
        drop(self.files.drain());
    }
}

/// Waits for files, one after the other, until there are no more.
async fn see_through(files: Files) -> Result<(), Infallible> {
    // A callback takes the file as it comes: a worker that is dropped then cancels it and does not give it back.
    while let Ok(Ok((file, share))) = files.get().add_both(Ok).await {
        drop(share);
        // What came of it has been told; dropped here unfinished, it is cancelled.
        let _told = file.await;
    }
    Ok(())
}

impl Fleet {
    /// Returns what cancels every file that is under way or waiting.
    pub fn handle(&mut self) -> Handle {
        self.all.handle()
    }

    /// Waits until every file has come to its end.
    pub async fn finished(mut self) {
        // It comes to nothing but an end, or was cancelled: an end too.
        let _ended = (&mut self.all).await;
    }
}

impl Drop for Fleet {
    /// Ends it where it was not waited for.
    fn drop(&mut self) {
        self.ahead.end();
    }
}

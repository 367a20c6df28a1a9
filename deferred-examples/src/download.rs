//! The engine: what happens to one file, and to all of them.

use core::fmt;
use core::future::Future;
use core::num::NonZeroUsize;
use core::pin::Pin;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use deferred_core::{Clock, Deferred, Failure, FailureKind, Outcome};
use deferred_sync::DeferredSemaphore;

use crate::attempt::{Naming, Start, kept};
use crate::error::DownloadError;
use crate::events::{Event, Observer, Saved};
use crate::fetch::Fetch;
use crate::folder::Folder;
use crate::hosts::Hosts;
use crate::job::Job;
use crate::note::{self, Origin};
use crate::retry::Retry;
use crate::time::{SharedClock, sleep};
use crate::transfer::{Idle, Rate};

/// How to start a task on the executor of the program.
pub type Spawn = fn(Pin<Box<dyn Future<Output = ()> + Send>>);

/// What the user may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many files are downloaded at once.
    pub jobs: NonZeroUsize,
    /// How many of them from one host.
    pub per_host: Option<NonZeroUsize>,
    /// How often to try again.
    pub retry: Retry,
    /// The longest time in which nothing comes.
    pub idle_timeout: Duration,
    /// The longest time that one try takes.
    pub timeout: Option<Duration>,
    /// Whether to go on with what an earlier run left.
    pub resume: bool,
    /// Where names come from.
    pub naming: Naming,
    /// How many bytes a second all files together may take.
    pub limit_rate: Option<u64>,
    /// Header fields to send with each request.
    pub headers: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs: NonZeroUsize::MIN.saturating_add(1),
            per_host: None,
            retry: Retry::default(),
            idle_timeout: Duration::from_secs(30),
            timeout: None,
            resume: false,
            naming: Naming::Url,
            limit_rate: None,
            headers: Vec::new(),
        }
    }
}

/// Downloads files in parallel; a cheap handle.
pub struct Downloader<F: Fetch> {
    /// What all handles share.
    inner: Arc<Inner<F>>,
}

/// The parts of a downloader.
struct Inner<F> {
    /// The HTTP client.
    fetch: F,
    /// What the user chose.
    settings: Settings,
    /// Where files go.
    folder: Folder,
    /// What earlier runs have begun there.
    begun: OnceLock<HashMap<Origin, Vec<String>>>,
    /// Who is told.
    observer: Box<dyn Observer>,
    /// One permit for each file that may be downloaded at once.
    slots: DeferredSemaphore,
    /// The same for each host.
    hosts: Hosts,
    /// The rate of all files together.
    rate: Option<Rate>,
    /// How tasks are started.
    spawn: Spawn,
    /// What tells the time to wait.
    clock: Box<SharedClock>,
}

impl<F: Fetch> Downloader<F> {
    /// Makes a downloader that saves into `folder` and tells `observer`.
    pub fn new(
        fetch: F,
        settings: Settings,
        folder: Folder,
        observer: impl Observer,
        spawn: Spawn,
        clock: impl Clock + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner {
            fetch,
            folder,
            begun: OnceLock::new(),
            observer: Box::new(observer),
            slots: DeferredSemaphore::new(settings.jobs.get()),
            hosts: Hosts::new(settings.per_host),
            rate: settings.limit_rate.map(Rate::new),
            spawn,
            clock: Box::new(clock),
            settings,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Downloads one file when its turn comes.
    ///
    /// Dropping or cancelling the Deferred ends the download at once: its slot goes to the next, and
    /// what there is of the file stays only if it can be continued.
    pub fn download(&self, job: Job) -> Deferred<Saved, DownloadError> {
        let job = Arc::new(job);
        self.tell(&job, &Event::Enlisted);
        let start = self.prepare(&job);
        let file = self.start(self.clone().fetch_one_file(Arc::clone(&job), start));
        let this = self.clone();
        file.add_errback(move |failure| {
            // Whatever else happens is told by the story itself.
            let error = matches!(failure.kind(), FailureKind::Error(_));
            let outcome = Err(failure);
            if !error {
                this.tell(&job, &Event::Finished(&outcome));
            }
            outcome
        })
    }

    /// The story of one file: acquire, fetch and save, tell, release whatever happened, perhaps again.
    async fn fetch_one_file(self, job: Arc<Job>, start: Result<Start, DownloadError>) -> Outcome<Saved, DownloadError> {
        let mut target = match start {
            Ok(Start::Fetch(target)) => target,
            Ok(Start::Kept(path)) => {
                // Reading it takes a slot.
                let reads = job.checksum.is_some().then(|| self.inner.slots.acquire().widen::<DownloadError>());
                let _slot = match reads {
                    Some(slot) => Some(slot.await?),
                    None => None,
                };
                return self.finish(&job, kept(path, &job).await);
            }
            Err(error) => return self.finish(&job, Err(error)),
        };
        loop {
            let host = self.inner.hosts.acquire(&target.url).await?;
            let slot = self.inner.slots.acquire().widen::<DownloadError>().await?;
            self.tell(&job, &Event::Started);
            // Boxed, so that a file that waits for its slot stays small.
            let result = self.in_time(Box::pin(self.attempt(&job, &mut target))).await;

            let again = result.as_ref().err().and_then(|error| {
                let pause = self.inner.settings.retry.pause(target.attempt, error)?;
                self.tell(&job, &Event::Retrying { error, pause });
                Some(pause)
            });
            let Some(pause) = again else {
                return self.finish(&job, result);
            };
            drop((slot, host));
            self.sleep(pause).widen::<DownloadError>().await?;
            target.attempt += 1;
        }
    }

    /// Tells the end of a file while it still has its slot, so that its line comes before the next one's.
    fn finish(&self, job: &Job, result: Result<Saved, DownloadError>) -> Outcome<Saved, DownloadError> {
        let outcome = result.map_err(Into::into);
        self.tell(job, &Event::Finished(&outcome));
        outcome
    }

    /// Gives a try as much time as the user allows it.
    async fn in_time(
        &self,
        attempt: impl Future<Output = Result<Saved, DownloadError>>,
    ) -> Result<Saved, DownloadError> {
        let Some(limit) = self.inner.settings.timeout else {
            return attempt.await;
        };
        let too_late = async {
            drop(self.sleep(limit).await);
            Err(DownloadError::TimedOut(limit))
        };
        futures_lite::future::or(attempt, too_late).await
    }

    /// Starts a future as a task of its own; dropping what this returns drops the future.
    pub(crate) fn start<T, E, X>(&self, future: impl Future<Output = Result<T, X>> + Send + 'static) -> Deferred<T, E>
    where
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
        X: Into<Failure<E>> + 'static,
    {
        let (result, driver) = Deferred::from_future(future);
        (self.inner.spawn)(Box::pin(driver));
        result
    }

    /// Waits until nothing is being downloaded, also by tasks that were cancelled and wind up.
    pub async fn idle(&self) {
        // Every slot is free when all of them can be had.
        let _slots = self.inner.slots.acquire_many(self.inner.settings.jobs.get()).await;
    }

    /// Tells the observer.
    pub(crate) fn tell(&self, job: &Job, event: &Event<'_>) {
        self.inner.observer.observe(job, event);
    }

    /// A Deferred that fires after `time`.
    fn sleep(&self, time: Duration) -> Deferred<()> {
        sleep(&*self.inner.clock, time)
    }

    /// A watch over waits for this downloader's idle time.
    pub(crate) fn watch(&self) -> Idle<'_> {
        Idle::new(&*self.inner.clock, self.inner.settings.idle_timeout)
    }

    /// The HTTP client.
    pub(crate) fn fetch(&self) -> &F {
        &self.inner.fetch
    }

    /// What the user chose.
    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Where files go.
    pub(crate) fn folder(&self) -> &Folder {
        &self.inner.folder
    }

    /// The names under which earlier runs have begun files.
    pub(crate) fn begun(&self) -> &HashMap<Origin, Vec<String>> {
        self.inner.begun.get_or_init(|| note::begun(self.folder().root()))
    }

    /// The rate of all files together.
    pub(crate) fn rate(&self) -> Option<&Rate> {
        self.inner.rate.as_ref()
    }
}

impl<F: Fetch> Clone for Downloader<F> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<F: Fetch> fmt::Debug for Downloader<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downloader")
            .field("folder", &self.inner.folder.root())
            .field("slots", &self.inner.slots)
            .finish_non_exhaustive()
    }
}

/// Says why a job failed, as a clause.
pub fn reason(failure: &Failure<DownloadError>) -> String {
    match failure.kind() {
        FailureKind::Error(error) => error.to_string(),
        FailureKind::Cancelled | FailureKind::Abandoned => "interrupted".into(),
        other => format!("{other:?}"),
    }
}

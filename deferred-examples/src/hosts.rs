//! At most so many downloads from one host.

use core::num::NonZeroUsize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use deferred_core::Outcome;
use deferred_sync::{DeferredSemaphore, Permit};
use url::{Host, Url};

use crate::error::DownloadError;

/// One semaphore for each host that was seen.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// How many at once from one host; nothing for any number.
    limit: Option<NonZeroUsize>,
    /// The semaphores.
    semaphores: Mutex<HashMap<Address, DeferredSemaphore>>,
}

/// A host and a port.
type Address = (Option<Host>, Option<u16>);

impl Hosts {
    /// At most `limit` from one host.
    pub(crate) fn new(limit: Option<NonZeroUsize>) -> Self {
        Self { limit, semaphores: Mutex::default() }
    }

    /// Waits until there may be one more download from the host of `url`.
    pub(crate) async fn acquire(&self, url: &Url) -> Outcome<Option<Permit>, DownloadError> {
        let Some(limit) = self.limit else { return Ok(None) };
        let semaphore = {
            let mut semaphores = self.semaphores.lock().unwrap_or_else(PoisonError::into_inner);
            let host = url.host().map(|host| host.to_owned());
            let key = (host, url.port_or_known_default());
            let semaphore = semaphores.entry(key);
            semaphore.or_insert_with(|| DeferredSemaphore::new(limit.get())).clone()
        };
        semaphore.acquire().widen::<DownloadError>().await.map(Some)
    }
}

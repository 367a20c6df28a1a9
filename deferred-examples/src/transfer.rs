//! Copying a body into a file: not too slowly, not too fast, and all of it.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Poll, ready};
use core::time::Duration;
use std::io::ErrorKind;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use deferred_core::Deferred;
use futures_lite::io::{AsyncBufRead, AsyncBufReadExt};

use crate::error::DownloadError;
use crate::part::Part;
use crate::time::{SharedClock, sleep};

/// Copies `body` into `part`, calling `received` for every piece; returns how much came.
pub(crate) async fn copy(
    body: &mut (impl AsyncBufRead + Unpin),
    part: &mut Part,
    idle: &mut Idle<'_>,
    rate: Option<&Rate>,
    mut received: impl FnMut(u64),
) -> Result<u64, DownloadError> {
    let mut copied = 0;
    loop {
        // Bytes go from where the client has them straight into the file.
        let read = idle.watch(body.fill_buf()).await?;
        let bytes = read.map_err(|source| match source.kind() {
            ErrorKind::InvalidData => DownloadError::Answer(source.to_string()),
            _ => DownloadError::Body { received: copied, source },
        })?;
        let n = bytes.len();
        if n == 0 {
            return Ok(copied);
        }
        part.write(bytes)?;
        body.consume(n);
        copied += n as u64;
        received(n as u64);
        if let Some(rate) = rate {
            let pause = rate.spend(n as u64, Instant::now());
            if !pause.is_zero() {
                // A sleep that is cut off only lets the file go on.
                drop(sleep(idle.clock, pause).await);
            }
        }
    }
}

/// Watches over waits: each may take as long as the limit.
pub(crate) struct Idle<'a> {
    /// What tells when it is time to look.
    clock: &'a SharedClock,
    /// The longest that a wait may take.
    limit: Duration,
    /// A timer that is running; kept from wait to wait, since most waits are short.
    timer: Option<Deferred<()>>,
}

impl<'a> Idle<'a> {
    /// A watch with a limit.
    pub(crate) fn new(clock: &'a SharedClock, limit: Duration) -> Self {
        Self { clock, limit, timer: None }
    }

    /// Waits for `work`, and fails when it takes longer than the limit.
    pub(crate) async fn watch<F: Future>(&mut self, work: F) -> Result<F::Output, DownloadError> {
        let mut work = pin!(work);
        let mut since = None;
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            let since = *since.get_or_insert_with(Instant::now);
            loop {
                let left = self.limit.saturating_sub(since.elapsed());
                if left.is_zero() {
                    return Poll::Ready(Err(DownloadError::Idle(self.limit)));
                }
                let timer = self.timer.get_or_insert_with(|| sleep(self.clock, left));
                // It fires however it fires; the time is looked at again.
                let _fired = ready!(Pin::new(timer).poll(cx));
                self.timer = None;
            }
        })
        .await
    }
}

/// How many bytes a second all files together may take.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Bytes in a second.
    per_second: u64,
    /// When all that was spent so far has been earned.
    paid: Mutex<Option<Instant>>,
}

impl Rate {
    /// A rate in bytes a second, at least one.
    pub(crate) fn new(per_second: u64) -> Self {
        Self { per_second: per_second.max(1), paid: Mutex::new(None) }
    }

    /// Notes that `bytes` came, and returns how long to wait before more are read.
    fn spend(&self, bytes: u64, now: Instant) -> Duration {
        let cost = Duration::from_secs_f64(bytes as f64 / self.per_second as f64);
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        // Time in which nothing came is not saved up.
        let from = paid.map_or(now, |paid| paid.max(now));
        let until = from + cost;
        *paid = Some(until);
        until - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_shared_and_not_saved_up() {
        let rate = Rate::new(1000);
        let start = Instant::now();
        assert_eq!(rate.spend(500, start), Duration::from_millis(500));
        assert_eq!(rate.spend(500, start), Duration::from_secs(1));
        let later = start + Duration::from_secs(60);
        assert_eq!(rate.spend(100, later), Duration::from_millis(100));
    }
}

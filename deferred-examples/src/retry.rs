//! When to try again, and how long to wait before.

use core::time::Duration;
use std::time::SystemTime;

use crate::error::DownloadError;

/// No pause is longer, whatever the server asks for.
const LONGEST: Duration = Duration::from_secs(300);

/// How often to try again, and how long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// How many tries there may be after the first.
    pub retries: u32,
    /// How long the first pause is at most; each further one is at most twice the one before.
    pub base: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { retries: 0, base: Duration::from_secs(1) }
    }
}

impl Retry {
    /// Returns how long to wait after try number `attempt`, from zero, failed with `error`, or
    /// `None` if that was the last.
    ///
    /// The pause grows exponentially and has jitter, between half of it and all, so that files which
    /// failed together do not come back together.
    /// A server that says `Retry-After` gets at least that, and is not tried again if it asks for more
    /// than five minutes.
    pub fn pause(&self, attempt: u32, error: &DownloadError) -> Option<Duration> {
        if attempt >= self.retries || !error.is_transient() {
            return None;
        }
        let doubled = self.base.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        let jittered = doubled.min(LONGEST).mul_f64(0.5 + fastrand::f64() / 2.0);
        let asked = error.retry_after().unwrap_or_default();
        (asked <= LONGEST).then(|| jittered.max(asked))
    }
}

/// Reads a `Retry-After` field: seconds, or a date.
pub(crate) fn retry_after(field: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = field.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(field.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(retry_after: Option<Duration>) -> DownloadError {
        DownloadError::Status { status: 503, retry_after }
    }

    #[test]
    fn pauses_double_and_stay_between_half_and_all() {
        let retry = Retry { retries: 5, base: Duration::from_millis(100) };
        for attempt in 0..5 {
            let most = Duration::from_millis(100 << attempt);
            let pause = retry.pause(attempt, &busy(None)).expect("another try");
            assert!(pause >= most / 2 && pause <= most, "{pause:?} of {most:?}");
        }
        assert_eq!(retry.pause(5, &busy(None)), None);
    }

    #[test]
    fn the_server_may_ask_for_more_within_reason() {
        let retry = Retry { retries: 1, base: Duration::from_millis(1) };
        let asked = Duration::from_secs(7);
        assert_eq!(retry.pause(0, &busy(Some(asked))), Some(asked));
        assert_eq!(retry.pause(0, &busy(Some(Duration::from_secs(3600)))), None);
    }

    #[test]
    fn what_will_not_change_is_not_tried_again() {
        let retry = Retry { retries: 9, base: Duration::ZERO };
        let gone = DownloadError::Status { status: 404, retry_after: None };
        assert_eq!(retry.pause(0, &gone), None);
        assert_eq!(retry.pause(0, &DownloadError::Redirect(String::new())), None);
    }

    #[test]
    fn huge_numbers_do_not_overflow() {
        let retry = Retry { retries: u32::MAX, base: Duration::MAX };
        assert!(retry.pause(4_000_000_000, &busy(None)).is_some());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(retry_after(" 120", now), Some(Duration::from_secs(120)));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(date, now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("soon", now), None);
    }
}

//! What came of it all: counts for the summary, sizes for people.

use core::fmt;
use core::time::Duration;

use deferred_core::{FailureKind, Outcome};

use crate::download::reason;
use crate::error::DownloadError;
use crate::events::{How, Saved};
use crate::job::Job;

/// The sum of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many files were downloaded.
    pub saved: usize,
    /// How many had been there before.
    pub kept: usize,
    /// How many bytes were received for the files downloaded.
    pub bytes: u64,
    /// How many were cut off by the user.
    pub interrupted: usize,
    /// The others, and why they failed.
    pub failures: Vec<(String, String)>,
}

impl Tally {
    /// Counts one outcome.
    pub fn count(&mut self, job: &Job, outcome: &Outcome<Saved, DownloadError>) {
        match outcome {
            Ok(Saved { how: How::Kept, .. }) => self.kept += 1,
            Ok(Saved { bytes, how, .. }) => {
                self.saved += 1;
                self.bytes += match how {
                    How::Resumed(from) => bytes.saturating_sub(*from),
                    _ => *bytes,
                };
            }
            Err(failure) if matches!(failure.kind(), FailureKind::Cancelled) => self.interrupted += 1,
            Err(failure) => self.failures.push((job.to_string(), reason(failure))),
        }
    }

    /// Returns how many jobs there were.
    pub fn total(&self) -> usize {
        self.saved + self.kept + self.interrupted + self.failures.len()
    }

    /// Writes the summary in one line.
    pub fn summary(&self, time: Duration) -> String {
        let total = self.total();
        let files = if total == 1 { "file" } else { "files" };
        let mut line = format!("{} of {total} {files} saved", self.saved);
        let more = [(self.kept, "already there"), (self.failures.len(), "failed"), (self.interrupted, "interrupted")];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            line += &format!(", {count} {what}");
        }
        let seconds = time.as_secs_f64();
        line + &format!(", {} in {seconds:.2} s", Size(self.bytes))
    }
}

/// A number of bytes as people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut size = self.0 as f64 / 1024.0;
        let mut units = ["KiB", "MiB", "GiB", "TiB"].into_iter();
        let mut unit = units.next().unwrap_or_default();
        for larger in units {
            if size < 1023.95 {
                break;
            }
            size /= 1024.0;
            unit = larger;
        }
        write!(f, "{size:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_and_the_right_unit() {
        let written = [0, 1023, 1024, 1536, 1_048_575, 1_048_576, u64::MAX].map(|n| Size(n).to_string());
        let wanted = ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "16777216.0 TiB"];
        assert_eq!(written, wanted);
    }
}

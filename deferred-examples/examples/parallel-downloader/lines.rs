//! Telling what happens in plain lines.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use deferred_examples::{Event, How, Job, Observer, Size, reason};

/// The first failure to write to standard output.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

/// Returns why not all was said, if it was not.
pub(crate) fn failure() -> Option<&'static io::Error> {
    FAILURE.get()
}

/// Writes a line for each thing that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    /// Where to.
    pub(crate) to: To,
    /// Whether also what usually nobody wants to know.
    pub(crate) verbose: bool,
}

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// Standard output.
    Out,
    /// Standard error: standard output is for something else.
    Err,
    /// Nowhere.
    Nowhere,
}

impl To {
    /// Writes a line. What fails stops no file, and is an error in the end unless the reader has had enough.
    pub(crate) fn say(self, line: &str) {
        match self {
            Self::Out => match writeln!(io::stdout().lock(), "{line}") {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(FAILURE.set(error)),
                _ => {}
            },
            // There is nowhere left to say that it failed.
            Self::Err => drop(writeln!(io::stderr().lock(), "{line}")),
            Self::Nowhere => {}
        }
    }
}

impl Observer for Lines {
    fn observe(&self, job: &Job, event: &Event<'_>) {
        if self.to != To::Nowhere {
            if let Some(line) = line(job, event, self.verbose) {
                self.to.say(&line);
            }
        }
    }
}

/// What to say of an event, if anything.
pub(crate) fn line(job: &Job, event: &Event<'_>, verbose: bool) -> Option<String> {
    Some(match event {
        Event::Started => format!("fetch {job}"),
        Event::Answered { name, kept, total } if verbose => {
            let total = total.map_or("of unknown size".to_owned(), |total| Size(total).to_string());
            let kept = if *kept > 0 { format!(", {} there already", Size(*kept)) } else { String::new() };
            format!("answered {job} ({name}, {total}{kept})")
        }
        Event::Retrying { error, pause } => {
            format!("retry {job} in {:.1} s: {error}", pause.as_secs_f64())
        }
        Event::Finished(Ok(saved)) => match saved.how {
            How::Kept => format!("kept {job} ({} is there already)", saved.path.display()),
            How::Resumed(from) => {
                format!("fetched {job} ({}, {} of it earlier)", Size(saved.bytes), Size(from))
            }
            How::Downloaded => format!("fetched {job} ({})", Size(saved.bytes)),
        },
        Event::Finished(Err(failure)) => format!("failed {job}: {}", reason(failure)),
        _ => return None,
    })
}

//! The report for programs: a line of JSON for each file, and one for all.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use deferred_core::FailureKind;
use deferred_examples::{Event, How, Job, Observer, Tally, reason};
use serde_json::{Value, json};

/// The first failure to write the report.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

/// Writes the report to standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json;

impl Observer for Json {
    fn observe(&self, job: &Job, event: &Event<'_>) {
        let Event::Finished(outcome) = event else { return };
        let mut line = json!({ "index": job.index, "url": job.to_string() });
        let more = match outcome {
            Ok(saved) => json!({
                "status": if saved.how == How::Kept { "kept" } else { "saved" },
                "path": saved.path.to_string_lossy(),
                "bytes": saved.bytes,
                "resumed_from": if let How::Resumed(from) = saved.how { from } else { 0 },
            }),
            Err(failure) if matches!(failure.kind(), FailureKind::Cancelled) => {
                json!({ "status": "interrupted" })
            }
            Err(failure) => json!({ "status": "failed", "error": reason(failure) }),
        };
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        write(&line);
    }
}

/// Writes the last line.
pub(crate) fn summary(tally: &Tally, time: Duration) {
    let line = json!({
        "summary": {
            "files": tally.total(),
            "saved": tally.saved,
            "kept": tally.kept,
            "failed": tally.failures.len(),
            "interrupted": tally.interrupted,
            "bytes": tally.bytes,
            "seconds": time.as_secs_f64(),
        }
    });
    write(&line);
}

/// Writes a line. A report that breaks off stops no file, and is an error in the end.
fn write(line: &Value) {
    if let Err(error) = writeln!(io::stdout().lock(), "{line}") {
        let _ = FAILURE.set(error);
    }
}

/// Returns why the report is not whole, if it is not.
pub(crate) fn failure() -> Option<&'static io::Error> {
    FAILURE.get()
}

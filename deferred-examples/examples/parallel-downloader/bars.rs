//! Progress bars: one for each file under way, and one for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deferred_examples::{Event, How, Job, Observer, Size};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::lines::line;

/// A file whose size is known.
const KNOWN: &str = "{prefix:24!} [{bar:24}] {bytes:>11} of {total_bytes:<11} {bytes_per_sec:>13}, {eta} left";

/// A file whose size is not known.
const UNKNOWN: &str = "{prefix:24!} {spinner} {bytes:>11} of unknown size {bytes_per_sec:>13}";

/// All files.
const TOTAL: &str = "{prefix} [{bar:24}] {bytes:>11}, {bytes_per_sec}, {msg}";

/// The bars of a run.
#[derive(Clone)]
pub(crate) struct Bars {
    /// What draws them.
    multi: MultiProgress,
    /// The one at the bottom.
    total: ProgressBar,
    /// What they show.
    state: Arc<Mutex<State>>,
    /// Whether to say more above them.
    verbose: bool,
}

/// What the bars show.
#[derive(Default)]
struct State {
    /// Files under way, by index.
    running: HashMap<usize, Running>,
    /// How many files have been seen.
    files: usize,
    /// How many have ended.
    ended: usize,
    /// How many of them have been received, and the sum of their sizes.
    sized: (u64, u64),
}

/// A file under way.
struct Running {
    /// Its bar, once there was an answer.
    bar: Option<ProgressBar>,
    /// Its size, if known.
    size: Option<u64>,
    /// How many bytes are there.
    there: u64,
}

impl Bars {
    /// An empty drawing on standard error.
    pub(crate) fn new(verbose: bool) -> Self {
        let multi = MultiProgress::new();
        let total = multi.add(ProgressBar::new(0).with_style(style(TOTAL)));
        total.set_prefix("0 of 0 files");
        total.enable_steady_tick(Duration::from_millis(200));
        Self { multi, total, state: Arc::default(), verbose }
    }

    /// Takes the drawing away.
    pub(crate) fn finish(&self) {
        for (_, running) in self.state().running.drain() {
            running.bar.inspect(ProgressBar::finish_and_clear);
        }
        self.total.finish_and_clear();
    }

    /// Locks the state; a panic elsewhere only spoils the drawing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the bar of a file that is being received.
    fn answered(&self, job: &Job, name: &str, kept: u64, total: Option<u64>) {
        let bar = match total {
            Some(total) => ProgressBar::new(total).with_style(style(KNOWN)),
            None => ProgressBar::new_spinner().with_style(style(UNKNOWN)),
        };
        let bar = self.multi.insert_before(&self.total, bar);
        bar.set_prefix(name.to_owned());
        bar.set_position(kept);
        bar.reset_eta();
        let mut state = self.state();
        let running = Running { bar: Some(bar), size: total, there: kept };
        if let Some(old) = state.running.insert(job.index, running) {
            old.bar.inspect(ProgressBar::finish_and_clear);
        }
        self.redraw(&state);
    }

    /// Moves a file's bar on.
    fn received(&self, job: &Job, n: u64) {
        let mut state = self.state();
        if let Some(running) = state.running.get_mut(&job.index) {
            running.there += n;
            if let Some(bar) = &running.bar {
                bar.inc(n);
            }
        }
        self.total.inc(n);
    }

    /// Takes a file's bar away, and notes its size if it is complete.
    fn ended(&self, job: &Job, size: Option<u64>) {
        let mut state = self.state();
        match state.running.remove(&job.index) {
            Some(running) => drop(running.bar.inspect(ProgressBar::finish_and_clear)),
            None => state.files += 1,
        }
        state.ended += 1;
        if let Some(size) = size {
            state.sized.0 += 1;
            state.sized.1 += size;
        }
        self.redraw(&state);
    }

    /// Brings the bar at the bottom up to date.
    fn redraw(&self, state: &State) {
        self.total.set_prefix(format!("{} of {} files", state.ended, state.files));
        // What is to come is known as far as the files under way have said their sizes.
        let coming = state.running.values().try_fold(0, |sum, file| Some(sum + file.size?.saturating_sub(file.there)));
        self.total.set_length(self.total.position() + coming.unwrap_or(0));
        self.total.set_message(match coming {
            Some(rest) => format!("{} to come", Size(rest)),
            None => "more to come".to_owned(),
        });
    }
}

impl Observer for Bars {
    fn observe(&self, job: &Job, event: &Event<'_>) {
        match event {
            Event::Started => {
                let mut state = self.state();
                let new = Running { bar: None, size: None, there: 0 };
                if state.running.insert(job.index, new).is_none() {
                    state.files += 1;
                }
            }
            Event::Answered { name, kept, total } => self.answered(job, name, *kept, *total),
            Event::Received(n) => self.received(job, *n),
            Event::Finished(outcome) => {
                let received = outcome.as_ref().ok().filter(|saved| saved.how != How::Kept);
                self.ended(job, received.map(|saved| saved.bytes));
            }
            _ => {}
        }
        // The bars say by themselves that a file has begun.
        if !matches!(event, Event::Started) || self.verbose {
            if let Some(line) = line(job, event, self.verbose) {
                // A terminal that has gone away stops nothing.
                let _ = self.multi.println(line);
            }
        }
    }
}

/// A style from a template that is written above.
fn style(template: &str) -> ProgressStyle {
    let plain = ProgressStyle::default_bar();
    ProgressStyle::with_template(template).unwrap_or(plain).progress_chars("=> ")
}

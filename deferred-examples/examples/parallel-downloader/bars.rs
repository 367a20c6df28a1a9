//! Progress bars: one for each file under way, and one for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deferred_examples::{Event, Job, Observer, Size};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::lines::line;

/// A file whose size is known.
const KNOWN: &str = "{prefix:24!} [{bar:24}] {bytes:>11} of {total_bytes:<11} {bytes_per_sec:>13}, {eta} left";

/// A file whose size is not known.
const UNKNOWN: &str = "{prefix:24!} {spinner} {bytes:>11} of unknown size {bytes_per_sec:>13}";

/// All files.
const TOTAL: &str = "{prefix:24!} [{bar:24}] {msg}";

/// How often the line for all files changes at most.
const PACE: Duration = Duration::from_millis(100);

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
struct State {
    /// Files under way, by index.
    running: HashMap<usize, Running>,
    /// How many files have been read.
    files: u64,
    /// How many have ended.
    ended: u64,
    /// How many have said their size, and the sum of the sizes.
    sized: (u64, u64),
    /// How many bytes have come.
    bytes: u64,
    /// When the first was asked for.
    begin: Instant,
    /// When the line for all was drawn.
    drawn: Instant,
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
        total.enable_steady_tick(Duration::from_millis(200));
        let now = Instant::now();
        let state =
            State { running: HashMap::new(), files: 0, ended: 0, sized: (0, 0), bytes: 0, begin: now, drawn: now };
        Self { multi, total, state: Arc::new(Mutex::new(state)), verbose }
    }

    /// Takes the drawing away.
    pub(crate) fn finish(&self) {
        for (_, running) in self.state().running.drain() {
            if let Some(bar) = running.bar {
                self.clear(&bar);
            }
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
        if let Some(total) = total {
            state.sized.0 += 1;
            state.sized.1 += total;
        }
        let running = Running { bar: Some(bar), size: total, there: kept };
        if let Some(Running { bar: Some(old), .. }) = state.running.insert(job.index, running) {
            self.clear(&old);
        }
        self.redraw(&mut state);
    }

    /// Moves a file's bar on.
    fn received(&self, job: &Job, n: u64) {
        let mut state = self.state();
        state.bytes += n;
        if let Some(running) = state.running.get_mut(&job.index) {
            running.there += n;
            if let Some(bar) = &running.bar {
                bar.inc(n);
            }
        }
        if state.drawn.elapsed() > PACE {
            self.redraw(&mut state);
        }
    }

    /// Takes a file's bar away.
    fn ended(&self, job: &Job) {
        let mut state = self.state();
        if let Some(Running { bar: Some(bar), .. }) = state.running.remove(&job.index) {
            self.clear(&bar);
        }
        state.ended += 1;
        self.redraw(&mut state);
    }

    /// Takes a bar away, which would otherwise be kept and drawn, empty, until all above it have gone.
    fn clear(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.multi.remove(bar);
    }

    /// Brings the line for all files up to date.
    fn redraw(&self, state: &mut State) {
        state.drawn = Instant::now();
        self.total.set_length(state.files);
        self.total.set_position(state.ended);
        self.total.set_prefix(format!("{} of {} files", state.ended, state.files));
        let rate = state.bytes as f64 / state.begin.elapsed().as_secs_f64().max(0.001);
        let left = match state.coming() {
            Some(coming) if rate > 0.0 => format!("{:.0} s left", coming / rate),
            _ => "more to come".to_owned(),
        };
        self.total.set_message(format!("{}, {}/s, {left}", Size(state.bytes), Size(rate as u64)));
    }
}

impl State {
    /// How many bytes are to come, as far as can be told: files that wait count as the average of
    /// those that have said their size. Nothing while one that is under way has not said it.
    fn coming(&self) -> Option<f64> {
        let under_way =
            self.running.values().try_fold(0, |sum, file| Some(sum + file.size?.saturating_sub(file.there)))?;
        let waiting = self.files.saturating_sub(self.ended + self.running.len() as u64);
        let average = self.sized.1 as f64 / self.sized.0.max(1) as f64;
        Some(under_way as f64 + waiting as f64 * average)
    }
}

impl Observer for Bars {
    fn observe(&self, job: &Job, event: &Event<'_>) {
        match event {
            Event::Enlisted => self.state().files += 1,
            Event::Started => {
                self.state().running.entry(job.index).or_insert(Running { bar: None, size: None, there: 0 });
            }
            Event::Answered { name, kept, total } => self.answered(job, name, *kept, *total),
            Event::Received(n) => self.received(job, *n),
            Event::Finished(_) => self.ended(job),
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

/// Run by `tests/terminal.rs`, as examples have no tests of their own.
#[cfg(test)]
mod tests {
    use deferred_examples::{How, Saved};

    use super::*;

    /// How many bars are kept, with those that have ended.
    fn count(bars: &Bars) -> usize {
        format!("{:?}", bars.multi).matches("is_zombie").count()
    }

    #[test]
    fn bars_that_ended_are_not_kept_below_one_that_goes_on() {
        let bars = Bars::new(false);
        let tell = |index, event: Event<'_>| {
            let job = Job { index, text: "http://localhost/a".to_owned(), checksum: None };
            bars.observe(&job, &event);
        };
        tell(0, Event::Answered { name: "a", kept: 0, total: None });
        for index in 1..100 {
            for kept in [0, 1] {
                tell(index, Event::Started);
                tell(index, Event::Answered { name: "a", kept, total: Some(2) });
            }
            let saved = Saved { path: "a".into(), bytes: 2, how: How::Downloaded };
            tell(index, Event::Finished(&Ok(saved)));
        }
        // The one for all, the one that goes on, and the place of two at a time for one file.
        assert!(count(&bars) <= 4, "{} bars are kept", count(&bars));
    }
}

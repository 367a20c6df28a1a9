//! Who is told what: counts always, and lines, bars or a report as the user likes it.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use deferred_examples::{Event, Job, Observer, Tally};

use crate::args::Args;
use crate::bars::Bars;
use crate::json::Json;
use crate::lines::{Lines, To};

/// Tells everybody who wants to know.
#[derive(Clone)]
pub(crate) struct Show {
    /// The counts.
    tally: Arc<Mutex<Tally>>,
    /// The report for programs.
    json: Option<Json>,
    /// Lines, where there are no bars.
    lines: Option<Lines>,
    /// Bars, on a terminal.
    bars: Option<Bars>,
}

impl Show {
    /// What the arguments and the terminal allow.
    pub(crate) fn new(args: &Args) -> Self {
        let terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        let to = match (args.quiet, args.json) {
            (true, _) => To::Nowhere,
            (false, true) => To::Err,
            (false, false) => To::Out,
        };
        let bars = (terminal && to == To::Out).then(|| Bars::new(args.verbose));
        let lines = bars.is_none().then_some(Lines { to, verbose: args.verbose });
        Self { tally: Arc::default(), json: args.json.then_some(Json), lines, bars }
    }

    /// Takes the bars away, and returns the counts and where the summary goes.
    pub(crate) fn finish(&self) -> (Tally, To) {
        if let Some(bars) = &self.bars {
            bars.finish();
        }
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (tally, self.lines.map_or(To::Out, |lines| lines.to))
    }
}

impl Observer for Show {
    fn observe(&self, job: &Job, event: &Event<'_>) {
        if let Event::Finished(outcome) = event {
            self.tally.lock().unwrap_or_else(PoisonError::into_inner).count(job, outcome);
        }
        if let Some(json) = &self.json {
            json.observe(job, event);
        }
        if let Some(lines) = &self.lines {
            lines.observe(job, event);
        }
        if let Some(bars) = &self.bars {
            bars.observe(job, event);
        }
    }
}

//! The measured section.

use std::hint::black_box;
use std::time::Duration;

use super::Clock;
use super::alloc::Count;

/// What a [`Meter`] does around a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: caches, lazily made statics and branch predictors settle.
    WarmUp,
    Time(Clock),
    Allocations,
    /// The section runs below [`peer_bench_section`], where callgrind collects.
    Instructions,
}

/// What a contender's sections came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    pub time: Duration,
    pub allocations: Count,
}

/// Handed to a contender, which does its setting up outside and its work inside of [`Meter::section`].
#[derive(Debug)]
pub struct Meter {
    mode: Mode,
    reading: Reading,
}

impl Meter {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, reading: Reading::default() }
    }

    pub(super) fn reading(&self) -> Reading {
        self.reading
    }

    /// Runs `work` and adds what it took to the reading.
    pub fn section<R>(&mut self, work: impl FnOnce() -> R) -> R {
        match self.mode {
            Mode::WarmUp => work(),
            Mode::Time(clock) => {
                let start = clock.now();
                let output = black_box(work());
                self.reading.time += clock.now() - start;
                output
            }
            Mode::Allocations => {
                let start = Count::now();
                let output = black_box(work());
                let count = Count::since(start);
                self.reading.allocations.calls += count.calls;
                self.reading.allocations.bytes += count.bytes;
                self.reading.allocations.live += count.live;
                output
            }
            Mode::Instructions => {
                let mut work = Some(work);
                let mut output = None;
                peer_bench_section(&mut || output = work.take().map(|work| black_box(work())));
                output.expect("the section has run")
            }
        }
    }
}

/// Callgrind collects while this runs (`--toggle-collect`).
#[inline(never)]
#[unsafe(no_mangle)]
fn peer_bench_section(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

//! Rounds: who runs when, and how often.

use std::time::Duration;

use super::{Case, Clock, Contender, Load, Meter, Mode, Reading};

/// How long a contender's section should take in one round on one thread.
const TARGET: Duration = Duration::from_micros(1_500);
/// The same on two threads, where starting one is part of the section.
const TARGET_OF_TWO: Duration = Duration::from_millis(10);
/// Repetitions on two threads: with fewer, one thread might have done its part before the other gets in its way.
const LEAST_OF_TWO: usize = 20_000;

/// What the rounds of one contender came to, in nanoseconds per figure.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub median: f64,
    /// The quarter of the rounds that were fastest ended here.
    pub low: f64,
    /// The quarter of the rounds that were slowest began here.
    pub high: f64,
}

/// Times the contenders in turn, A B C A B C, so that a change of the machine's speed meets all of them.
pub fn time(case: &Case, contenders: &[&Contender], size: usize, rounds: usize) -> Vec<Timing> {
    let loads: Vec<Load> = contenders.iter().map(|contender| calibrate(case, contender, size)).collect();
    let mut figures = vec![Vec::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        for ((contender, &load), figures) in contenders.iter().zip(&loads).zip(&mut figures) {
            let reading = measure(contender, load, Mode::Time(case.clock));
            figures.push(reading.time.as_nanos() as f64 / case.ops(load));
        }
    }
    figures.into_iter().map(Timing::of).collect()
}

/// Warms up and then measures `load` once in `mode`.
pub fn warm_up_and_count(contender: &Contender, load: Load, mode: Mode) -> Reading {
    measure(contender, load, Mode::WarmUp);
    measure(contender, load, mode)
}

fn measure(contender: &Contender, load: Load, mode: Mode) -> Reading {
    let mut meter = Meter::new(mode);
    (contender.run)(&mut meter, load);
    meter.reading()
}

/// Finds the load that takes about as long as it should; warms up on the way.
fn calibrate(case: &Case, contender: &Contender, size: usize) -> Load {
    let (target, least) = match case.clock {
        Clock::Thread => (TARGET, 1),
        Clock::Wall => (TARGET_OF_TWO, LEAST_OF_TWO),
    };
    let mut load = Load { size, reps: least };
    loop {
        let spent = measure(contender, load, Mode::Time(case.clock)).time;
        if spent * 2 >= target || load.reps >= 1 << 20 {
            let scale = target.as_secs_f64() / spent.as_secs_f64().max(1e-9);
            load.reps = ((load.reps as f64 * scale) as usize).max(least);
            return load;
        }
        load.reps *= 2;
    }
}

impl Timing {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |quarter: usize| figures[(figures.len() - 1) * quarter / 4];
        Self { median: at(2), low: at(1), high: at(3) }
    }
}

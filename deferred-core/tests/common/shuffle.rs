//! How shuttle's models are run.

use std::env;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Runs a model under many schedules: some at random, and some that change the order of the tasks in a few places only,
/// which finds what needs a long row of steps on one side.
///
/// The schedules are the same every time, unless `SHUTTLE_SEED` says otherwise; `SHUTTLE_TIMES` asks for more of them.
/// shuttle prints the schedule of one that fails, and its documentation says how to replay it.
#[track_caller]
pub(crate) fn shuffle(name: &str, schedules: usize, model: fn()) {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("SHUTTLE_SEED").unwrap_or(7);
    let schedules = schedules * number("SHUTTLE_TIMES").unwrap_or(1) as usize;
    let start = std::time::Instant::now();
    let count = run(RandomScheduler::new_from_seed(seed, schedules / 2), model)
        + run(PctScheduler::new_from_seed(seed, 3, schedules / 2), model);
    println!("model {name}: {count} schedules, {:.1} s", start.elapsed().as_secs_f64());
}

fn run(scheduler: impl Scheduler + 'static, model: fn()) -> usize {
    let mut config = Config::new();
    // It warns that orderings weaker than `SeqCst` are not modelled; that is what loom is for.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        model();
        assert_eq!(deferred_core::live(), 0, "cells or queues were leaked");
    })
}

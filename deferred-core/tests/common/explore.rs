//! How loom's models are run, and what they watch with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far a model goes.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// Every interleaving.
    None,
    /// At most this many preemptions, or `LOOM_MAX_PREEMPTIONS` if that is more.
    Preemptions(usize),
}

/// Runs a model, prints how many executions it took, and fails when they are fewer than `least`: then the model does
/// not see what it is about. With `LOOM_MAX_DURATION` it ends after so many seconds, and says so.
#[track_caller]
pub(crate) fn explore(name: &str, bound: Bound, least: usize, model: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(AtomicUsize::new(0));
    let counter = executions.clone();
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = match bound {
        Bound::None => None,
        Bound::Preemptions(n) => builder.preemption_bound.max(Some(n)),
    };
    let max_duration = builder.max_duration;
    let start = std::time::Instant::now();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
        assert_eq!(deferred_core::live(), 0, "cells or queues were leaked");
    });
    let executions = executions.load(Ordering::Relaxed);
    let time = start.elapsed();
    let end = if max_duration.is_some_and(|limit| time >= limit) { ", then its time was up" } else { "" };
    println!("model {name}: {executions} executions, {:.1} s{end}", time.as_secs_f64());
    assert!(executions >= least, "{name}: {executions} executions are fewer than {least}");
}

/// Counts how often something happens, outside of the model.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that counts its drops; loom finds it when it is never dropped.
#[derive(Debug)]
pub(crate) struct Value(loom::sync::Arc<u8>);

impl Value {
    pub(crate) fn new(n: u8) -> Self {
        Self(loom::sync::Arc::new(n))
    }

    pub(crate) fn get(&self) -> u8 {
        *self.0
    }
}

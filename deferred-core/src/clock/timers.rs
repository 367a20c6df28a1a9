//! The calls that a clock has yet to make, without a source of time.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::time::Duration;

pub(super) type Call = Box<dyn FnOnce() + Send>;

/// Calls in the order of their time, those of the same time in the order of their scheduling.
#[derive(Default)]
pub(super) struct Timers {
    calls: BTreeMap<(Duration, u64), Call>,
    /// The number of the next call.
    next: u64,
}

impl Timers {
    pub(super) const fn new() -> Self {
        Self { calls: BTreeMap::new(), next: 0 }
    }

    /// Adds a call and returns what it can be taken back by.
    pub(super) fn add(&mut self, at: Duration, call: Call) -> (Duration, u64) {
        let key = (at, self.next);
        self.next += 1;
        self.calls.insert(key, call);
        key
    }

    /// Takes a call out, to be dropped outside the lock.
    pub(super) fn remove(&mut self, key: (Duration, u64)) -> Option<Call> {
        self.calls.remove(&key)
    }

    /// Takes the next call out, if its time has come.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<Call> {
        let first = self.calls.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Returns the time of the next call.
    #[cfg(all(feature = "std", not(loom)))]
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.calls.first_key_value().map(|(key, _)| key.0)
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }
}

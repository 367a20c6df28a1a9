//! Waiting, on whatever clock the program has.

use core::time::Duration;

use deferred_core::{Clock, Deferred};

/// A clock that every task can use.
pub(crate) type SharedClock = dyn Clock + Send + Sync;

/// Returns a Deferred that fires after `time`; dropping it takes the timer back.
pub(crate) fn sleep(clock: &SharedClock, time: Duration) -> Deferred<()> {
    let (resolver, slept) = Deferred::new();
    let wake = move || {
        // Whoever has dropped the Deferred sleeps no more.
        let _ = resolver.callback(());
    };
    let timer = clock.call_later(time, Box::new(wake));
    // The timer lives as long as the Deferred is waited for.
    slept.add_both(move |outcome| {
        drop(timer);
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use deferred_core::ManualClock;

    #[test]
    fn a_sleep_ends_when_its_time_has_come() {
        let clock = ManualClock::new();
        let mut slept = sleep(&clock, Duration::from_secs(2));
        clock.advance(Duration::from_secs(1));
        assert_eq!(slept.try_take(), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(slept.try_take(), Some(Ok(())));
        assert_eq!(clock.pending(), 0);
    }

    #[test]
    fn a_sleep_that_is_dropped_takes_its_timer_along() {
        let clock = ManualClock::new();
        drop(sleep(&clock, Duration::from_secs(2)));
        assert_eq!(clock.pending(), 0);
    }
}

//! A time limit for a Deferred.

use alloc::boxed::Box;
use core::fmt::Debug;
use core::panic::Location;
use core::time::Duration;

use super::Clock;
use crate::deferred::Deferred;
use crate::failure::{Failure, FailureKind};
use crate::postpone::drop_value;
use crate::sync::{Arc, AtomicUsize, Ordering};

impl<T, E> Deferred<T, E>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    /// Cancels it when `limit` has passed and it has not come to an end.
    ///
    /// This covers what has been attached so far, and what that waits for; not what is attached later.
    /// When the time is up it is cancelled as by a [`Handle`](crate::Handle), or, inside of a callback, as soon as that
    /// returns something to wait for. The failure that comes of it, whatever its kind, becomes `TimedOut`.
    /// A canceller or an errback that answers with a value is taken at its word, and one that asks for more time has it.
    ///
    /// The timer is freed when the Deferred comes to an end or is dropped.
    ///
    /// # Errors
    ///
    /// `TimedOut`, made here, when the time is up.
    ///
    /// # Panics
    ///
    /// As [`handle`](Self::handle), and when `clock` panics as it is asked for a call, which drops the Deferred.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels the Deferred and takes the timer back. As with a callback, what comes then is taken: an
    /// item of a queue does not go back to it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let (resolver, d) = Deferred::<u8>::new();
    /// let mut d = d.timeout(&clock, Duration::from_millis(10));
    /// resolver.callback(1).unwrap();
    /// assert_eq!(d.try_take(), Some(Ok(1)));
    /// assert_eq!(clock.pending(), 0);
    /// ```
    #[doc(alias = "addTimeout")]
    #[track_caller]
    pub fn timeout<C: Clock + ?Sized>(mut self, clock: &C, limit: Duration) -> Self {
        if self.is_settled() {
            return self;
        }
        let place = Location::caller();
        let handle = self.handle();
        let progress = Arc::new(AtomicUsize::new(ARMED));
        let (ringing, stop) = (progress.clone(), handle.clone());
        let timer = clock.call_later(
            limit,
            Box::new(move || {
                if ringing.compare_exchange(ARMED, RUNG, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                    // The timer rings once, so a chain that is inside a callback at this moment must not miss it.
                    stop.stop(true);
                }
            }),
        );
        self.then(move |outcome, _| {
            let rung = progress.swap(PASSED, Ordering::AcqRel) == RUNG;
            if rung {
                // What comes from here on is not covered.
                handle.unstop();
            }
            // A timer of another's clock does what that wants when it goes, and may panic.
            drop_value((timer, handle));
            Deferred::from_outcome(if rung && outcome.is_err() {
                drop_value(outcome);
                Err(Failure::with_origin(FailureKind::TimedOut, place))
            } else {
                outcome
            })
        })
    }
}

/// The time is not up.
const ARMED: usize = 0;
/// The time is up, and the Deferred was told.
const RUNG: usize = 1;
/// The Deferred has come to an end.
const PASSED: usize = 2;

//! A time limit for a Deferred.

use alloc::boxed::Box;
use core::fmt::Debug;
use core::panic::Location;
use core::time::Duration;

use super::Clock;
use crate::deferred::Deferred;
use crate::failure::{Failure, FailureKind};
use crate::sync::{Arc, AtomicUsize, Ordering};

impl<T, E> Deferred<T, E>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    /// Cancels it when `limit` has passed and it has not come to an end.
    ///
    /// This covers what has been attached so far, and what that waits for; not what is attached later.
    /// When the time is up it is cancelled as by a [`Handle`](crate::Handle), and the failure that comes of that,
    /// whatever its kind, becomes `TimedOut`.
    /// A canceller or an errback that answers with a value is taken at its word, and one that asks for more time has it.
    ///
    /// The timer is freed when the Deferred comes to an end or is dropped.
    ///
    /// # Errors
    ///
    /// `TimedOut`, made here, when the time is up.
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
        let time_is_up = Arc::new(AtomicUsize::new(0));
        let set = time_is_up.clone();
        let timer = clock.call_later(
            limit,
            Box::new(move || {
                set.store(1, Ordering::Release);
                // The timer rings once, so a chain that is inside a callback at this moment must not miss it.
                handle.stop(true);
            }),
        );
        self.then(move |outcome, _| {
            drop(timer);
            let timed_out = time_is_up.load(Ordering::Acquire) == 1 && outcome.is_err();
            Deferred::from_outcome(if timed_out {
                Err(Failure::with_origin(FailureKind::TimedOut, place))
            } else {
                outcome
            })
        })
    }
}

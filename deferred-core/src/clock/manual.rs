//! A clock that is set by hand.

use core::fmt::{self, Debug};
use core::time::Duration;

use super::timers::{Call, Timers};
use super::{Clock, TakeBack, Timer, arc};
use crate::postpone::drop_value;
use crate::sync::{Arc, Lock};
use crate::unwind::catch;

/// A clock that stands still until it is told to go on: for tests, and for bare metal, where a timer interrupt or the
/// main loop tells it.
///
/// It is Twisted's `task.Clock`. It is a handle: clones share one time.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let (_resolver, d) = Deferred::<u8>::new();
/// let mut d = d.timeout(&clock, Duration::from_secs(5));
/// clock.advance(Duration::from_secs(4));
/// assert!(d.try_take().is_none());
/// clock.advance(Duration::from_secs(1));
/// assert!(d.try_take().unwrap().unwrap_err().is_timed_out());
/// ```
#[derive(Clone, Default)]
pub struct ManualClock {
    state: Arc<Shared>,
}

struct Shared(Lock<State>);

#[derive(Default)]
struct State {
    now: Duration,
    timers: Timers,
}

impl Default for Shared {
    fn default() -> Self {
        Self(Lock::new(State { now: Duration::ZERO, timers: Timers::new() }))
    }
}

/// A handle of the state, as a trait object.
struct Taker(Arc<Shared>);

impl TakeBack for Taker {
    fn take_back(&self, at: (Duration, u64)) {
        let call = self.0.0.lock().timers.remove(at);
        drop_value(call);
    }
}

impl ManualClock {
    /// Makes a clock at time 0.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(deferred_core::ManualClock::new().now().is_zero());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time on, and then makes the calls that are due, in the order of their time, those of the same time in the
    /// order of their scheduling. Calls that these schedule are made, too, if they are due.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let clock = deferred_core::ManualClock::new();
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(clock.now(), Duration::from_secs(1));
    /// ```
    pub fn advance(&self, time: Duration) {
        let mut state = self.state.0.lock();
        state.now = state.now.saturating_add(time);
        loop {
            let now = state.now;
            let due: Option<Call> = state.timers.pop_due(now);
            drop(state);
            let Some(call) = due else { return };
            let _ = catch(call);
            state = self.state.0.lock();
        }
    }

    /// Returns how much time has passed since it was made.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(deferred_core::ManualClock::new().now().is_zero());
    /// ```
    pub fn now(&self) -> Duration {
        self.state.0.lock().now
    }

    /// Returns how many calls are still to be made.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Clock, ManualClock};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let timer = clock.call_later(Duration::from_secs(1), Box::new(|| ()));
    /// assert_eq!(clock.pending(), 1);
    /// drop(timer);
    /// assert_eq!(clock.pending(), 0);
    /// ```
    pub fn pending(&self) -> usize {
        self.state.0.lock().timers.len()
    }
}

impl Clock for ManualClock {
    fn call_later(&self, delay: Duration, call: Call) -> Timer {
        let mut state = self.state.0.lock();
        let at = state.now.saturating_add(delay);
        let key = state.timers.add(at, call);
        drop(state);
        Timer::scheduled(arc(Taker(self.state.clone())), key)
    }
}

impl Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now", &self.now()).field("pending", &self.pending()).finish()
    }
}

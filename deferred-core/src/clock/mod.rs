//! Time: calling something later, and giving a Deferred a time limit.

mod manual;
#[cfg(all(feature = "std", not(loom)))]
mod thread;
mod timeout;
mod timers;

use alloc::boxed::Box;
use core::fmt::{self, Debug};
use core::time::Duration;

pub use self::manual::ManualClock;
#[cfg(all(feature = "std", not(loom)))]
pub use self::thread::ThreadClock;
use crate::sync::Arc;

/// A source of time that can call something later.
///
/// [`ManualClock`] is for tests and bare metal, `ThreadClock` (with `std`) for threads; an executor's own timer fits
/// behind this trait, too.
///
/// # Examples
///
/// ```
/// use deferred_core::{Clock, ManualClock};
/// use std::sync::mpsc;
/// use std::time::Duration;
///
/// let (sender, receiver) = mpsc::channel();
/// let clock = ManualClock::new();
/// let timer = clock.call_later(Duration::from_secs(1), Box::new(move || sender.send("ring").unwrap()));
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(receiver.try_recv(), Ok("ring"));
/// # drop(timer);
/// ```
pub trait Clock {
    /// Calls `call` once, when `delay` has passed, unless the timer is dropped before.
    ///
    /// The call is made by whoever drives the clock, with no lock held.
    /// With `std` the clocks of this crate contain a panic in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Clock, ManualClock};
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let clock = ManualClock::new();
    /// let timer = clock.call_later(Duration::from_secs(2), Box::new(move || sender.send("ring").unwrap()));
    /// clock.advance(Duration::from_secs(1));
    /// assert!(receiver.try_recv().is_err());
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(receiver.try_recv(), Ok("ring"));
    /// # drop(timer);
    /// ```
    fn call_later(&self, delay: Duration, call: Box<dyn FnOnce() + Send>) -> Timer;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn call_later(&self, delay: Duration, call: Box<dyn FnOnce() + Send>) -> Timer {
        (**self).call_later(delay, call)
    }
}

/// A call that a [`Clock`] will make. Dropping it takes the call back, and frees it.
///
/// # Examples
///
/// ```
/// use deferred_core::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let timer = clock.call_later(Duration::from_secs(1), Box::new(|| unreachable!()));
/// drop(timer);
/// assert_eq!(clock.pending(), 0);
/// clock.advance(Duration::from_secs(1));
/// ```
#[must_use = "dropping a timer takes its call back"]
pub struct Timer {
    scheduled: Option<Scheduled>,
}

/// Where a call stands: the clock that has it, and its number there.
type Scheduled = (Arc<dyn TakeBack>, (Duration, u64));

/// A clock that can take a call back.
trait TakeBack: Send + Sync {
    /// Drops the call, unless it has been made.
    fn take_back(&self, at: (Duration, u64));
}

impl Timer {
    /// Makes a timer that calls `take_back` when it is dropped, for clocks of your own.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Timer;
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// drop(Timer::new(move || sender.send("taken back").unwrap()));
    /// assert_eq!(receiver.try_recv(), Ok("taken back"));
    /// ```
    pub fn new(take_back: impl Fn() + Send + Sync + 'static) -> Self {
        struct Call<F>(F);

        impl<F: Fn() + Send + Sync> TakeBack for Call<F> {
            fn take_back(&self, _: (Duration, u64)) {
                (self.0)();
            }
        }

        Self::scheduled(arc(Call(take_back)), (Duration::ZERO, 0))
    }

    fn scheduled(clock: Arc<dyn TakeBack>, at: (Duration, u64)) -> Self {
        Self { scheduled: Some((clock, at)) }
    }
}

/// Makes a trait object; the `Arc` of portable-atomic cannot be coerced in place.
fn arc(clock: impl TakeBack + 'static) -> Arc<dyn TakeBack> {
    Arc::from(Box::new(clock) as Box<dyn TakeBack>)
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some((clock, at)) = self.scheduled.take() {
            clock.take_back(at);
        }
    }
}

impl Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

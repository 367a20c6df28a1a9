//! A clock with a thread of its own.

use core::fmt::{self, Debug};
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::timers::{Call, Timers};
use super::{Clock, TakeBack, Timer, arc};
use crate::postpone::drop_value;
use crate::unwind::catch;

/// A clock that keeps real time: one thread makes the calls of any number of timers.
///
/// The thread starts with the first timer, and ends when there are neither timers nor handles of the clock.
/// It is a handle: clones share one thread. Calls are made on that thread, one after another; a call that takes long
/// makes the others late. Scheduling and taking back cost logarithmic time.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, ThreadClock};
/// use std::time::Duration;
///
/// let clock = ThreadClock::new();
/// let (_resolver, d) = Deferred::<u8>::new();
/// let failure = d.timeout(&clock, Duration::from_millis(5)).wait().unwrap_err();
/// assert!(failure.is_timed_out());
/// ```
#[derive(Clone)]
pub struct ThreadClock {
    shared: Arc<Shared>,
    /// Counts the handles, for the thread.
    _handle: Arc<Handle>,
}

struct Shared {
    state: Mutex<State>,
    /// Notified when the next call has changed, and when the last handle goes.
    changed: Condvar,
    /// Time 0.
    start: Instant,
}

struct State {
    timers: Timers,
    running: bool,
    /// No handle is left, so no timer will be added.
    closed: bool,
}

/// What the clones of a clock share: tells the thread that it may end.
struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No foreign code runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the calls as they fall due.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let now = self.start.elapsed();
            if let Some(call) = state.timers.pop_due(now) {
                drop(state);
                let _ = catch(call);
                state = self.lock();
                continue;
            }
            state = match state.timers.next_due() {
                Some(due) => {
                    let wait = due.saturating_sub(now);
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None if state.closed => {
                    state.running = false;
                    return;
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// A handle of the state, as a trait object.
struct Taker(Arc<Shared>);

impl TakeBack for Taker {
    fn take_back(&self, at: (Duration, u64)) {
        let mut state = self.0.lock();
        let call = state.timers.remove(at);
        let over = state.closed && state.timers.len() == 0;
        drop(state);
        if over {
            self.0.changed.notify_one();
        }
        drop_value(call);
    }
}

impl ThreadClock {
    /// Makes a clock. Its thread starts with the first timer.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(format!("{:?}", deferred_core::ThreadClock::new()).contains("ThreadClock"));
    /// ```
    pub fn new() -> Self {
        let state = State { timers: Timers::new(), running: false, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), start: Instant::now() });
        Self { _handle: Arc::new(Handle(shared.clone())), shared }
    }
}

impl Default for ThreadClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ThreadClock {
    /// # Panics
    ///
    /// When the operating system cannot start the thread; the next timer tries again.
    fn call_later(&self, delay: Duration, call: Call) -> Timer {
        let at = self.shared.start.elapsed().saturating_add(delay);
        let mut state = self.shared.lock();
        let is_next = state.timers.next_due().is_none_or(|next| at < next);
        let key = state.timers.add(at, call);
        if state.running {
            drop(state);
            if is_next {
                self.shared.changed.notify_one();
            }
        } else {
            // With the lock held, so that nobody else takes for started what cannot start.
            let shared = self.shared.clone();
            if let Err(error) = thread::Builder::new().name("deferred-clock".into()).spawn(move || shared.run()) {
                let call = state.timers.remove(key);
                drop(state);
                drop_value(call);
                panic!("the operating system cannot start the thread of a ThreadClock: {error}");
            }
            state.running = true;
            drop(state);
        }
        Timer::scheduled(arc(Taker(self.shared.clone())), key)
    }
}

impl Debug for ThreadClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.shared.lock().timers.len();
        f.debug_struct("ThreadClock").field("pending", &pending).finish_non_exhaustive()
    }
}

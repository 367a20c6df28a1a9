//! Blocking a thread until a Deferred has its result.

use core::fmt::Debug;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;
use std::time::{Duration, Instant};

use event_listener::{Event, Listener};

use crate::deferred::Deferred;
use crate::failure::Outcome;
use crate::{postpone, wait_queue};

/// Wakes the thread that waits. No other code can listen to the event, so nothing foreign runs under its lock.
struct Signal(Event);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.0.notify(1);
    }
}

impl<T, E: Debug> Deferred<T, E> {
    /// Blocks the thread until the result is there.
    ///
    /// Do not call it where this very thread must go on for the result to come: in a task of an executor with one thread,
    /// or in a callback of what it waits for. Some of these cases are resolved, not all.
    ///
    /// # Errors
    ///
    /// The failure that the Deferred came to.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (resolver, d) = Deferred::<u8>::new();
    /// std::thread::spawn(move || resolver.callback(1));
    /// assert_eq!(d.wait(), Ok(1));
    /// ```
    pub fn wait(mut self) -> Outcome<T, E> {
        match self.wait_until(None) {
            Some(outcome) => outcome,
            None => unreachable!("without a deadline the wait ends with a result"),
        }
    }

    /// Blocks the thread until the result is there, for `timeout` at most; see [`wait`](Self::wait) for where not to.
    ///
    /// # Errors
    ///
    /// The Deferred itself, still pending, when the time is up; wait again, or drop it to cancel.
    ///
    /// # Panics
    ///
    /// When the result was taken before.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use std::time::Duration;
    ///
    /// let (resolver, d) = Deferred::<u8>::new();
    /// let d = d.wait_timeout(Duration::from_millis(1)).unwrap_err();
    /// resolver.callback(1).unwrap();
    /// assert_eq!(d.wait_timeout(Duration::from_secs(60)).unwrap(), Ok(1));
    /// ```
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<Outcome<T, E>, Self> {
        // A time that cannot be reckoned with is as good as for ever.
        let deadline = Instant::now().checked_add(timeout);
        self.wait_until(deadline).ok_or(self)
    }

    fn wait_until(&mut self, deadline: Option<Instant>) -> Option<Outcome<T, E>> {
        if let Some(outcome) = self.try_take() {
            return Some(outcome);
        }
        // What was put off on this thread may be what is waited for, and nobody else will do it.
        while postpone::catch_up() | wait_queue::catch_up() {}
        let signal = Arc::new(Signal(Event::new()));
        let waker = Waker::from(signal.clone());
        loop {
            // Listen first, so that a wake-up between the poll and the wait is not lost.
            let listener = signal.0.listen();
            if let Poll::Ready(outcome) = Pin::new(&mut *self).poll(&mut Context::from_waker(&waker)) {
                return Some(outcome);
            }
            match deadline {
                None => listener.wait(),
                Some(deadline) if listener.wait_deadline(deadline).is_none() => return self.try_take(),
                Some(_) => {}
            }
        }
    }
}

//! Ways of running a test: watched, on a small stack, cut off after some polls.

use std::any::Any;
use std::fmt::{self, Debug, Write};
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::Barrier;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::allocations;

/// Runs `f` on a thread of its own and fails when it does not end within two seconds.
///
/// For what would hang rather than fail: a lock that is held while foreign code runs, a lost wake-up.
/// `WATCHDOG_SECONDS` says otherwise where everything is slow, as in valgrind.
#[track_caller]
pub(crate) fn watchdog<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let seconds = std::env::var("WATCHDOG_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    watch(Duration::from_secs(seconds.unwrap_or(if cfg!(miri) { 600 } else { 2 })), f)
}

/// Runs `f` twice in front of the [`watchdog`], and fails when the second time leaves anything allocated.
#[track_caller]
pub(crate) fn hostile(f: impl FnMut() + Send + 'static) {
    watchdog(|| allocations(f));
}

/// Shows a value to a writer that calls `call` at each piece of it, in front of the [`watchdog`].
#[track_caller]
pub(crate) fn shown_to(value: impl Debug + Send + 'static, call: impl Fn() + Send + 'static) {
    struct Calls<F>(F);

    impl<F: Fn()> Write for Calls<F> {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            (self.0)();
            Ok(())
        }
    }

    watchdog(move || write!(Calls(call), "{value:?}").unwrap());
}

/// As [`watchdog`], with a limit.
#[track_caller]
pub(crate) fn watch<R: Send + 'static>(limit: Duration, f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, ended) = channel::<()>();
    let thread = spawn(thread::Builder::new(), move || {
        let _done = done;
        f()
    });
    // The sender is dropped whether `f` returns or panics.
    match ended.recv_timeout(limit) {
        Err(RecvTimeoutError::Timeout) => panic!("hung for {limit:?}"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => result(thread),
    }
}

/// Runs two things at the same time, as nearly as can be, and returns what the first one does.
pub(crate) fn together<A>(first: impl FnOnce() -> A, second: impl FnOnce() + Send) -> A {
    let gate = Barrier::new(2);
    thread::scope(|scope| {
        // Boxed as in `spawn`.
        let second: Box<dyn FnOnce() + Send> = Box::new(|| {
            gate.wait();
            second();
        });
        scope.spawn(second);
        gate.wait();
        first()
    })
}

/// Runs `f` on a thread with 64 KiB of stack, where a recursion over a long chain is a crash.
pub(crate) fn small_stack<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    result(spawn(thread::Builder::new().stack_size(64 * 1024), f))
}

/// What a thread returns, of whatever type.
type Returned = Box<dyn Any + Send>;

/// Starts a thread. The function is boxed, so that `std::thread` is compiled once, not for each closure.
fn spawn<R: Send + 'static>(builder: thread::Builder, f: impl FnOnce() -> R + Send + 'static) -> JoinHandle<Returned> {
    let f: Box<dyn FnOnce() -> Returned + Send> = Box::new(|| Box::new(f()));
    builder.spawn(f).expect("a thread can be started")
}

/// Waits for a thread of [`spawn`]; returns what it returns, or panics as it did.
fn result<R: 'static>(thread: JoinHandle<Returned>) -> R {
    let returned = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
    *returned.downcast().expect("it is what the function of the thread returns")
}

/// Polls a future with a waker that does nothing.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Polls a future with `waker`.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Polls a future up to `polls` times and drops it then, unless it has finished.
///
/// `between` is called before each poll with its number, to make the next thing happen.
/// Calling this with 0, 1, 2 and so on until it returns `Some` drops the future at each of its states.
pub(crate) fn cancel_at<F: Future>(polls: usize, future: F, mut between: impl FnMut(usize)) -> Option<F::Output> {
    let mut future = pin!(future);
    for n in 0..polls {
        between(n);
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    None
}

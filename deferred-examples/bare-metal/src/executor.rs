//! An executor: it polls one future, and sleeps until an interrupt wakes it.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};

use crate::board;

/// Polls a future to its end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    loop {
        // With interrupts off none can come between this look and the sleep, and one that is due ends the sleep.
        critical_section::with(|_| {
            if !woken.0.load(Ordering::Acquire) {
                cortex_m::asm::wfi();
            }
        });
        if woken.0.swap(false, Ordering::AcqRel) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// Waits for a future that is pending, and that comes to its end by what `job` does in an interrupt.
pub fn wait_for<F: Future>(future: F, job: impl FnOnce() + Send + 'static) -> F::Output {
    let mut future = pin!(future);
    assert!(poll(future.as_mut()).is_pending(), "there is nothing to wait for");
    board::in_interrupt(job);
    block_on(future)
}

/// Sleeps until no interrupt has a job left.
pub fn wait_for_jobs() {
    while board::jobs().1 > 0 {
        cortex_m::asm::wfi();
    }
}

/// Polls a future once.
pub fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

//! A million waiters on 64 KiB of stack, in order.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::small_stack;
use deferred_core::Failure;
use deferred_sync::{DeferredLock, DeferredSemaphore};

const MANY: usize = 1_000_000;

/// Counts up, and notes who comes out of turn.
#[derive(Clone, Default)]
struct Turns {
    next: Arc<AtomicUsize>,
    wrong: Arc<AtomicUsize>,
}

impl Turns {
    fn take(&self, n: usize) {
        if self.next.fetch_add(1, Ordering::Relaxed) != n {
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[track_caller]
    fn expect(&self, taken: usize) {
        assert_eq!((self.next.load(Ordering::Relaxed), self.wrong.load(Ordering::Relaxed)), (taken, 0));
    }
}

#[test]
fn a_million_waiters_release_inside_their_callback_and_complete_in_order() {
    small_stack(|| {
        let semaphore = DeferredSemaphore::new(1);
        let held = semaphore.try_acquire().unwrap();
        let (begun, done) = (Turns::default(), Turns::default());
        for n in 0..MANY {
            let (begun, done) = (begun.clone(), done.clone());
            let released = semaphore.acquire().add_callback(move |permit| {
                begun.take(n);
                permit.release();
                done.take(n);
                Ok(())
            });
            released.detach();
        }
        drop(held);
        begun.expect(MANY);
        done.expect(MANY);
        assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
    });
}

#[test]
fn many_runs_of_a_semaphore_complete_in_order() {
    small_stack(|| {
        const RUNS: usize = MANY / 10;
        let semaphore = DeferredSemaphore::new(3);
        let held = semaphore.try_acquire_many(3).unwrap();
        let done = Turns::default();
        for n in 0..RUNS {
            let done = done.clone();
            let run = semaphore.run(move || Ok::<_, Failure<()>>(n));
            run.add_callback(move |n| {
                done.take(n);
                Ok(())
            })
            .detach();
        }
        drop(held);
        done.expect(RUNS);
        assert_eq!(semaphore.available(), 3);
    });
}

#[test]
fn many_runs_of_a_lock_complete_in_order() {
    small_stack(|| {
        const RUNS: usize = MANY / 10;
        let lock = DeferredLock::new(0);
        let held = lock.try_acquire().unwrap();
        let done = Turns::default();
        for n in 0..RUNS {
            let done = done.clone();
            let run = lock.run(move |next| std::mem::replace(next, n + 1));
            run.add_callback(move |n| {
                done.take(n);
                Ok(())
            })
            .detach();
        }
        drop(held);
        done.expect(RUNS);
        assert_eq!(lock.into_inner().unwrap(), RUNS);
    });
}

#[test]
fn waiters_that_each_hold_the_next_one_are_dropped() {
    small_stack(|| {
        let semaphore = DeferredSemaphore::new(0);
        let mut inner = semaphore.acquire().add_callback(|_| Ok(()));
        for _ in 0..MANY / 10 {
            let next = inner;
            inner = semaphore.acquire().add_callback(move |_| next);
        }
        drop(inner);
        assert_eq!(semaphore.waiting(), 0);
    });
}

#[test]
fn many_waiters_fail_when_the_semaphore_is_closed() {
    small_stack(|| {
        const WAITERS: usize = MANY / 10;
        let semaphore = DeferredSemaphore::new(0);
        let failed = Turns::default();
        for n in 0..WAITERS {
            let (failed, inner) = (failed.clone(), semaphore.clone());
            let waiter = semaphore.acquire().add_errback(move |failure| {
                failed.take(n);
                inner.close();
                Err(failure)
            });
            waiter.add_errback(|failure| if failure.is_closed() { Err(failure) } else { panic!("{failure}") }).detach();
        }
        let ((), reports) = common::reports(|| semaphore.close());
        failed.expect(WAITERS);
        assert_eq!(reports.len(), WAITERS);
    });
}

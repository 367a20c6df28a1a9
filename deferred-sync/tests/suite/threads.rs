//! Permits and locks on many threads: what one writes under them the next one reads, and none is lost.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::common::{together, watchdog};
use deferred_sync::{DeferredLock, DeferredSemaphore, LockGuard, Permit};

const ROUNDS: usize = if cfg!(miri) { 20 } else { 1000 };

/// A number without any protection of its own: ThreadSanitizer reports each access that nothing orders.
#[derive(Default)]
struct Plain(UnsafeCell<usize>);

// SAFETY: whoever calls `add` holds the only permit there is.
unsafe impl Sync for Plain {}

impl Plain {
    /// Adds 1, with a gap that a second thread would fall into.
    fn add(&self, _only: &Permit) {
        // SAFETY: nobody else has a permit, so nobody else is here.
        let seen = unsafe { *self.0.get() };
        thread::yield_now();
        // SAFETY: as above.
        unsafe { *self.0.get() = seen + 1 };
    }
}

#[test]
fn a_plain_number_under_the_only_permit_counts_every_thread() {
    let (semaphore, number) = (DeferredSemaphore::new(1), Plain::default());
    thread::scope(|scope| {
        for side in 0..3 {
            let (semaphore, number) = (&semaphore, &number);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    match semaphore.try_acquire() {
                        Some(permit) if round % 2 == side % 2 => number.add(&permit),
                        taken => {
                            drop(taken);
                            number.add(&semaphore.acquire().wait().unwrap());
                        }
                    }
                }
            });
        }
    });
    assert_eq!(number.0.into_inner(), 3 * ROUNDS);
    assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
}

#[test]
fn a_plain_number_in_a_lock_counts_every_way_of_taking_it() {
    let lock = DeferredLock::new(0);
    thread::scope(|scope| {
        for side in 0..3 {
            let lock = lock.clone();
            scope.spawn(move || {
                let add = |mut n: LockGuard<usize>| {
                    let seen = *n;
                    thread::yield_now();
                    *n = seen + 1;
                };
                for round in 0..ROUNDS {
                    match (round + side) % 3 {
                        0 => lock.run(|n| *n += 1).wait().unwrap(),
                        1 => lock.acquire().add_callback(move |n| Ok([n].map(add))).detach(),
                        _ => lock.try_acquire().map_or_else(|| add(lock.acquire().wait().unwrap()), add),
                    }
                }
            });
        }
    });
    // Callbacks that were granted the lock have run when whoever granted it has ended.
    assert_eq!(*lock.acquire().wait().unwrap(), 3 * ROUNDS);
}

#[test]
fn no_more_permits_are_held_than_the_limit_says() {
    const LIMIT: usize = 3;
    let (semaphore, held) = (DeferredSemaphore::new(LIMIT), AtomicUsize::new(0));
    thread::scope(|scope| {
        for side in 0..4 {
            let (semaphore, held) = (&semaphore, &held);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let n = 1 + (round + side) % LIMIT;
                    if round % 5 == side {
                        // Granted or not, it is given up.
                        drop(semaphore.acquire_many(n));
                    }
                    let mut permit = semaphore.acquire_many(n).wait().unwrap();
                    assert!(held.fetch_add(n, Ordering::SeqCst) + n <= LIMIT);
                    thread::yield_now();
                    held.fetch_sub(n, Ordering::SeqCst);
                    drop((permit.split(n / 2), permit));
                }
            });
        }
    });
    assert_eq!((semaphore.available(), semaphore.waiting()), (LIMIT, 0));
}

#[test]
fn a_limit_that_moves_is_where_it_was_when_all_have_left() {
    let semaphore = DeferredSemaphore::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            let semaphore = &semaphore;
            scope.spawn(move || (0..ROUNDS).for_each(|_| semaphore.acquire().wait().unwrap().release()));
        }
        for round in 0..ROUNDS {
            semaphore.set_limit(1 + round % 3).unwrap();
        }
        semaphore.set_limit(2).unwrap();
    });
    assert_eq!((semaphore.available(), semaphore.limit(), semaphore.waiting()), (2, 2, 0));
}

#[test]
fn close_tells_everybody_who_waits_on_whatever_thread() {
    watchdog(|| {
        for _ in 0..ROUNDS / 10 {
            let semaphore = DeferredSemaphore::new(1);
            let held = semaphore.try_acquire().unwrap();
            let waiting = semaphore.clone();
            let wait = move || (0..20).map(|_| waiting.acquire()).collect::<Vec<_>>();
            let closing = semaphore.clone();
            for waiter in together(wait, move || closing.close()) {
                assert!(waiter.wait().unwrap_err().is_closed());
            }
            drop(held);
            assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
        }
    });
}

#[test]
fn a_waiter_that_leaves_meets_its_permit_and_passes_it_on() {
    watchdog(|| {
        for round in 0..ROUNDS / 2 {
            let lock = DeferredLock::new(Arc::new(round));
            let guard = lock.try_acquire().unwrap();
            let (mut first, second) = (lock.acquire(), lock.acquire());
            let handle = first.handle();
            let leave = move || {
                if round % 2 == 0 {
                    handle.cancel();
                    drop(first.try_take());
                } else {
                    drop(first);
                }
            };
            together(leave, move || drop(guard));
            assert_eq!(**second.wait().unwrap(), round);
            assert!(!lock.is_locked() && lock.waiting() == 0);
        }
    });
}

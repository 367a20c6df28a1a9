//! `DeferredSemaphore` among panics and calls from inside of calls, and on many threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::{HookWaker, OnDrop, poll_once, poll_with, shown_to, watchdog};
use crate::helpers::{at_rest, granted, taken, watched};
use deferred_core::{Deferred, Failure, FailureKind, Outcome};
use deferred_sync::{DeferredLock, DeferredSemaphore, Permit};

#[test]
fn a_writer_may_call_in() {
    let semaphore = DeferredSemaphore::new(1);
    shown_to(semaphore.clone(), move || assert_eq!(semaphore.limit(), 1));
    let lock = DeferredLock::new(1);
    let held = lock.try_acquire();
    shown_to(lock.clone(), move || drop(lock.acquire()));
    drop(held);
}

// Panics.

#[test]
fn run_releases_when_its_function_panics() {
    let semaphore = DeferredSemaphore::new(1);
    let mut d = semaphore.run(|| -> Outcome<u8, ()> { panic!("mine") });
    let FailureKind::Panicked(panic) = d.try_take().unwrap().unwrap_err().into_kind() else { panic!() };
    assert_eq!(panic.message(), "mine");
    at_rest(&semaphore, 1);
}

#[test]
fn run_releases_when_its_function_fails() {
    let semaphore = DeferredSemaphore::new(1);
    let mut d = semaphore.run(|| Err::<u8, _>(Failure::from("no")));
    assert_eq!(d.try_take(), Some(Err(Failure::from("no"))));
    at_rest(&semaphore, 1);
}

#[test]
fn a_permit_is_released_by_a_thread_that_panics() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    let thread = thread::spawn(move || {
        let _held = held;
        panic!("while it is held");
    });
    assert!(thread.join().is_err());
    drop(granted(&mut waiter));
    at_rest(&semaphore, 1);
}

#[test]
fn a_panicking_waker_does_not_reach_release_and_those_behind_it_are_woken() {
    let (semaphore, held) = taken(2);
    let mut waiters = [semaphore.acquire(), semaphore.acquire()];
    let waker = HookWaker::new().on_wake(|| panic!("a bad waker")).on_drop(|| panic!("a worse one")).waker();
    assert!(poll_with(&mut waiters[0], &waker).is_pending());
    let count = watched(&mut waiters[1]);
    held.release();
    assert_eq!(count.count(), 1);
    drop(waiters);
    at_rest(&semaphore, 2);
}

#[test]
fn a_panicking_clone_of_a_waker_loses_nothing() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    let waker = HookWaker::new().on_clone(|| panic!("no clones")).waker();
    assert!(catch_unwind(AssertUnwindSafe(|| poll_with(&mut waiter, &waker))).is_err());
    let count = watched(&mut waiter);
    drop(held);
    assert_eq!(count.count(), 1);
    drop(granted(&mut waiter));
    at_rest(&semaphore, 1);
}

// Re-entrancy.

/// Uses every method of a semaphore, and leaves it as it was.
fn use_every_method(semaphore: &DeferredSemaphore) {
    let (limit, _) = (semaphore.limit(), semaphore.available());
    // Permits that nobody waits for would otherwise go to those who do.
    let more = if semaphore.waiting() == 0 { 2 } else { 0 };
    semaphore.set_limit(limit + more).unwrap();
    if let Some(mut permit) = semaphore.try_acquire_many(2) {
        drop(permit.split(1));
        drop(permit.semaphore().acquire());
    }
    drop(semaphore.acquire_many(2));
    drop(semaphore.run(|| Ok::<_, Failure<()>>(1)));
    semaphore.set_limit(limit).unwrap();
    let _ = (semaphore.waiting(), semaphore.is_closed(), format!("{semaphore:?}"));
}

#[test]
fn every_method_may_be_called_from_a_callback() {
    watchdog(|| {
        let (semaphore, held) = taken(1);
        for _ in 0..3 {
            let inner = semaphore.clone();
            let used = move |permit: Permit| {
                use_every_method(&inner);
                drop(permit);
                use_every_method(&inner);
                Ok(())
            };
            semaphore.acquire().add_callback(used).detach();
        }
        drop(held);
        at_rest(&semaphore, 1);
    });
}

#[test]
fn every_method_may_be_called_from_a_waker() {
    watchdog(|| {
        let (semaphore, held) = taken(1);
        let uses = Arc::new(AtomicUsize::new(0));
        let hook = || {
            let (semaphore, uses) = (semaphore.clone(), uses.clone());
            move || {
                if uses.fetch_add(1, Ordering::SeqCst) < 20 {
                    use_every_method(&semaphore);
                }
            }
        };
        let waker = HookWaker::new().on_clone(hook()).on_wake(hook()).on_drop(hook()).waker();
        let other = HookWaker::new().on_clone(hook()).on_wake(hook()).on_drop(hook()).waker();
        let mut waiters = [semaphore.acquire(), semaphore.acquire()];
        for waiter in &mut waiters {
            assert!(poll_with(waiter, &waker).is_pending());
            assert!(poll_with(waiter, &other).is_pending());
        }
        drop(held);
        drop(waiters);
        drop((waker, other));
        assert!(uses.load(Ordering::SeqCst) > 4);
        at_rest(&semaphore, 1);
    });
}

#[test]
fn a_waiter_may_be_dropped_by_the_callback_of_another() {
    watchdog(|| {
        let (semaphore, held) = taken(2);
        let second = Arc::new(Mutex::new(None));
        let gone = second.clone();
        let drop_it = move |permit| {
            drop(gone.lock().unwrap().take());
            drop(permit);
            Ok(())
        };
        semaphore.acquire().add_callback(drop_it).detach();
        // Granted in the same release, and dropped before its turn.
        *second.lock().unwrap() = Some(semaphore.acquire());
        let mut third = semaphore.acquire();
        drop(held);
        drop(granted(&mut third));
        at_rest(&semaphore, 2);
    });
}

#[test]
fn a_canceller_of_what_runs_may_use_the_semaphore() {
    watchdog(|| {
        let semaphore = DeferredSemaphore::new(1);
        let inner = semaphore.clone();
        let (_resolver, work) = Deferred::<u8>::with_canceller(move |c| {
            use_every_method(&inner);
            c.done()
        });
        drop(semaphore.run(move || work));
        at_rest(&semaphore, 1);
    });
}

#[test]
fn a_callback_may_wait_for_what_it_grants_itself() {
    watchdog(|| {
        let (semaphore, held) = taken(1);
        let inner = semaphore.clone();
        let mut outer = semaphore.acquire().add_callback(move |permit| {
            // Granted inside of a grant of the same semaphore.
            let next = inner.acquire();
            drop(permit);
            next.wait().map(|permit| permit.count())
        });
        drop(held);
        assert_eq!(outer.try_take(), Some(Ok(1)));
        at_rest(&semaphore, 1);
    });
}

#[test]
fn a_destructor_may_wait_for_what_its_own_grant_puts_off_in_turn() {
    watchdog(|| {
        for more in [false, true] {
            let (semaphore, held) = taken(1);
            let inner = semaphore.clone();
            let mut outer = semaphore.acquire().add_callback(move |permit| {
                let (resolver, fired) = Deferred::<u8>::new();
                let ((_pending, fires), (_still, other)) = (Deferred::<u8>::new(), Deferred::<u8>::new());
                let fires = fires.add_both(move |_| {
                    resolver.callback(1).unwrap();
                    Ok::<_, Failure<_>>(())
                });
                let other = more.then(|| other.add_both(|_| Ok::<_, Failure<_>>(())));
                let drops = move |_| {
                    drop(fires);
                    Ok(())
                };
                inner.acquire().add_callback(drops).detach();
                let (resolver, owner) = Deferred::<OnDrop>::new();
                let destructor = OnDrop::new(move || {
                    // The one is put off until the end of this destructor, the other behind the grant that is going on.
                    drop(other);
                    drop(permit);
                    assert_eq!(fired.wait(), Ok(1));
                });
                assert!(resolver.callback(destructor).is_ok());
                drop(owner);
                Ok(())
            });
            drop(held);
            assert_eq!(outer.try_take(), Some(Ok(())));
            at_rest(&semaphore, 1);
        }
    });
}

// Stress.

#[test]
fn threads_that_acquire_cancel_and_change_the_limit_lose_no_permit() {
    const LIMIT: usize = 3;
    let semaphore = DeferredSemaphore::new(LIMIT);
    let inside = AtomicUsize::new(0);
    thread::scope(|scope| {
        for seed in 0..4_usize {
            let (semaphore, inside) = (&semaphore, &inside);
            scope.spawn(move || {
                for round in 0..1500 {
                    let n = 1 + (round + seed) % LIMIT;
                    let mut acquire = semaphore.acquire_many(n);
                    if round % 5 == seed {
                        let _ = poll_once(&mut acquire);
                        continue;
                    }
                    let permit = acquire.wait().unwrap();
                    let before = inside.fetch_add(permit.count(), Ordering::SeqCst);
                    assert!(before + permit.count() <= LIMIT + 1, "the highest limit");
                    inside.fetch_sub(permit.count(), Ordering::SeqCst);
                }
            });
        }
        let semaphore = &semaphore;
        scope.spawn(move || {
            for round in 0..500 {
                semaphore.set_limit(LIMIT + round % 2).unwrap();
                semaphore.set_limit(LIMIT).unwrap();
            }
        });
    });
    at_rest(&semaphore, LIMIT);
}

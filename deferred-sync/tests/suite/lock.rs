//! `DeferredLock`: one at a time, first come first served, and released on every path.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::common::{CountWaker, Drops, HookWaker, Trace, poll_with, watchdog};
use deferred_core::{Deferred, FailureKind, Outcome};
use deferred_sync::{DeferredLock, LockGuard};
use futures_lite::future;

type Acquire<T> = Deferred<LockGuard<T>>;

/// A lock that somebody holds.
fn taken<T: Send + 'static>(value: T) -> (DeferredLock<T>, LockGuard<T>) {
    let lock = DeferredLock::new(value);
    let guard = lock.try_acquire().unwrap();
    (lock, guard)
}

fn granted<T: Send + 'static>(acquire: &mut Acquire<T>) -> LockGuard<T> {
    acquire.try_take().expect("it has fired").unwrap_or_else(|failure| panic!("not granted: {failure}"))
}

fn watched<T: Send + 'static>(acquire: &mut Acquire<T>) -> Arc<CountWaker> {
    let (count, waker) = CountWaker::new();
    assert!(poll_with(acquire, &waker).is_pending());
    count
}

#[track_caller]
fn at_rest<T: Send + 'static>(lock: &DeferredLock<T>) {
    assert!(!lock.is_locked() && lock.waiting() == 0);
}

// Smoke.

#[test]
fn one_at_a_time_uses_the_value() {
    let lock = DeferredLock::new(vec![1]);
    let mut guard = lock.try_acquire().unwrap();
    assert!(lock.is_locked() && lock.try_acquire().is_none());
    guard.push(2);
    let mut waiter = lock.acquire();
    assert_eq!(lock.waiting(), 1);
    drop(guard);
    assert_eq!(*granted(&mut waiter), [1, 2]);
    at_rest(&lock);
}

#[test]
fn it_waits_in_every_way() {
    let (lock, guard) = taken(0);
    let called = lock.acquire().add_callback(|mut guard| {
        *guard += 1;
        Ok(())
    });
    let blocked = lock.acquire();
    let thread = thread::spawn(move || *blocked.wait().unwrap() += 1);
    drop(guard);
    assert_eq!(called.wait(), Ok(()));
    thread.join().unwrap();
    future::block_on(async { *lock.acquire().await.unwrap() += 1 });
    assert_eq!(lock.into_inner().unwrap(), 3);
}

#[test]
fn run_uses_the_value_and_releases() {
    let (lock, guard) = taken(String::new());
    let mut first = lock.run(|text| text.push('a'));
    let mut second = lock.run(|text| text.clone());
    assert!(first.try_take().is_none());
    drop(guard);
    assert_eq!((first.try_take(), second.try_take()), (Some(Ok(())), Some(Ok("a".to_string()))));
    at_rest(&lock);
}

#[test]
fn the_value_is_reached_without_locking_by_the_only_handle() {
    let mut lock = DeferredLock::from(1);
    *lock.get_mut().unwrap() += 1;
    let other = lock.clone();
    assert!(lock.get_mut().is_none());
    let lock = lock.into_inner().unwrap_err();
    drop(other);
    assert_eq!(lock.into_inner().unwrap(), 2);
}

#[test]
fn a_guard_keeps_the_value_from_being_taken_out() {
    let (mut lock, guard) = taken(1);
    assert!(lock.get_mut().is_none());
    let lock = lock.into_inner().unwrap_err();
    drop(guard);
    assert_eq!(lock.into_inner().unwrap(), 1);
}

#[test]
fn a_guard_outlives_every_handle() {
    let drops = Drops::new();
    let (lock, guard) = taken(drops.value());
    let mut waiter = lock.acquire();
    drop(lock);
    drop(guard);
    let guard = granted(&mut waiter);
    drop(waiter);
    assert_eq!(drops.count(), 0);
    drop(guard);
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_mapped_guard_names_a_part_and_releases_the_whole() {
    let lock = DeferredLock::new((1, vec![1, 2]));
    let mut part = LockGuard::map(lock.try_acquire().unwrap(), |pair| &pair.1[..], |pair| &mut pair.1[..]);
    part[0] = 5;
    assert_eq!(format!("{part:?}"), "[5, 2]");
    let mut waiter = lock.acquire();
    thread::spawn(move || drop(part)).join().unwrap();
    assert_eq!(granted(&mut waiter).1, [5, 2]);
    at_rest(&lock);
}

#[test]
fn a_guard_knows_its_lock_and_shows_the_value() {
    let (lock, guard) = taken(5);
    assert!(LockGuard::lock(&guard).is_locked());
    assert_eq!(format!("{guard:?} {guard}"), "5 5");
    assert_eq!(format!("{lock:?}"), "DeferredLock { locked: true, waiting: 0, .. }");
    assert_eq!(format!("{:?}", DeferredLock::<()>::default()), "DeferredLock { locked: false, waiting: 0, .. }");
}

// Order and fairness.

#[test]
fn waiters_are_granted_in_the_order_in_which_they_came() {
    let (lock, guard) = taken(Vec::new());
    let waiters: Vec<_> = (0..5).map(|n| lock.run(move |order| order.push(n))).collect();
    drop(guard);
    drop(waiters);
    assert_eq!(lock.into_inner().unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_release_wakes_one_waiter_once() {
    let (lock, guard) = taken(());
    let mut waiters = [lock.acquire(), lock.acquire()];
    let counts = waiters.each_mut().map(watched);
    drop(guard);
    assert_eq!(counts.each_ref().map(|count| count.count()), [1, 0]);
    assert!(lock.try_acquire().is_none(), "a newcomer does not get what was granted");
    drop(granted(&mut waiters[0]));
    assert_eq!(counts.each_ref().map(|count| count.count()), [1, 1]);
    drop(waiters);
    at_rest(&lock);
}

#[test]
fn callbacks_finish_in_the_order_in_which_the_lock_was_granted() {
    let (lock, guard) = taken(());
    let trace = Trace::new();
    for n in 0..3 {
        let (inside, after) = (trace.clone(), trace.clone());
        let done = lock.run(move |()| inside.log(format!("run{n}")));
        done.add_callback(move |()| {
            after.log(format!("done{n}"));
            Ok(())
        })
        .detach();
    }
    drop(guard);
    trace.expect(["run0", "done0", "run1", "done1", "run2", "done2"]);
}

// Cancellation.

#[test]
fn a_waiter_that_is_dropped_gives_up_its_place_wherever_it_stands() {
    for gone in 0..3 {
        let (lock, guard) = taken(());
        let mut waiters: Vec<_> = (0..3).map(|_| lock.acquire()).collect();
        drop(waiters.remove(gone));
        let counts: Vec<_> = waiters.iter_mut().map(watched).collect();
        drop(guard);
        assert_eq!([counts[0].count(), counts[1].count()], [1, 0], "without number {gone}");
        drop(waiters);
        at_rest(&lock);
    }
}

#[test]
fn a_waiter_that_is_cancelled_fails_and_the_next_one_is_granted() {
    let (lock, guard) = taken(());
    let (mut first, mut second) = (lock.acquire(), lock.acquire());
    first.handle().cancel();
    assert!(matches!(first.try_take(), Some(Err(failure)) if failure.is_cancelled()));
    drop(guard);
    drop(granted(&mut second));
    at_rest(&lock);
}

#[test]
fn a_lock_that_was_granted_and_not_taken_passes_to_the_next() {
    let (lock, guard) = taken(());
    let mut waiters = vec![lock.acquire(), lock.acquire(), lock.acquire()];
    let counts: Vec<_> = waiters.iter_mut().map(watched).collect();
    drop(guard);
    drop(waiters.remove(0));
    assert_eq!(counts.iter().map(|count| count.count()).collect::<Vec<_>>(), [1, 1, 0]);
    drop(waiters);
    at_rest(&lock);
}

#[test]
fn a_ready_acquire_that_select_never_polls_releases_the_lock() {
    let lock = DeferredLock::new(());
    let first = async { None };
    let other = lock.acquire();
    assert!(future::block_on(future::or(first, async { Some(other.await) })).is_none());
    at_rest(&lock);
}

#[test]
fn a_task_that_is_dropped_at_any_of_its_steps_releases_the_lock() {
    for polls in 0.. {
        let (lock, guard) = taken(0);
        let mut guard = Some(guard);
        let task = async {
            let mut first = lock.acquire().await.unwrap();
            *first += 1;
            future::yield_now().await;
            drop(first);
            *lock.acquire().await.unwrap() += 1;
        };
        let done = crate::common::cancel_at(polls, task, |n| {
            if n == 1 {
                guard.take();
            }
        });
        drop(guard);
        at_rest(&lock);
        if done.is_some() {
            assert_eq!(lock.into_inner().unwrap(), 2);
            return;
        }
    }
}

#[test]
fn run_never_calls_its_function_when_it_is_dropped_while_it_waits() {
    let (lock, guard) = taken(0);
    drop(lock.run(|n| *n += 1));
    drop(guard);
    assert_eq!(lock.into_inner().unwrap(), 0);
}

// Errors.

#[test]
fn a_lock_that_is_held_by_nobody_who_lets_go_stays_held() {
    let (lock, guard) = taken(1);
    let kept = ManuallyDrop::new(guard);
    assert!(lock.is_locked() && lock.try_acquire().is_none());
    let lock = lock.into_inner().unwrap_err();
    drop(ManuallyDrop::into_inner(kept));
    assert_eq!(lock.into_inner().unwrap(), 1);
}

// Panics.

#[test]
fn a_panic_while_the_lock_is_held_releases_it_and_leaves_the_value_as_it_was() {
    let lock = DeferredLock::new(vec![1]);
    let mut run = lock.run(|values| -> () {
        values.push(2);
        panic!("half way");
    });
    assert!(matches!(run.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Panicked(_)));
    let other = lock.clone();
    let thread = thread::spawn(move || {
        let mut guard = other.acquire().wait().unwrap();
        guard.push(3);
        panic!("on a thread");
    });
    assert!(thread.join().is_err());
    assert_eq!(*lock.acquire().wait().unwrap(), [1, 2, 3], "no poison");
}

#[test]
fn a_waiter_is_granted_the_lock_of_one_that_panics() {
    let (lock, guard) = taken(());
    let mut first = lock.acquire().add_callback(|_guard| -> Outcome<(), _> { panic!("with the guard") });
    let mut second = lock.acquire();
    drop(guard);
    assert!(first.try_take().unwrap().is_err());
    drop(granted(&mut second));
    at_rest(&lock);
}

#[test]
fn a_value_whose_drop_panics_is_dropped_once() {
    let drops = Drops::new();
    let (lock, guard) = taken(drops.bomb());
    drop(lock);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(guard)));
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_panicking_waker_does_not_reach_the_guard() {
    let (lock, guard) = taken(());
    let mut waiter = lock.acquire();
    let waker = HookWaker::new().on_wake(|| panic!("a bad waker")).waker();
    assert!(poll_with(&mut waiter, &waker).is_pending());
    drop(guard);
    drop(granted(&mut waiter));
    at_rest(&lock);
}

// Re-entrancy.

/// Uses every method of a lock, and leaves it as it was.
fn use_every_method(lock: &DeferredLock<usize>) {
    drop(lock.try_acquire());
    drop(lock.acquire());
    lock.run(|n| *n += 1).detach();
    drop(lock.clone().into_inner());
    let _ = (lock.is_locked(), lock.waiting(), format!("{lock:?}"));
}

#[test]
fn every_method_may_be_called_from_a_callback() {
    watchdog(|| {
        let (lock, guard) = taken(0);
        for _ in 0..3 {
            let inner = lock.clone();
            let used = move |guard: LockGuard<usize>| {
                use_every_method(&inner);
                drop(guard);
                use_every_method(&inner);
                Ok(())
            };
            lock.acquire().add_callback(used).detach();
        }
        drop(guard);
        at_rest(&lock);
        assert_eq!(lock.into_inner().unwrap(), 6);
    });
}

#[test]
fn every_method_may_be_called_from_a_waker() {
    watchdog(|| {
        let (lock, guard) = taken(0);
        let uses = Arc::new(AtomicUsize::new(0));
        let hook = || {
            let (lock, uses) = (lock.clone(), uses.clone());
            move || {
                uses.fetch_add(1, Ordering::SeqCst);
                use_every_method(&lock);
            }
        };
        let waker = HookWaker::new().on_clone(hook()).on_wake(hook()).on_drop(hook()).waker();
        let other = HookWaker::new().on_clone(hook()).on_wake(hook()).on_drop(hook()).waker();
        let mut waiter = lock.acquire();
        assert!(poll_with(&mut waiter, &waker).is_pending());
        assert!(poll_with(&mut waiter, &other).is_pending());
        drop(guard);
        drop(granted(&mut waiter));
        drop((waker, other));
        at_rest(&lock);
        assert!(uses.load(Ordering::SeqCst) >= 4);
    });
}

// Stress.

#[test]
fn threads_count_under_the_lock_without_losing_one() {
    const ROUNDS: usize = 2000;
    let lock = DeferredLock::new(0);
    thread::scope(|scope| {
        for side in 0..3 {
            let lock = &lock;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    if round % 4 == side {
                        drop(lock.acquire());
                    }
                    let mut n = lock.acquire().wait().unwrap();
                    let seen = *n;
                    thread::yield_now();
                    *n = seen + 1;
                }
            });
        }
    });
    assert_eq!(lock.into_inner().unwrap(), 3 * ROUNDS);
}

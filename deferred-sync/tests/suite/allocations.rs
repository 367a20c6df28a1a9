//! How many allocations a semaphore and a lock cost, and that all of them are given back.

use crate::common::allocations;
use deferred_sync::{DeferredLock, DeferredSemaphore, LockGuard};

#[test]
fn acquiring_what_is_free_allocates_nothing() {
    let (semaphore, lock) = (DeferredSemaphore::new(3), DeferredLock::new(1));
    assert_eq!(allocations(|| drop(semaphore.acquire())), 0);
    assert_eq!(allocations(|| drop(semaphore.acquire_many(3).wait())), 0);
    assert_eq!(allocations(|| drop(semaphore.try_acquire().and_then(|mut permit| permit.split(1)))), 0);
    assert_eq!(allocations(|| drop(lock.acquire().wait())), 0);
    assert_eq!(allocations(|| drop(lock.run(|n| *n += 1))), 0);
    let map = |guard| LockGuard::map(guard, |n| n, |n| n);
    assert_eq!(allocations(|| drop(lock.try_acquire().map(map))), 0);
}

#[test]
fn a_waiter_costs_one_allocation() {
    let semaphore = DeferredSemaphore::new(1);
    let waits = || {
        let held = semaphore.try_acquire().unwrap();
        let mut waiter = semaphore.acquire();
        drop(held);
        assert!(waiter.try_take().unwrap().is_ok());
    };
    assert_eq!(allocations(waits), 1);
    let lock = DeferredLock::new(());
    let leaves = || {
        let held = lock.try_acquire();
        drop(lock.acquire());
        drop(held);
    };
    assert_eq!(allocations(leaves), 1);
}

#[test]
fn a_primitive_costs_one_allocation() {
    assert_eq!(allocations(|| drop(DeferredSemaphore::new(5))), 1);
    assert_eq!(allocations(|| drop(DeferredLock::new([0; 100]))), 1);
}

#[test]
fn nothing_is_leaked_by_waiters_that_outlive_everything() {
    let outlives = || {
        let semaphore = DeferredSemaphore::new(1);
        let held = semaphore.try_acquire().unwrap();
        let mut waiters = [semaphore.acquire(), semaphore.acquire(), semaphore.acquire()];
        drop(semaphore);
        waiters[1].handle().cancel();
        drop(held);
        for waiter in &mut waiters {
            drop(waiter.try_take());
        }
    };
    allocations(outlives);
}

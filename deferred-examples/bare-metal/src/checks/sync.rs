//! deferred-sync.

use deferred_bare_metal::board::{in_interrupt, is_interrupt};
use deferred_bare_metal::executor::wait_for;
use deferred_core::Deferred;
use deferred_sync::{DeferredLock, DeferredSemaphore, LockGuard};

use super::Check;

pub const CHECKS: &[Check] = &[
    ("sync: an interrupt releases a permit, and a task goes on", released),
    ("sync: a waiter's callback runs in the interrupt that releases", callback_in_interrupt),
    ("sync: many permits are waited for in one piece", many),
    ("sync: a cancelled waiter passes its permit on", cancelled_waiter),
    ("sync: a semaphore runs one after another, each ended by an interrupt", run_in_turn),
    ("sync: an interrupt raises the limit", limit_raised),
    ("sync: an interrupt closes, and who waits is told", closed),
    ("sync: an interrupt gives a lock up, and the next one has it", lock),
    ("sync: an interrupt's own work waits for the main loop's lock", lock_held_by_the_main_loop),
];

fn released() {
    let semaphore = DeferredSemaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    let second = wait_for(semaphore.acquire(), move || permit.release()).unwrap();
    assert_eq!(semaphore.available(), 0);
    drop(second);
    assert_eq!(semaphore.available(), 1);
}

fn callback_in_interrupt() {
    let semaphore = DeferredSemaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    let d = semaphore.acquire().add_callback(|_permit| Ok(is_interrupt()));
    assert_eq!(wait_for(d, move || permit.release()), Ok(true));
    assert_eq!(semaphore.available(), 1);
}

fn many() {
    let semaphore = DeferredSemaphore::new(2);
    let (one, two) = (semaphore.try_acquire().unwrap(), semaphore.try_acquire().unwrap());
    let release = move || {
        one.release();
        in_interrupt(move || two.release());
    };
    assert_eq!(wait_for(semaphore.acquire_many(2), release).unwrap().count(), 2);
}

fn cancelled_waiter() {
    let semaphore = DeferredSemaphore::new(1);
    let permit = semaphore.try_acquire().unwrap();
    let (first, second) = (semaphore.acquire(), semaphore.acquire());
    let release = move || {
        drop(first);
        permit.release();
    };
    assert!(wait_for(second, release).is_ok());
    assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
}

fn run_in_turn() {
    let semaphore = DeferredSemaphore::new(1);
    let (resolver, work) = Deferred::<u32>::new();
    let first = semaphore.run(move || work);
    let second = semaphore.run(|| Deferred::<u32>::succeed(2)).add_callback(|n| Ok((n, is_interrupt())));
    let both = async { (first.await, second.await) };
    assert_eq!(wait_for(both, || resolver.callback(1).unwrap()), (Ok(1), Ok((2, true))));
}

fn limit_raised() {
    let semaphore = DeferredSemaphore::new(0);
    let other = semaphore.clone();
    assert!(wait_for(semaphore.acquire(), move || other.set_limit(1).unwrap()).is_ok());
}

fn closed() {
    let semaphore = DeferredSemaphore::new(0);
    let other = semaphore.clone();
    assert!(wait_for(semaphore.acquire(), move || other.close()).unwrap_err().is_closed());
}

fn lock() {
    let lock = DeferredLock::<u32>::new(1);
    let mut guard = lock.try_acquire().unwrap();
    let release = move || {
        *guard += 1;
        drop(guard);
    };
    let guard = wait_for(lock.acquire(), release).unwrap();
    assert_eq!(*guard, 2);
    drop(guard);
    assert_eq!(lock.into_inner().unwrap(), 2);
}

fn lock_held_by_the_main_loop() {
    let lock = DeferredLock::<u32>::new(0);
    let mut guard = lock.try_acquire().unwrap();
    let (asked, d) = Deferred::<()>::new();
    let other = lock.clone();
    let ask = move || {
        // An interrupt cannot wait, so it says what is to be done when the lock is free.
        other.run(|n| *n += 10).detach();
        asked.callback(()).unwrap();
    };
    wait_for(d, ask).unwrap();
    assert_eq!(LockGuard::lock(&guard).waiting(), 1);
    *guard += 1;
    drop(guard);
    assert_eq!(lock.into_inner().unwrap(), 11);
}

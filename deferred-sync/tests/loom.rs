//! Models of the semaphore and the lock.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release --features loom -p deferred-sync --test loom
//! ```
#![cfg(loom)]

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use common::{Bound, explore};
use deferred_sync::{DeferredLock, DeferredSemaphore};
use loom::thread;

#[test]
fn release_against_acquire() {
    explore("release against acquire", Bound::None, 8, || {
        let semaphore = DeferredSemaphore::new(1);
        let permit = semaphore.try_acquire().unwrap();
        let releaser = thread::spawn(move || drop(permit));
        let mut waiter = semaphore.acquire();
        releaser.join().unwrap();
        assert!(waiter.try_take().unwrap().is_ok());
        assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
    });
}

#[test]
fn release_against_drop_of_the_first_of_two() {
    explore("release against drop of the first of two", Bound::None, 20, || {
        let semaphore = DeferredSemaphore::new(1);
        let permit = semaphore.try_acquire().unwrap();
        let (first, mut second) = (semaphore.acquire(), semaphore.acquire());
        let releaser = thread::spawn(move || drop(permit));
        drop(first);
        releaser.join().unwrap();
        assert!(second.try_take().unwrap().is_ok());
        assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
    });
}

#[test]
fn two_releases_for_a_large_request() {
    explore("two releases for a large request", Bound::Preemptions(3), 100, || {
        let semaphore = DeferredSemaphore::new(2);
        let permits = [(); 2].map(|()| semaphore.try_acquire().unwrap());
        let mut large = semaphore.acquire_many(2);
        let releasers = permits.map(|permit| thread::spawn(move || drop(permit)));
        // Nobody gets past the one who waits.
        assert!(semaphore.try_acquire().is_none() || large.try_take().is_some());
        for releaser in releasers {
            releaser.join().unwrap();
        }
        assert_eq!(semaphore.waiting(), 0);
        drop(large);
        assert_eq!(semaphore.available(), 2);
    });
}

#[test]
fn close_against_acquire() {
    explore("close against acquire", Bound::None, 5, || {
        let semaphore = DeferredSemaphore::new(0);
        let other = semaphore.clone();
        let closer = thread::spawn(move || other.close());
        let mut waiter = semaphore.acquire();
        closer.join().unwrap();
        assert!(waiter.try_take().unwrap().unwrap_err().is_closed());
    });
}

#[test]
fn a_lower_limit_against_release() {
    explore("a lower limit against release", Bound::None, 20, || {
        let semaphore = DeferredSemaphore::new(2);
        let permit = semaphore.try_acquire_many(2).unwrap();
        let releaser = thread::spawn(move || drop(permit));
        semaphore.set_limit(1).unwrap();
        releaser.join().unwrap();
        assert_eq!((semaphore.available(), semaphore.limit()), (1, 1));
    });
}

#[test]
fn two_threads_in_a_lock() {
    explore("two threads in a lock", Bound::Preemptions(4), 20, || {
        let lock = DeferredLock::new(0);
        let other = lock.clone();
        let adder = thread::spawn(move || other.run(|n| *n += 1).detach());
        lock.run(|n| *n += 10).detach();
        adder.join().unwrap();
        assert_eq!(lock.into_inner().unwrap(), 11);
    });
}

#[test]
fn release_of_a_lock_against_drop_of_the_waiter() {
    explore("release of a lock against drop of the waiter", Bound::None, 20, || {
        let lock = DeferredLock::new(());
        let guard = lock.try_acquire().unwrap();
        let waiter = lock.acquire();
        let releaser = thread::spawn(move || drop(guard));
        drop(waiter);
        releaser.join().unwrap();
        assert!(!lock.is_locked() && lock.waiting() == 0);
    });
}

//! Models of more tasks than loom can do, under some thousands of schedules each.
//!
//! ```sh
//! RUSTFLAGS="--cfg shuttle" cargo test --release --features shuttle -p deferred-sync --test shuttle
//! ```
#![cfg(shuttle)]

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::shuffle;
use deferred_sync::{DeferredLock, DeferredSemaphore};
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn tasks_that_ask_for_one_or_two_leave_and_change_the_limit() {
    shuffle("tasks that ask for one or two, leave and change the limit", 6000, || {
        let (semaphore, inside) = (DeferredSemaphore::new(2), Arc::new(AtomicUsize::new(0)));
        let mut threads: Vec<_> = (0..4)
            .map(|n| {
                let (semaphore, inside) = (semaphore.clone(), inside.clone());
                thread::spawn(move || {
                    let permit = block_on(semaphore.acquire_many(1 + n % 2)).unwrap();
                    let before = inside.fetch_add(permit.count(), Ordering::Relaxed);
                    assert!(before + permit.count() <= 3, "the highest limit");
                    thread::yield_now();
                    inside.fetch_sub(permit.count(), Ordering::Relaxed);
                })
            })
            .collect();
        let leaving = semaphore.clone();
        threads.push(thread::spawn(move || {
            let (mut first, second) = (leaving.acquire_many(2), leaving.acquire());
            first.handle().cancel();
            drop(second);
            drop(first.try_take());
        }));
        let changing = semaphore.clone();
        threads.push(thread::spawn(move || {
            changing.set_limit(3).unwrap();
            changing.set_limit(2).unwrap();
        }));
        join(threads);
        assert_eq!((semaphore.available(), semaphore.limit(), semaphore.waiting()), (2, 2, 0));
    });
}

/// Nothing is released that would hide it when those behind are not told.
#[test]
fn a_large_request_that_leaves_lets_those_behind_it_go_on() {
    shuffle("a large request that leaves", 6000, || {
        let semaphore = DeferredSemaphore::new(2);
        let held = semaphore.try_acquire().unwrap();
        let leaving = semaphore.clone();
        let mut threads = vec![thread::spawn(move || {
            for _ in 0..2 {
                let large = leaving.acquire_many(2);
                thread::yield_now();
                drop(large);
            }
        })];
        for _ in 0..3 {
            let semaphore = semaphore.clone();
            threads.push(thread::spawn(move || drop(block_on(semaphore.acquire()).unwrap())));
        }
        join(threads);
        assert_eq!((semaphore.available(), semaphore.waiting(), held.count()), (1, 0, 1));
    });
}

#[test]
fn tasks_that_wait_when_it_is_closed() {
    shuffle("tasks that wait when it is closed", 6000, || {
        let semaphore = DeferredSemaphore::new(1);
        let granted = Arc::new(AtomicUsize::new(0));
        let mut threads: Vec<_> = (0..5)
            .map(|_| {
                let (semaphore, granted) = (semaphore.clone(), granted.clone());
                thread::spawn(move || match block_on(semaphore.acquire()) {
                    Ok(_permit) => _ = granted.fetch_add(1, Ordering::Relaxed),
                    Err(failure) => assert!(failure.is_closed()),
                })
            })
            .collect();
        let closing = semaphore.clone();
        threads.push(thread::spawn(move || closing.close()));
        join(threads);
        assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
        assert!(semaphore.is_closed() && granted.load(Ordering::Relaxed) <= 5);
    });
}

#[test]
fn tasks_in_a_lock_see_what_those_before_them_did() {
    shuffle("tasks in a lock", 6000, || {
        let lock = DeferredLock::new(0);
        let mut threads: Vec<_> = (0..4)
            .map(|_| {
                let lock = lock.clone();
                thread::spawn(move || {
                    let mut guard = block_on(lock.acquire()).unwrap();
                    let before = *guard;
                    thread::yield_now();
                    *guard = before + 1;
                })
            })
            .collect();
        let leaving = lock.clone();
        threads.push(thread::spawn(move || drop((leaving.acquire(), leaving.acquire()))));
        let running = lock.clone();
        threads.push(thread::spawn(move || running.run(|n| *n += 10).detach()));
        join(threads);
        assert_eq!(lock.into_inner().unwrap(), 14);
    });
}

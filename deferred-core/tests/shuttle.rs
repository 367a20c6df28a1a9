//! Models of more threads than loom can do, under some thousands of schedules each.
//!
//! ```sh
//! RUSTFLAGS="--cfg shuttle" cargo test --release --features shuttle -p deferred-core --test shuttle
//! ```
#![cfg(shuttle)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Drops, shuffle};
use deferred_core::{Deferred, WaitQueue};
use shuttle::future::block_on;
use shuttle::thread;

#[test]
fn a_chain_that_is_fired_cancelled_paused_and_awaited_at_once() {
    shuffle("a chain that is fired, cancelled, paused and awaited", 6000, || {
        let calls = Arc::new(AtomicUsize::new(0));
        let (resolver, mut d) = Deferred::<u8>::new();
        let (handle, other) = (d.handle(), d.handle());
        let count = calls.clone();
        let d = d.add_both(move |outcome| {
            count.fetch_add(1, Ordering::Relaxed);
            outcome
        });
        let threads = [
            thread::spawn(move || _ = resolver.callback(1)),
            thread::spawn(move || handle.cancel()),
            thread::spawn(move || {
                let outer = other.pause();
                drop(other.pause());
                drop(outer);
            }),
        ];
        let attached = thread::spawn(move || d.add_both(|outcome| outcome));
        let outcome = block_on(attached.join().unwrap());
        assert!(outcome.map_or_else(|failure| failure.is_cancelled(), |n| n == 1));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn chains_that_wait_for_one_another_while_they_fire_and_go() {
    shuffle("chains that wait for one another", 6000, || {
        let drops = Drops::new();
        let (resolvers, mut all): (Vec<_>, Vec<_>) = (0..4).map(|_| Deferred::<u8>::new()).unzip();
        let mut last = all.pop().unwrap();
        while let Some(outer) = all.pop() {
            let (inner, owned) = (last, drops.value());
            last = outer.add_callback(move |_| {
                drop(owned);
                inner
            });
        }
        let handle = last.handle();
        let mut threads: Vec<_> =
            resolvers.into_iter().map(|resolver| thread::spawn(move || _ = resolver.callback(5))).collect();
        threads.push(thread::spawn(move || handle.cancel()));
        let outcome = block_on(last);
        assert!(outcome.map_or_else(|failure| failure.is_cancelled(), |n| n == 5));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(drops.count(), 3);
    });
}

#[test]
fn waiters_that_are_popped_leave_and_fail_at_once() {
    shuffle("waiters that are popped, leave and fail", 6000, || {
        let queue = WaitQueue::<u8>::new(());
        let waiters: Vec<_> = (0..4).map(|_| queue.push(())).collect();
        let popper = {
            let queue = queue.clone();
            thread::spawn(move || (0..2).filter_map(|_| queue.pop()).for_each(|r| _ = r.callback(1)))
        };
        let threads: Vec<_> = waiters
            .into_iter()
            .enumerate()
            .map(|(n, d)| {
                thread::spawn(move || match n {
                    1 => drop(d),
                    _ => assert!(block_on(d).map_or_else(|failure| failure.is_closed(), |n| n == 1)),
                })
            })
            .collect();
        popper.join().unwrap();
        queue.fail_all();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(queue.is_empty());
    });
}

//! Models of more tasks than loom can do, under some thousands of schedules each.
//!
//! ```sh
//! RUSTFLAGS="--cfg shuttle" cargo test --release --features shuttle -p deferred-queue --test shuttle
//! ```
#![cfg(shuttle)]

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::sync::{Arc, Mutex};

use common::shuffle;
use deferred_queue::DeferredQueue;
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn putters_and_getters_of_a_small_queue() {
    shuffle("putters and getters of a small queue", 6000, || {
        let queue = DeferredQueue::builder().size(1).build();
        let got = Arc::new(Mutex::new(Vec::new()));
        let putters = (0..3).map(|side| {
            let queue = queue.clone();
            thread::spawn(move || (0..2).for_each(|n| block_on(queue.put_when_room((side, n))).unwrap()))
        });
        let mut threads: Vec<_> = putters.collect();
        for _ in 0..3 {
            let (queue, got) = (queue.clone(), got.clone());
            threads.push(thread::spawn(move || {
                for _ in 0..2 {
                    let item = block_on(queue.get()).unwrap();
                    got.lock().unwrap().push(item);
                }
            }));
        }
        let leaving = queue.clone();
        threads.push(thread::spawn(move || drop((leaving.get(), leaving.put_when_room((9, 9))))));
        join(threads);
        // Who left with an item that he had put, or got, took none of the others'.
        let mut got = std::mem::take(&mut *got.lock().unwrap());
        got.extend(queue.drain());
        got.retain(|(side, _)| *side != 9);
        got.sort_unstable();
        assert_eq!(got, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
        assert_eq!((queue.waiting(), queue.waiting_for_room()), (0, 0));
    });
}

#[test]
fn one_getter_sees_the_items_of_each_putter_in_order() {
    shuffle("one getter", 4000, || {
        let queue = DeferredQueue::<(usize, u8)>::builder().size(2).build();
        let putters: Vec<_> = (0..3)
            .map(|side| {
                let queue = queue.clone();
                thread::spawn(move || (0..2).for_each(|n| block_on(queue.put_when_room((side, n))).unwrap()))
            })
            .collect();
        let mut next = [0; 3];
        for _ in 0..6 {
            let (side, n) = block_on(queue.get()).unwrap();
            assert_eq!(n, next[side]);
            next[side] += 1;
        }
        join(putters);
    });
}

#[test]
fn a_queue_that_is_drained_and_closed_among_putters_and_getters() {
    shuffle("a queue that is drained and closed", 6000, || {
        let queue = DeferredQueue::builder().size(1).build();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut threads = Vec::new();
        for n in 0..3 {
            let (queue, seen) = (queue.clone(), seen.clone());
            threads.push(thread::spawn(move || {
                if let Err(failure) = block_on(queue.put_when_room(n)) {
                    seen.lock().unwrap().push(failure.into_error().unwrap().into_inner());
                }
            }));
        }
        for _ in 0..2 {
            let (queue, seen) = (queue.clone(), seen.clone());
            threads.push(thread::spawn(move || match block_on(queue.get()) {
                Ok(n) => seen.lock().unwrap().push(n),
                Err(failure) => assert!(failure.is_closed()),
            }));
        }
        let (closing, drained) = (queue.clone(), seen.clone());
        threads.push(thread::spawn(move || {
            let items = closing.drain();
            drained.lock().unwrap().extend(items);
            closing.close();
        }));
        join(threads);
        let mut seen = std::mem::take(&mut *seen.lock().unwrap());
        seen.extend(queue.drain());
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    });
}

//! Models of the queue.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release --features loom -p deferred-queue --test loom
//! ```
#![cfg(loom)]

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use common::{Bound, explore};
use deferred_queue::DeferredQueue;
use loom::thread;

#[test]
fn put_against_get() {
    explore("put against get", Bound::None, 5, || {
        let queue = DeferredQueue::<u8>::new();
        let other = queue.clone();
        let putter = thread::spawn(move || other.put(1).unwrap());
        let mut item = queue.get();
        putter.join().unwrap();
        assert_eq!(item.try_take(), Some(Ok(1)));
        assert_eq!((queue.len(), queue.waiting()), (0, 0));
    });
}

#[test]
fn put_against_drop_of_the_getter() {
    explore("put against drop of the getter", Bound::None, 20, || {
        let queue = DeferredQueue::<u8>::new();
        let getter = queue.get();
        let other = queue.clone();
        let putter = thread::spawn(move || other.put(1).unwrap());
        drop(getter);
        putter.join().unwrap();
        assert_eq!((queue.try_get(), queue.waiting()), (Some(1), 0));
    });
}

#[test]
fn a_ready_getter_dropped_against_get() {
    explore("a ready getter dropped against get", Bound::None, 5, || {
        let queue = DeferredQueue::<u8>::new();
        queue.put(1).unwrap();
        let ready = queue.get();
        let other = queue.clone();
        let getter = thread::spawn(move || other.get());
        drop(ready);
        let mut item = getter.join().unwrap();
        assert_eq!(item.try_take(), Some(Ok(1)));
    });
}

#[test]
fn close_against_put_and_get() {
    explore("close against put and get", Bound::Preemptions(3), 50, || {
        let queue = DeferredQueue::<u8>::new();
        let (closed, put) = (queue.clone(), queue.clone());
        let closer = thread::spawn(move || closed.close());
        let putter = thread::spawn(move || put.put(1).is_ok());
        let mut item = queue.get();
        closer.join().unwrap();
        let accepted = putter.join().unwrap();
        match item.try_take().unwrap() {
            Ok(item) => assert!(accepted && item == 1),
            Err(failure) => assert!(failure.is_closed()),
        }
        // What was accepted and not got is still there.
        let _ = queue.try_get();
        assert!(queue.is_empty());
    });
}

#[test]
fn get_against_drop_of_who_waits_for_room() {
    explore("get against drop of who waits for room", Bound::None, 20, || {
        let queue = DeferredQueue::<u8>::builder().size(1).build();
        queue.put(1).unwrap();
        let waiter = queue.put_when_room(2);
        let other = queue.clone();
        let getter = thread::spawn(move || other.try_get());
        drop(waiter);
        assert_eq!(getter.join().unwrap(), Some(1));
        assert_eq!(queue.waiting_for_room(), 0);
        let _ = queue.try_get();
        assert!(queue.is_empty());
    });
}

/// As many items as are put come out, each once, whoever gets them.
#[test]
fn two_putters_and_a_getter_that_leaves() {
    explore("two putters and a getter that leaves", Bound::Preemptions(2), 100, || {
        let queue = DeferredQueue::<u8>::new();
        let (gone, mut kept) = (queue.get(), queue.get());
        let putters = [1, 2].map(|item| {
            let queue = queue.clone();
            thread::spawn(move || queue.put(item).unwrap())
        });
        drop(gone);
        for putter in putters {
            putter.join().unwrap();
        }
        let got = kept.try_take().unwrap().unwrap();
        assert_eq!((got + queue.try_get().unwrap(), queue.len()), (3, 0));
    });
}

//! Units that come back and are handed on to a task, in the exchange that takes it out of the queue, against all that the
//! task, or who shares it, may do in that moment.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::Poll;

use deferred_core::{Deferred, WaitQueue};
use loom::thread;

use super::queue::{Gate, Permit, acquire};
use crate::common::{Bound, CountWaker, explore, poll_with as poll};

type Queue = WaitQueue<Permit, Infallible, Gate>;

/// A queue with so many units, `n` of which are held, and a task that waits for as many.
fn contended<const WAKERS: usize>(units: usize, n: usize) -> (Queue, Permit, Deferred<Permit>, Wakers<WAKERS>) {
    let queue = WaitQueue::with_units(Gate, units).unwrap();
    let held = acquire(&queue, n).try_take().unwrap().unwrap();
    let mut waiter = acquire(&queue, n);
    let wakers = Wakers(std::array::from_fn(|_| CountWaker::new()));
    assert!(wakers.0.iter().all(|(_, waker)| poll(&mut waiter, waker).is_pending()));
    (queue, held, waiter, wakers)
}

/// The wakers that a task was polled with, one after another.
struct Wakers<const N: usize>([(Arc<CountWaker>, std::task::Waker); N]);

impl<const N: usize> Wakers<N> {
    /// None of them is left anywhere else.
    fn are_gone(self) {
        for (wakes, waker) in self.0 {
            drop(waker);
            assert_eq!(Arc::strong_count(&wakes), 1);
        }
    }
}

/// Whatever becomes of the task, the one behind it has the unit then.
/// With a waker that has been replaced it takes two exchanges, so each model is there twice.
fn handing_on_against(what: &str, end: fn(Deferred<Permit>)) {
    against::<1>(what, end);
    against::<2>(what, end);
}

fn against<const WAKERS: usize>(what: &str, end: fn(Deferred<Permit>)) {
    explore(&format!("handing on against {what}, waker {WAKERS}"), Bound::Preemptions(3), 20, move || {
        let (queue, held, waiter, wakers) = contended::<WAKERS>(1, 1);
        let (wakes, waker) = CountWaker::new();
        let mut behind = acquire(&queue, 1);
        assert!(poll(&mut behind, &waker).is_pending());
        let releaser = thread::spawn(move || drop(held));
        end(waiter);
        releaser.join().unwrap();
        assert_eq!(wakes.count(), 1);
        assert!(matches!(poll(&mut behind, &waker), Poll::Ready(Ok(_))));
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
        wakers.are_gone();
    });
}

#[test]
fn handing_on_against_drop() {
    handing_on_against("drop", drop);
}

/// The tail is a function then, and not a waker.
#[test]
fn handing_on_against_detaching() {
    handing_on_against("detaching", Deferred::detach);
}

/// The tail is another Deferred then, and not a waker.
#[test]
fn handing_on_against_a_link() {
    handing_on_against("a link", |waiter| {
        let (resolver, outer) = Deferred::<()>::new();
        let outer = outer.add_callback(move |()| waiter);
        resolver.callback(()).unwrap();
        drop(outer);
    });
}

#[test]
fn handing_on_against_a_cancel_by_handle() {
    handing_on_against("a cancel by handle", |mut waiter| waiter.handle().cancel());
}

/// The last waker is woken: also one that has been replaced once, and may be replaced again and look the same.
#[test]
fn handing_on_against_another_waker() {
    another_waker::<1>();
    another_waker::<2>();
}

fn another_waker<const WAKERS: usize>() {
    explore(&format!("handing on against waker {}", WAKERS + 1), Bound::Preemptions(5), 20, || {
        let (queue, held, mut waiter, wakers) = contended::<WAKERS>(1, 1);
        let (wakes, waker) = CountWaker::new();
        let releaser = thread::spawn(move || drop(held));
        let ready = poll(&mut waiter, &waker).is_ready();
        releaser.join().unwrap();
        if !ready {
            assert!(
                wakes.count() == 1 && wakers.0.iter().all(|(wakes, _)| wakes.count() == 0),
                "the last one is woken"
            );
            assert!(matches!(poll(&mut waiter, &waker), Poll::Ready(Ok(_))));
        }
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
        wakers.are_gone();
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1);
    });
}

/// The task has the only handle then, and drops it while the lock may still be held.
#[test]
fn handing_on_against_the_end_of_the_queue() {
    end_of_queue("", 1, 1, 8);
}

/// As above, and a unit is free that newcomers must see, so that the list gives its own handle up as well.
#[test]
fn handing_on_beside_a_free_unit_against_the_end_of_the_queue() {
    end_of_queue(" beside a free unit", 3, 2, 50);
}

fn end_of_queue(beside: &str, units: usize, n: usize, least: usize) {
    explore(&format!("handing on{beside} against the end of the queue"), Bound::None, least, move || {
        let (queue, held, mut waiter, wakers) = contended::<1>(units, n);
        drop(queue);
        let releaser = thread::spawn(move || drop(held));
        // Not when it is woken, but as soon as it can.
        while poll(&mut waiter, &wakers.0[0].1).is_pending() {
            thread::yield_now();
        }
        releaser.join().unwrap();
    });
}

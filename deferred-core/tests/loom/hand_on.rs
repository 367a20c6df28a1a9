//! Units that come back and are handed on to a task, in the exchange that takes it out of the queue, against all that the
//! task, or who shares it, may do in that moment.

use std::sync::Arc;
use std::task::Poll;

use deferred_core::{Deferred, WaitQueue};
use loom::thread;

use super::queue::{Gate, Permit, acquire};
use crate::common::{Bound, CountWaker, explore, poll_with as poll};

#[test]
fn handing_on_against_drop() {
    explore("handing on against drop", Bound::Preemptions(8), 50, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let (wakes, waker) = CountWaker::new();
        let mut waiter = acquire(&queue, 1);
        assert!(poll(&mut waiter, &waker).is_pending());
        let releaser = thread::spawn(move || drop(held));
        drop(waiter);
        releaser.join().unwrap();
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1);
    });
}

#[test]
fn handing_on_against_drop_with_another_behind() {
    explore("handing on against drop, with another behind", Bound::Preemptions(4), 100, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let (wakes, waker) = CountWaker::new();
        let (mut first, mut second) = (acquire(&queue, 1), acquire(&queue, 1));
        assert!(poll(&mut first, &waker).is_pending() && poll(&mut second, &waker).is_pending());
        let releaser = thread::spawn(move || drop(held));
        drop(first);
        releaser.join().unwrap();
        assert!(matches!(poll(&mut second, &waker), Poll::Ready(Ok(_))));
        assert!(wakes.count() > 0, "the second was woken");
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
    });
}

#[test]
fn handing_on_against_another_waker() {
    explore("handing on against another waker", Bound::Preemptions(8), 20, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let ((first, first_waker), (second, second_waker)) = (CountWaker::new(), CountWaker::new());
        let mut waiter = acquire(&queue, 1);
        assert!(poll(&mut waiter, &first_waker).is_pending());
        let releaser = thread::spawn(move || drop(held));
        let ready = poll(&mut waiter, &second_waker).is_ready();
        releaser.join().unwrap();
        if !ready {
            assert_eq!((first.count(), second.count()), (0, 1), "the last one is woken");
            assert!(matches!(poll(&mut waiter, &second_waker), Poll::Ready(Ok(_))));
        }
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
        drop((first_waker, second_waker));
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 1));
    });
}

/// With a waker that has been replaced it takes two exchanges.
#[test]
fn handing_on_to_a_replaced_waker_against_whatever_ends_its_task() {
    let ends: [(&str, fn(Deferred<Permit>)); 4] = [
        ("drop", drop),
        ("detaching", Deferred::detach),
        ("a cancel by handle", |mut waiter| waiter.handle().cancel()),
        ("a link", |waiter| {
            let (resolver, outer) = Deferred::<()>::new();
            let outer = outer.add_callback(move |()| waiter);
            resolver.callback(()).unwrap();
            drop(outer);
        }),
    ];
    for (name, end) in ends {
        explore(&format!("handing on to a replaced waker against {name}"), Bound::Preemptions(3), 20, move || {
            let queue = WaitQueue::with_units(Gate, 1).unwrap();
            let held = queue.try_take(1).unwrap();
            let wakers = [CountWaker::new(), CountWaker::new()];
            let mut waiter = acquire(&queue, 1);
            assert!(wakers.iter().all(|(_, waker)| poll(&mut waiter, waker).is_pending()));
            let mut behind = acquire(&queue, 1);
            assert!(poll(&mut behind, &wakers[0].1).is_pending());
            let releaser = thread::spawn(move || drop(held));
            end(waiter);
            releaser.join().unwrap();
            assert!(matches!(poll(&mut behind, &wakers[0].1), Poll::Ready(Ok(_))));
            assert_eq!((queue.free_units(), queue.len()), (1, 0));
            for (wakes, waker) in wakers {
                drop(waker);
                assert_eq!(Arc::strong_count(&wakes), 1);
            }
        });
    }
}

/// A waker that has been replaced once may be replaced again and look the same.
#[test]
fn handing_on_against_a_third_waker() {
    explore("handing on against a third waker", Bound::Preemptions(5), 20, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let wakers = [CountWaker::new(), CountWaker::new(), CountWaker::new()];
        let mut waiter = acquire(&queue, 1);
        assert!(wakers[..2].iter().all(|(_, waker)| poll(&mut waiter, waker).is_pending()));
        let releaser = thread::spawn(move || drop(held));
        let ready = poll(&mut waiter, &wakers[2].1).is_ready();
        releaser.join().unwrap();
        if !ready {
            assert_eq!(wakers.each_ref().map(|(wakes, _)| wakes.count()), [0, 0, 1], "the last one is woken");
            assert!(matches!(poll(&mut waiter, &wakers[2].1), Poll::Ready(Ok(_))));
        }
        for (wakes, waker) in wakers {
            drop(waker);
            assert_eq!(Arc::strong_count(&wakes), 1);
        }
    });
}

/// The tail is another Deferred then, and not a waker.
#[test]
fn handing_on_against_a_link() {
    explore("handing on against a link", Bound::Preemptions(4), 50, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let (wakes, waker) = CountWaker::new();
        let mut waiter = acquire(&queue, 1);
        assert!(poll(&mut waiter, &waker).is_pending());
        let releaser = thread::spawn(move || drop(held));
        let (resolver, outer) = Deferred::<()>::new();
        let mut outer = outer.add_callback(move |()| waiter);
        resolver.callback(()).unwrap();
        releaser.join().unwrap();
        assert!(outer.try_take().unwrap().is_ok());
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1);
    });
}

/// The tail is a function then, and not a waker.
#[test]
fn handing_on_against_detaching() {
    explore("handing on against detaching", Bound::Preemptions(4), 20, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let (wakes, waker) = CountWaker::new();
        let mut waiter = acquire(&queue, 1);
        assert!(poll(&mut waiter, &waker).is_pending());
        let releaser = thread::spawn(move || drop(held));
        waiter.detach();
        releaser.join().unwrap();
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1);
    });
}

#[test]
fn handing_on_against_a_cancel_by_handle() {
    explore("handing on against a cancel by handle", Bound::Preemptions(5), 50, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let (wakes, waker) = CountWaker::new();
        let mut waiter = acquire(&queue, 1);
        assert!(poll(&mut waiter, &waker).is_pending());
        let handle = waiter.handle();
        let releaser = thread::spawn(move || drop(held));
        handle.cancel();
        releaser.join().unwrap();
        let Poll::Ready(outcome) = poll(&mut waiter, &waker) else { panic!("neither granted nor cancelled") };
        assert_eq!(wakes.count(), 1);
        drop(outcome);
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
    });
}

/// The task has the only handle then, and drops it while the lock may still be held.
#[test]
fn handing_on_against_the_end_of_the_queue() {
    explore("handing on against the end of the queue", Bound::None, 8, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let (_wakes, waker) = CountWaker::new();
        let mut waiter = acquire(&queue, 1);
        assert!(poll(&mut waiter, &waker).is_pending());
        drop(queue);
        let releaser = thread::spawn(move || drop(held));
        // Not when it is woken, but as soon as it can.
        while poll(&mut waiter, &waker).is_pending() {
            thread::yield_now();
        }
        releaser.join().unwrap();
    });
}

/// As above, and a unit is free that newcomers must see, so that the list gives its own handle up as well.
#[test]
fn handing_on_beside_a_free_unit_against_the_end_of_the_queue() {
    explore("handing on beside a free unit against the end of the queue", Bound::None, 50, || {
        let queue = WaitQueue::with_units(Gate, 3).unwrap();
        let held = queue.try_take(2).unwrap();
        let (_wakes, waker) = CountWaker::new();
        let mut waiter = acquire(&queue, 2);
        assert!(poll(&mut waiter, &waker).is_pending());
        drop(queue);
        let releaser = thread::spawn(move || drop(held));
        // Not when it is woken, but as soon as it can.
        while poll(&mut waiter, &waker).is_pending() {
            thread::yield_now();
        }
        releaser.join().unwrap();
    });
}

#[test]
fn a_free_unit_is_seen_when_nobody_waits_any_more() {
    explore("a free unit is seen when nobody waits any more", Bound::None, 1, || {
        let queue = WaitQueue::with_units(Gate, 3).unwrap();
        let held = queue.try_take(2).unwrap();
        let (_wakes, waker) = CountWaker::new();
        let mut waiter = acquire(&queue, 2);
        assert!(poll(&mut waiter, &waker).is_pending());
        thread::spawn(move || drop(held)).join().unwrap();
        assert!(queue.try_take(1).is_some());
        assert!(matches!(poll(&mut waiter, &waker), Poll::Ready(Ok(_))));
        assert_eq!((queue.free_units(), queue.len()), (3, 0));
    });
}

//! Joins among panics and calls from inside of calls, and on many threads.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use crate::common::{Drops, HookWaker, poll_once, poll_with, watchdog};
use crate::helpers::{Fail, fire, pending};
use deferred_core::{Deferred, FailureKind, Outcome, Paused};
use deferred_list::{DeferredList, first_fired, race};
use deferred_queue::{DeferredQueue, QueueUnderflow};
use deferred_sync::DeferredSemaphore;

// Panics.

#[test]
fn a_child_that_panics_is_a_failure_among_others() {
    let broken = Deferred::<u8, Fail>::succeed(1).add_callback(|_| -> Outcome<u8, Fail> { panic!("mine") });
    let outcomes = DeferredList::new([broken, Deferred::succeed(2)]).into_deferred().wait().unwrap();
    assert!(matches!(outcomes[0].as_ref().unwrap_err().kind(), FailureKind::Panicked(_)));
    assert_eq!(outcomes[1], Ok(2));
}

#[test]
fn a_canceller_that_panics_does_not_keep_the_others_from_being_cancelled() {
    let (_first, bad) = Deferred::<u8, Fail>::with_canceller(|_| panic!("a bad canceller"));
    let (second, other) = Deferred::new();
    let (winner, good) = Deferred::new();
    let mut d = race([bad, other, good]);
    winner.callback(7).unwrap();
    assert!(second.is_cancelled());
    assert_eq!(d.try_take(), Some(Ok((2, 7))));
}

#[test]
fn values_whose_drop_panics_are_all_dropped_once() {
    let drops = Drops::new();
    let (first, a) = Deferred::<crate::common::DropBomb, Fail>::new();
    let (second, b) = Deferred::new();
    let (_third, c) = Deferred::new();
    let list = DeferredList::new([a, b, c]);
    assert!(first.callback(drops.bomb()).is_ok());
    assert!(second.callback(drops.bomb()).is_ok());
    drop(list);
    assert_eq!(drops.count(), 2);
}

#[test]
fn a_panicking_waker_does_not_reach_whoever_fires() {
    let (mut resolvers, children) = pending(1);
    let mut list = DeferredList::new(children);
    let waker = HookWaker::new().on_wake(|| panic!("a bad waker")).waker();
    assert!(poll_with(&mut list, &waker).is_pending());
    fire(&mut resolvers[0], Ok(1));
    assert_eq!(poll_once(&mut list), Poll::Ready(vec![Ok(1)]));
}

#[test]
fn a_panic_while_children_are_made_cancels_those_made_before() {
    let semaphore = DeferredSemaphore::new(0);
    let waiting = semaphore.clone();
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        DeferredList::new((0..3).map(|n| if n < 2 { waiting.acquire() } else { panic!("the third") }))
    }));
    assert!(made.is_err());
    assert_eq!(semaphore.waiting(), 0);
}

// Re-entrancy.

#[test]
fn a_canceller_may_fire_other_children_of_the_same_join() {
    watchdog(|| {
        let (second, b) = Deferred::<u8, Fail>::new();
        let (_first, a) = Deferred::<u8, Fail>::with_canceller(move |c| {
            second.callback(2).unwrap();
            c.done()
        });
        let mut list = DeferredList::new([a, b]).into_deferred();
        list.handle().cancel();
        assert!(list.try_take().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_callback_of_a_child_may_cancel_the_list() {
    watchdog(|| {
        let (resolver, child) = Deferred::<u8, Fail>::new();
        let (other, second) = Deferred::<u8, Fail>::new();
        let cancel = Arc::new(std::sync::Mutex::new(None::<deferred_core::Handle>));
        let slot = cancel.clone();
        let child = child.add_callback(move |n| {
            slot.lock().unwrap().take().unwrap().cancel();
            Ok(n)
        });
        let mut list = DeferredList::new([child, second]).into_deferred();
        *cancel.lock().unwrap() = Some(list.handle());
        resolver.callback(1).unwrap();
        assert!(other.is_cancelled());
        assert!(list.try_take().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_waker_may_drop_the_list_it_wakes() {
    watchdog(|| {
        let (mut resolvers, children) = pending(2);
        let list = Arc::new(std::sync::Mutex::new(Some(DeferredList::new(children))));
        let slot = list.clone();
        let waker = HookWaker::new().on_wake(move || drop(slot.lock().unwrap().take())).waker();
        assert!(poll_with(list.lock().unwrap().as_mut().unwrap(), &waker).is_pending());
        fire(&mut resolvers[1], Ok(1));
        fire(&mut resolvers[0], Ok(1));
        assert!(list.lock().unwrap().is_none());
    });
}

// Stress.

#[test]
fn children_that_fire_on_many_threads_are_each_counted_once() {
    const CHILDREN: usize = 400;
    for round in 0..20 {
        let (resolvers, children): (Vec<_>, Vec<_>) = (0..CHILDREN).map(|_| Deferred::<usize>::new()).unzip();
        let list = DeferredList::new(children);
        let progress = list.progress();
        let mut sides: Vec<Vec<_>> = (0..3).map(|_| Vec::new()).collect();
        for (n, resolver) in resolvers.into_iter().enumerate() {
            sides[n % 3].push((n, resolver));
        }
        let threads: Vec<_> = sides
            .into_iter()
            .map(|side| {
                thread::spawn(move || {
                    for (n, resolver) in side {
                        let _ = resolver.callback(n);
                    }
                })
            })
            .collect();
        if round % 2 == 0 {
            let outcomes = list.into_deferred().wait().unwrap();
            assert!(outcomes.into_iter().map(|outcome| outcome.unwrap()).eq(0..CHILDREN));
            assert_eq!(progress.get(), (CHILDREN, CHILDREN));
        } else {
            drop(list);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn racers_on_many_threads_have_one_winner() {
    for _ in 0..200 {
        let (resolvers, children): (Vec<_>, Vec<_>) = (0..3).map(|_| Deferred::<usize, Infallible>::new()).unzip();
        let d = race(children);
        let told = AtomicUsize::new(0);
        thread::scope(|scope| {
            for (n, resolver) in resolvers.into_iter().enumerate() {
                let told = &told;
                scope.spawn(move || {
                    if resolver.callback(n).is_ok() {
                        told.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        let (winner, value) = d.wait().unwrap();
        assert_eq!(winner, value);
        assert!(told.into_inner() >= 1);
    }
}

#[test]
fn what_happens_as_the_winner_is_taken_changes_nothing() {
    /// Two children, the first of which closes its queue when it is taken, which makes the second one fire.
    fn children() -> (DeferredQueue<u8>, Paused, [Deferred<u8, QueueUnderflow>; 2]) {
        let queue = DeferredQueue::new();
        let (resolver, second) = Deferred::new();
        let mut first = queue.get();
        let hears = queue.get().add_both(move |_| {
            resolver.callback(2).unwrap();
            Ok(0)
        });
        hears.detach();
        let paused = first.pause();
        queue.put(1).unwrap();
        (queue, paused, [first, second])
    }

    let (queue, paused, all) = children();
    let mut d = race(all);
    drop(queue);
    drop(paused);
    assert_eq!(d.try_take(), Some(Ok((0, 1))));
    let (queue, paused, all) = children();
    let mut d = first_fired(all);
    drop(queue);
    drop(paused);
    assert_eq!(d.try_take(), Some(Ok((0, Ok(1)))));
}

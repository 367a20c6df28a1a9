//! `DeferredQueue` among panics and calls from inside of calls, and on many threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use crate::common::{CountWaker, Drops, HookWaker, OnDrop, panic_if_woken, poll_with, shown_to, watchdog};
use crate::helpers::{full_of, queue_of, value};
use deferred_core::FailureKind;
use deferred_queue::{Builder, DeferredPriorityQueue, DeferredQueue};

#[test]
fn a_writer_may_call_in() {
    let queue = full_of([1]);
    let waiting = queue.put_when_room(2);
    shown_to(queue.clone(), move || {
        assert_eq!(queue.len(), 1);
        drop(queue.put_when_room(3));
    });
    drop(waiting);
}

// Panics.

#[test]
fn a_panicking_look_leaves_the_item_where_it_is() {
    let queue = queue_of([1, 2]);
    let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| queue.peek(|_| panic!("no"))));
    assert!(looked.is_err());
    assert_eq!(queue.peek(|item| item.copied()), Some(1));
    assert_eq!(queue.drain(), [1, 2]);
}

/// An item whose comparisons panic while `armed`.
#[derive(Debug)]
struct Touchy {
    n: u8,
    armed: Arc<AtomicBool>,
}

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        assert!(!self.armed.load(Ordering::Relaxed), "this item is armed");
        self.n.cmp(&other.n)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.n == other.n
    }
}

impl Eq for Touchy {}

#[test]
fn a_panicking_comparison_runs_no_callback_under_the_lock() {
    watchdog(|| {
        let armed = Arc::new(AtomicBool::new(false));
        let item = |n| Touchy { n, armed: armed.clone() };
        let queue: DeferredPriorityQueue<Touchy> = Builder::default().size(2).build();
        queue.put(item(2)).unwrap();
        queue.put(item(1)).unwrap();
        let called = Arc::new(AtomicUsize::new(0));
        let (inside, count) = (queue.clone(), called.clone());
        let put = queue.put_when_room(item(3)).add_both(move |outcome| {
            count.store(inside.len(), Ordering::Relaxed);
            outcome
        });
        armed.store(true, Ordering::Relaxed);
        // It takes the first item and stores the one that waits, which is compared.
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| queue.try_get())).is_err());
        armed.store(false, Ordering::Relaxed);
        assert!(called.load(Ordering::Relaxed) >= 1, "the callback found the queue unlocked");
        drop(put);
        queue.put_when_room(item(4)).detach();
        assert!(!queue.drain().is_empty(), "the queue still works");
    });
}

#[test]
fn a_panicking_comparison_ends_a_look_too() {
    let armed = Arc::new(AtomicBool::new(false));
    let item = |n| Touchy { n, armed: armed.clone() };
    let queue: DeferredPriorityQueue<Touchy> = Builder::default().build();
    queue.put(item(2)).unwrap();
    queue.put(item(1)).unwrap();
    // The item that was looked at goes back among the others.
    let look = || queue.peek(|_| armed.store(true, Ordering::Relaxed));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).is_err());
    armed.store(false, Ordering::Relaxed);
    assert!(queue.try_get().is_some());
    let count = queue.len();
    assert_eq!(queue.drain().len(), count, "nobody looks any more");
}

#[test]
fn a_panicking_look_serves_those_who_came_to_wait_meanwhile() {
    let queue = queue_of([1]);
    let waiting = Mutex::new(None);
    let look = || {
        queue.peek(|_| {
            *waiting.lock().unwrap_or_else(|poison| poison.into_inner()) = Some(queue.get());
            panic!("no")
        })
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).is_err());
    let mut get = waiting.into_inner().unwrap_or_else(|poison| poison.into_inner()).unwrap();
    assert_eq!(value(&mut get), 1);
}

#[test]
fn a_panicking_callback_does_not_reach_put_and_those_behind_it_are_served() {
    let queue = DeferredQueue::new();
    let mut first = queue.get().add_callback(|_: u8| -> deferred_core::Outcome<(), _> { panic!("mine") });
    let mut second = queue.get();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    assert!(matches!(first.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Panicked(_)));
    assert_eq!(value(&mut second), 2);
}

#[test]
fn a_panicking_waker_does_not_reach_put_and_loses_nothing() {
    let queue = DeferredQueue::new();
    let mut gets = [queue.get(), queue.get()];
    let waker = HookWaker::new().on_wake(|| panic!("a bad waker")).waker();
    assert!(poll_with(&mut gets[0], &waker).is_pending());
    let (count, waker) = CountWaker::new();
    assert!(poll_with(&mut gets[1], &waker).is_pending());
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    assert_eq!(count.count(), 1);
    assert_eq!(gets.each_mut().map(value), [1, 2]);
}

#[test]
fn an_item_whose_drop_panics_does_not_keep_the_others_from_being_dropped() {
    let drops = Drops::new();
    let queue = DeferredQueue::builder().size(0).build();
    let puts = [queue.put_when_room(drops.bomb()), queue.put_when_room(drops.bomb())];
    drop(puts);
    assert_eq!(drops.count(), 2);
    assert_eq!(queue.waiting_for_room(), 0);
}

// Re-entrancy.

#[test]
fn every_method_may_be_called_while_an_item_is_looked_at() {
    watchdog(|| {
        let queue = full_of([1, 2]);
        let waiting = queue.peek(|item| {
            assert_eq!(item, Some(&1));
            assert_eq!(queue.len(), 2);
            assert!(queue.put(3).is_err(), "it counts as stored");
            assert_eq!(queue.try_get(), None);
            assert!(queue.drain().is_empty());
            assert_eq!(queue.peek(|item| item.copied()), None);
            assert!(format!("{queue:?}").contains("len: 2"));
            let get = queue.get();
            assert_eq!(queue.waiting(), 1);
            queue.close();
            get
        });
        assert_eq!(waiting.wait(), Ok(1), "it was still to come when the queue was closed");
        assert_eq!(queue.drain(), [2]);
    });
}

#[test]
fn a_closed_queue_takes_no_item_while_its_first_is_looked_at() {
    let queue = queue_of([1]);
    queue.close();
    queue.peek(|_| {
        assert!(queue.put(2).unwrap_err().is_closed());
        assert!(queue.put_when_room(3).try_take().unwrap().is_err());
    });
    assert_eq!(queue.drain(), [1]);
}

#[test]
fn the_second_item_is_not_to_be_had_while_the_first_is_looked_at_and_a_third_waits() {
    let queue = full_of([1, 2]);
    let mut put = queue.put_when_room(3);
    queue.peek(|_| assert_eq!(queue.try_get(), None));
    assert_eq!(put.try_take(), None);
    assert_eq!(queue.drain(), [1, 2, 3]);
    assert_eq!(put.try_take(), Some(Ok(())));
}

#[test]
fn a_look_at_more_than_fits_lets_those_behind_meet_when_it_ends() {
    let queue = DeferredQueue::builder().size(0).build();
    let get = queue.get();
    queue.put(1).unwrap();
    drop(get);
    // It went back, though there is no room for it.
    let (mut first, mut second, mut put) = queue.peek(|_| (queue.get(), queue.get(), queue.put_when_room(2)));
    assert_eq!((value(&mut first), value(&mut second)), (1, 2));
    assert_eq!(put.try_take(), Some(Ok(())));
}

#[test]
fn a_look_at_the_last_item_of_a_queue_that_gets_closed_fails_the_second_who_waits() {
    let queue = queue_of([1]);
    let [mut first, mut second] = queue.peek(|_| {
        let gets = [queue.get(), queue.get()];
        queue.close();
        gets
    });
    assert_eq!(value(&mut first), 1);
    assert!(second.try_take().unwrap().unwrap_err().is_closed());
}

#[test]
fn every_method_may_be_called_from_a_callback() {
    watchdog(|| {
        let queue = Arc::new(DeferredQueue::builder().size(1).build());
        let inner = queue.clone();
        let got = queue.get().add_callback(move |n: u8| {
            inner.put(n + 1).unwrap();
            let put = inner.put_when_room(n + 2);
            assert_eq!(inner.peek(|item| item.copied()), Some(n + 1));
            assert_eq!((inner.len(), inner.waiting(), inner.waiting_for_room()), (1, 0, 1));
            let get = inner.get();
            assert_eq!(get.wait(), Ok(n + 1));
            put.detach();
            inner.close();
            Ok(inner.drain())
        });
        queue.put(1).unwrap();
        assert_eq!(got.wait(), Ok(vec![3]));
    });
}

#[test]
fn every_method_may_be_called_from_a_waker() {
    watchdog(|| {
        let queue = Arc::new(DeferredQueue::new());
        let use_it = |queue: &Arc<DeferredQueue<u8>>| {
            let (queue, depth) = (queue.clone(), AtomicUsize::new(0));
            move || {
                if depth.fetch_add(1, Ordering::SeqCst) < 3 {
                    queue.put(5).unwrap();
                    drop(queue.get());
                    let _ = (queue.try_get(), queue.len(), queue.waiting());
                    drop(queue.get());
                }
            }
        };
        let waker = HookWaker::new().on_clone(use_it(&queue)).on_wake(use_it(&queue)).on_drop(use_it(&queue)).waker();
        let mut get = queue.get();
        // The clone of the waker puts an item: it is delivered while the poll is going on.
        let polled = poll_with(&mut get, &waker);
        queue.put(6).unwrap();
        let item = match polled {
            Poll::Ready(item) => item,
            Poll::Pending => get.wait(),
        };
        assert_eq!(item, Ok(5));
    });
}

#[test]
fn an_item_may_use_its_queue_when_it_is_dropped() {
    watchdog(|| {
        let queue = DeferredQueue::builder().size(0).build();
        let (again, seen) = (queue.clone(), Arc::new(AtomicUsize::new(9)));
        let note = seen.clone();
        let put = queue.put_when_room(Some(OnDrop::new(move || note.store(again.len(), Ordering::SeqCst))));
        drop(put);
        assert_eq!(seen.load(Ordering::SeqCst), 0);
        assert!(queue.try_get().is_none());
    });
}

#[test]
fn a_getter_is_not_woken_by_what_it_cannot_have() {
    let queue = DeferredQueue::new();
    let (mut first, mut second) = (queue.get(), queue.get());
    assert!(poll_with(&mut second, &panic_if_woken()).is_pending());
    queue.put(1).unwrap();
    assert_eq!(value(&mut first), 1);
    drop(queue.get());
    assert_eq!(queue.try_get(), None);
    drop(second);
}

// Stress.

#[test]
fn threads_that_put_get_and_cancel_lose_and_double_nothing() {
    const ITEMS: usize = 3000;
    let queue = DeferredQueue::builder().size(4).build();
    let got = Arc::new(Mutex::new(vec![Vec::new(), Vec::new()]));
    thread::scope(|scope| {
        let putters: Vec<_> = (0..2)
            .map(|side| {
                let queue = queue.clone();
                scope.spawn(move || {
                    for n in 0..ITEMS {
                        queue.put_when_room((side, n)).wait().unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            let (queue, got) = (queue.clone(), got.clone());
            scope.spawn(move || {
                for round in 0.. {
                    if round % 3 == 0 {
                        // Delivered or not, it is given up.
                        drop(queue.get());
                    }
                    let Ok((side, n)) = queue.get().wait() else { return };
                    got.lock().unwrap()[side].push(n);
                }
            });
        }
        putters.into_iter().for_each(|putter| putter.join().unwrap());
        while !queue.is_empty() {
            thread::yield_now();
        }
        queue.close();
    });
    let mut got = Arc::into_inner(got).unwrap().into_inner().unwrap();
    // One that was delivered to a get that was given up at the very end went back into the closed queue.
    for (side, n) in queue.drain() {
        got[side].push(n);
    }
    for mut side in got {
        side.sort_unstable();
        assert!(side.into_iter().eq(0..ITEMS));
    }
}

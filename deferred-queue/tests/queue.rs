//! `DeferredQueue`: what goes in comes out once, in order, to whoever asked first.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use common::{CountWaker, Drops, HookWaker, OnDrop, Trace, panic_if_woken, poll_once, poll_with, watchdog};
use deferred_core::{Deferred, FailureKind};
use deferred_queue::{DeferredQueue, QueueUnderflow};
use futures_lite::future;

type Get<T> = Deferred<T, QueueUnderflow>;

/// A queue with these items.
fn queue_of<T: Send + 'static>(items: impl IntoIterator<Item = T>) -> DeferredQueue<T> {
    let queue = DeferredQueue::new();
    items.into_iter().for_each(|item| queue.put(item).unwrap());
    queue
}

/// A bounded queue with these items.
fn full_of<T: Send + 'static, const N: usize>(items: [T; N]) -> DeferredQueue<T> {
    let queue = DeferredQueue::builder().size(N).build();
    items.into_iter().for_each(|item| queue.put(item).unwrap());
    queue
}

fn value<T: std::fmt::Debug>(get: &mut Get<T>) -> T {
    get.try_take().expect("it has fired").expect("an item was delivered")
}

// Smoke.

#[test]
fn stored_items_come_out_in_the_order_in_which_they_went_in() {
    let queue = queue_of([1, 2, 3]);
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.get().wait(), Ok(1));
    assert_eq!(queue.try_get(), Some(2));
    assert_eq!(future::block_on(queue.get()), Ok(3));
    assert!(queue.is_empty());
    assert_eq!(queue.try_get(), None);
}

#[test]
fn a_waiting_get_fires_with_the_next_item_before_put_returns() {
    let queue = DeferredQueue::new();
    let trace = Trace::new();
    let log = trace.clone();
    queue.get().add_callback(move |n: u8| Ok(log.log(format!("got {n}")))).detach();
    assert_eq!(queue.waiting(), 1);
    queue.put(7).unwrap();
    trace.expect(["got 7"]);
    assert_eq!((queue.waiting(), queue.len()), (0, 0));
}

#[test]
fn a_full_queue_gives_the_item_back() {
    let queue = full_of(["a"]);
    let overflow = queue.put("b").unwrap_err();
    assert!(overflow.is_full() && !overflow.is_closed());
    assert_eq!(overflow.to_string(), "put into a full queue");
    assert_eq!(overflow.into_inner(), "b");
    assert_eq!(queue.len(), 1);
}

#[test]
fn a_waiting_getter_is_served_whatever_the_size() {
    let queue = DeferredQueue::builder().size(0).build();
    let mut get = queue.get();
    queue.put(1).unwrap();
    assert_eq!(value(&mut get), 1);
    assert!(queue.put(2).is_err(), "nobody waits, and nothing may be stored");
}

#[test]
fn a_backlog_bounds_those_who_wait() {
    let queue = DeferredQueue::builder().backlog(1).build();
    let first = queue.get();
    let underflow = queue.get().try_take().unwrap().unwrap_err();
    assert!(matches!(underflow.into_kind(), FailureKind::Error(QueueUnderflow { .. })));
    drop(first);
    let mut second = queue.get();
    queue.put(1).unwrap();
    assert_eq!(value(&mut second), 1, "the place of the one that went was free again");
}

#[test]
fn with_no_backlog_nobody_waits_and_stored_items_are_still_got() {
    let queue = DeferredQueue::builder().backlog(0).build();
    assert!(queue.get().wait().is_err());
    queue.put(1).unwrap();
    assert_eq!(queue.get().wait(), Ok(1));
    assert!(queue.get().wait().is_err());
}

#[test]
fn without_size_and_backlog_a_builder_makes_a_queue_without_bounds() {
    let queue = DeferredQueue::builder().build();
    let gets: Vec<Get<usize>> = (0..1000).map(|_| queue.get()).collect();
    (0..2000).for_each(|n| queue.put(n).unwrap());
    assert_eq!((queue.waiting(), queue.len()), (0, 1000));
    drop(gets);
    assert_eq!(queue.len(), 2000);
}

#[test]
fn put_when_room_is_ready_where_there_is_room() {
    let queue = DeferredQueue::builder().size(1).build();
    assert_eq!(queue.put_when_room(1).try_take(), Some(Ok(())));
    let mut waiting = queue.put_when_room(2);
    assert_eq!(waiting.try_take(), None);
    assert_eq!(queue.waiting_for_room(), 1);
    assert_eq!(queue.try_get(), Some(1));
    assert_eq!(waiting.try_take(), Some(Ok(())));
    assert_eq!((queue.len(), queue.waiting_for_room()), (1, 0));
}

#[test]
fn put_when_room_serves_a_waiting_getter_at_once() {
    let queue = DeferredQueue::builder().size(0).build();
    let mut get = queue.get();
    assert_eq!(queue.put_when_room(1).try_take(), Some(Ok(())));
    assert_eq!(value(&mut get), 1);
}

#[test]
fn a_queue_of_size_0_hands_items_over_from_hand_to_hand() {
    let queue = DeferredQueue::builder().size(0).build();
    let mut puts = [queue.put_when_room(1), queue.put_when_room(2)];
    assert_eq!(queue.len(), 0);
    assert_eq!(queue.get().wait(), Ok(1));
    assert_eq!(puts[0].try_take(), Some(Ok(())));
    assert_eq!(puts[1].try_take(), None, "one item was got, so one putter goes on");
    assert_eq!(queue.try_get(), Some(2));
    assert_eq!(puts[1].try_take(), Some(Ok(())));
}

#[test]
fn an_item_is_looked_at_without_being_taken() {
    let queue = DeferredQueue::new();
    assert_eq!(queue.peek(|item: Option<&String>| item.cloned()), None);
    queue.put("a".to_string()).unwrap();
    queue.put("b".to_string()).unwrap();
    assert_eq!(queue.peek(|item| item.cloned()), Some("a".to_string()));
    assert_eq!(queue.len(), 2);
    assert_eq!(queue.drain(), ["a", "b"]);
}

#[test]
fn drain_takes_what_is_stored_and_what_waits_for_room() {
    let queue = full_of([1, 2]);
    let mut puts = [queue.put_when_room(3), queue.put_when_room(4)];
    assert_eq!(queue.drain(), [1, 2, 3, 4]);
    assert!(puts.iter_mut().all(|put| put.try_take() == Some(Ok(()))));
    assert_eq!((queue.len(), queue.waiting_for_room()), (0, 0));
    assert!(queue.drain().is_empty());
}

#[test]
fn debug_shows_the_state_without_the_items() {
    struct Opaque;
    let queue = DeferredQueue::builder().size(1).backlog(3).build();
    assert!(queue.put(Opaque).is_ok());
    let put = queue.put_when_room(Opaque);
    let text = format!("{queue:?}");
    assert_eq!(
        text,
        "DeferredQueue { len: 1, size: Some(1), waiting: 0, backlog: Some(3), waiting_for_room: 1, closed: false }"
    );
    drop(put);
}

// Order and fairness.

#[test]
fn getters_are_served_in_the_order_in_which_they_asked() {
    let queue = DeferredQueue::new();
    let mut gets: Vec<Get<usize>> = (0..5).map(|_| queue.get()).collect();
    (0..5).for_each(|n| queue.put(n).unwrap());
    for (n, get) in gets.iter_mut().enumerate() {
        assert_eq!(value(get), n);
    }
}

#[test]
fn k_puts_before_any_poll_wake_k_getters_once_each() {
    let queue = DeferredQueue::new();
    let mut gets: Vec<Get<usize>> = (0..8).map(|_| queue.get()).collect();
    let wakers: Vec<_> = (0..8).map(|_| CountWaker::new()).collect();
    for (get, (_, waker)) in gets.iter_mut().zip(&wakers) {
        assert!(poll_with(get, waker).is_pending());
    }
    (0..5).for_each(|n| queue.put(n).unwrap());
    let counts: Vec<usize> = wakers.iter().map(|(count, _)| count.count()).collect();
    assert_eq!(counts, [1, 1, 1, 1, 1, 0, 0, 0]);
}

#[test]
fn k_gets_before_any_poll_wake_k_putters_once_each() {
    let queue = full_of([100, 101, 102]);
    let mut puts: Vec<_> = (0..6).map(|n| queue.put_when_room(n)).collect();
    let wakers: Vec<_> = (0..6).map(|_| CountWaker::new()).collect();
    for (put, (_, waker)) in puts.iter_mut().zip(&wakers) {
        assert!(poll_with(put, waker).is_pending());
    }
    assert_eq!(
        [queue.try_get(), queue.try_get(), queue.try_get(), queue.try_get()].map(Option::unwrap),
        [100, 101, 102, 0]
    );
    let counts: Vec<usize> = wakers.iter().map(|(count, _)| count.count()).collect();
    assert_eq!(counts, [1, 1, 1, 1, 0, 0]);
}

#[test]
fn a_newcomer_does_not_get_what_was_delivered_and_not_polled_yet() {
    let queue = DeferredQueue::new();
    let mut get = queue.get();
    queue.put(1).unwrap();
    assert_eq!(queue.try_get(), None);
    let mut late = queue.get();
    assert_eq!(late.try_take(), None);
    assert_eq!(value(&mut get), 1);
    queue.put(2).unwrap();
    assert_eq!(value(&mut late), 2);
}

#[test]
fn items_that_wait_for_room_come_behind_the_stored_ones_in_order() {
    let queue = full_of([0, 1]);
    let puts: Vec<_> = (2..6).map(|n| queue.put_when_room(n)).collect();
    assert!(queue.put(9).is_err(), "a put does not go ahead of those who wait for room");
    let got: Vec<i32> = std::iter::from_fn(|| queue.try_get()).collect();
    assert_eq!(got, [0, 1, 2, 3, 4, 5]);
    drop(puts);
}

#[test]
fn callbacks_finish_in_the_order_in_which_items_were_delivered() {
    let queue = Arc::new(DeferredQueue::new());
    let trace = Trace::new();
    for n in 0..4 {
        let (log, again) = (trace.clone(), queue.clone());
        let got = move |item: i32| {
            log.log(format!("{n} begins {item}"));
            if item < 3 {
                again.put(item + 1).unwrap();
            }
            log.log(format!("{n} ends"));
            Ok(())
        };
        queue.get().add_callback(got).detach();
    }
    queue.put(0).unwrap();
    trace.expect(["0 begins 0", "0 ends", "1 begins 1", "1 ends", "2 begins 2", "2 ends", "3 begins 3", "3 ends"]);
}

// Cancellation.

#[test]
fn a_getter_that_is_dropped_while_it_waits_gives_up_its_place() {
    for gone in 0..3 {
        let queue = DeferredQueue::new();
        let mut gets: Vec<Get<i32>> = (0..3).map(|_| queue.get()).collect();
        let mut left = vec![gets.remove(0), gets.remove(0), gets.remove(0)];
        drop(left.remove(gone));
        assert_eq!(queue.waiting(), 2);
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        queue.put(3).unwrap();
        assert_eq!(left.iter_mut().map(value).collect::<Vec<_>>(), [1, 2], "without number {gone}");
        assert_eq!(queue.try_get(), Some(3));
    }
}

#[test]
fn a_getter_that_is_cancelled_while_it_waits_fails_and_frees_its_place() {
    let queue = DeferredQueue::builder().backlog(2).build();
    let (mut first, mut second) = (queue.get(), queue.get());
    first.handle().cancel();
    assert!(first.try_take().unwrap().unwrap_err().is_cancelled());
    assert_eq!(queue.waiting(), 1);
    queue.put(1).unwrap();
    assert_eq!(value(&mut second), 1);
}

#[test]
fn an_item_that_was_delivered_and_not_taken_goes_to_the_next_who_waits() {
    for gone in 0..3 {
        let queue = DeferredQueue::new();
        let mut gets: Vec<Get<i32>> = (0..4).map(|_| queue.get()).collect();
        let (count, waker) = CountWaker::new();
        assert!(poll_with(&mut gets[3], &waker).is_pending());
        (0..3).for_each(|n| queue.put(n).unwrap());
        drop(gets.remove(gone));
        assert_eq!(count.count(), 1, "one new getter is woken");
        assert_eq!(value(gets.last_mut().unwrap()), gone as i32);
        let mut rest: Vec<i32> = (0..3).collect();
        rest.remove(gone);
        assert_eq!(gets[..2].iter_mut().map(value).collect::<Vec<_>>(), rest);
        assert!(queue.is_empty());
    }
}

#[test]
fn an_item_that_was_delivered_and_not_taken_goes_back_to_the_front() {
    let queue = DeferredQueue::new();
    let get = queue.get();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    drop(get);
    assert_eq!(queue.drain(), [1, 2]);
}

#[test]
fn an_item_whose_getter_was_woken_and_then_dropped_is_not_lost() {
    let queue = DeferredQueue::new();
    let mut get = queue.get();
    let (count, waker) = CountWaker::new();
    assert!(poll_with(&mut get, &waker).is_pending());
    queue.put(1).unwrap();
    assert_eq!(count.count(), 1);
    drop(get);
    assert_eq!(queue.try_get(), Some(1));
}

#[test]
fn a_ready_get_that_select_never_polls_gives_its_item_back() {
    let queue = queue_of([1, 2]);
    let other = async { Ok(0) };
    assert_eq!(future::block_on(future::or(other, queue.get())), Ok(0));
    assert_eq!(queue.drain(), [1, 2]);
}

#[test]
fn a_ready_get_that_is_dropped_serves_the_one_who_came_to_wait_meanwhile() {
    let queue = queue_of([1]);
    let ready = queue.get();
    let (count, waker) = CountWaker::new();
    let mut waiting = queue.get();
    assert!(poll_with(&mut waiting, &waker).is_pending());
    drop(ready);
    assert_eq!(count.count(), 1);
    assert_eq!(value(&mut waiting), 1);
}

#[test]
fn an_item_that_was_taken_is_gone_for_good() {
    let queue = queue_of([1]);
    let mut get = queue.get();
    assert_eq!(poll_once(&mut get), Poll::Ready(Ok(1)));
    drop(get);
    assert!(queue.is_empty());
}

#[test]
fn attaching_a_callback_takes_the_item() {
    let queue = queue_of([1]);
    drop(queue.get().add_callback(|n| Ok(n + 1)));
    assert!(queue.is_empty(), "the callback has run");
}

#[test]
fn cancelling_a_get_that_has_fired_does_nothing() {
    let queue = DeferredQueue::new();
    let mut get = queue.get();
    let handle = get.handle();
    queue.put(1).unwrap();
    handle.cancel();
    assert_eq!(value(&mut get), 1);
}

#[test]
fn a_get_with_a_handle_gives_its_item_back_too() {
    let queue = DeferredQueue::new();
    let mut get = queue.get();
    let handle = get.handle();
    queue.put(1).unwrap();
    drop(get);
    assert!(handle.is_fired());
    assert_eq!(queue.try_get(), Some(1));
}

#[test]
fn a_ready_get_with_a_handle_gives_its_item_back_too() {
    let queue = queue_of([1]);
    let mut get = queue.get();
    let handle = get.handle();
    drop(get);
    handle.cancel();
    assert_eq!(queue.drain(), [1]);
}

#[test]
fn a_paused_get_that_is_dropped_gives_its_item_back_too() {
    let queue = DeferredQueue::new();
    let mut get = queue.get();
    let paused = get.pause();
    queue.put(1).unwrap();
    drop(get);
    drop(paused);
    assert_eq!(queue.drain(), [1]);
}

#[test]
fn a_detached_get_that_nobody_takes_gives_its_item_back() {
    let queue = DeferredQueue::new();
    queue.get().detach();
    queue.put(1).unwrap();
    assert_eq!(queue.drain(), [1]);
}

#[test]
fn a_putter_that_is_dropped_while_it_waits_drops_its_item_only() {
    for gone in 0..3 {
        let queue = full_of([0]);
        let mut puts: Vec<_> = (1..4).map(|n| queue.put_when_room(n)).collect();
        drop(puts.remove(gone));
        assert_eq!(queue.waiting_for_room(), 2);
        let mut expected = vec![0, 1, 2, 3];
        expected.remove(gone + 1);
        assert_eq!(queue.drain(), expected);
    }
}

#[test]
fn a_putter_that_is_dropped_after_its_item_was_taken_in_takes_nothing_out() {
    let queue = full_of([0]);
    let put = queue.put_when_room(1);
    assert_eq!(queue.try_get(), Some(0));
    drop(put);
    assert_eq!(queue.drain(), [1]);
}

#[test]
fn an_item_that_goes_back_into_a_full_queue_is_stored_beyond_its_size() {
    let queue = full_of([1]);
    let ready = queue.get();
    queue.put(2).unwrap();
    drop(ready);
    assert_eq!(queue.len(), 2, "nothing is lost");
    assert!(queue.put(3).is_err());
    assert_eq!(queue.try_get(), Some(1));
    assert!(queue.put(3).is_err(), "there is no room before it is below its size again");
    assert_eq!(queue.drain(), [2]);
}

#[test]
fn those_that_give_items_back_in_turn_leave_the_last_one_in_front() {
    let queue = queue_of([1, 2, 3]);
    let [first, second] = [queue.get(), queue.get()];
    drop(second);
    drop(first);
    assert_eq!(queue.drain(), [1, 2, 3], "the newest went back first");
}

// Errors: closing.

#[test]
fn close_fails_those_who_wait_and_lets_stored_items_out() {
    let queue = DeferredQueue::<u8>::new();
    let mut waiting = [queue.get(), queue.get()];
    queue.close();
    for get in &mut waiting {
        assert!(get.try_take().unwrap().unwrap_err().is_closed());
    }
    assert!(queue.is_closed());

    let queue = queue_of([1, 2]);
    queue.close();
    assert_eq!(queue.get().wait(), Ok(1));
    assert_eq!(queue.try_get(), Some(2));
    assert!(queue.get().wait().unwrap_err().is_closed());
    assert_eq!(queue.try_get(), None);
}

#[test]
fn close_wakes_each_waiter_once_on_both_sides() {
    let queue = DeferredQueue::<i32>::new();
    let (getters, waker) = CountWaker::new();
    let mut gets = [queue.get(), queue.get(), queue.get()];
    gets.iter_mut().for_each(|get| assert!(poll_with(get, &waker).is_pending()));
    queue.close();
    queue.close();
    assert_eq!(getters.count(), 3);

    let queue = full_of([0]);
    let (putters, waker) = CountWaker::new();
    let mut puts = [queue.put_when_room(1), queue.put_when_room(2)];
    puts.iter_mut().for_each(|put| assert!(poll_with(put, &waker).is_pending()));
    queue.close();
    queue.close();
    assert_eq!(putters.count(), 2);
}

#[test]
fn close_gives_items_back_to_those_who_wait_for_room() {
    let queue = full_of([0]);
    let mut puts = [queue.put_when_room(1), queue.put_when_room(2)];
    queue.close();
    for (n, put) in puts.iter_mut().enumerate() {
        let unsent = put.try_take().unwrap().unwrap_err().into_error().unwrap();
        assert_eq!(unsent.to_string(), "the queue was closed before there was room");
        assert_eq!(unsent.into_inner(), n as i32 + 1);
    }
    assert_eq!(queue.drain(), [0]);
}

#[test]
fn nothing_goes_into_a_closed_queue() {
    let queue = DeferredQueue::new();
    queue.close();
    let overflow = queue.put(1).unwrap_err();
    assert!(overflow.is_closed() && !overflow.is_full());
    assert_eq!(overflow.to_string(), "put into a closed queue");
    let unsent = queue.put_when_room(2).try_take().unwrap().unwrap_err();
    assert_eq!(unsent.into_error().unwrap().into_inner(), 2);
    assert!(queue.is_empty());
}

#[test]
fn closed_comes_before_underflow() {
    let queue = DeferredQueue::<u8>::builder().backlog(0).build();
    queue.close();
    assert!(queue.get().wait().unwrap_err().is_closed());
}

#[test]
fn an_item_goes_back_into_a_closed_queue_too() {
    let queue = queue_of([1]);
    let ready = queue.get();
    queue.close();
    assert!(queue.get().wait().unwrap_err().is_closed());
    drop(ready);
    assert_eq!(queue.get().wait(), Ok(1));
    assert!(queue.get().wait().unwrap_err().is_closed());
}

#[test]
fn who_waits_fails_when_the_last_handle_of_the_queue_goes() {
    let queue = DeferredQueue::<u8>::new();
    let other = queue.clone();
    let mut get = queue.get();
    drop(queue);
    assert_eq!(get.try_take(), None);
    drop(other);
    assert!(get.try_take().unwrap().unwrap_err().is_closed());

    let queue = full_of([1]);
    let mut put = queue.put_when_room(2);
    drop(queue);
    assert_eq!(put.try_take().unwrap().unwrap_err().into_error().unwrap().into_inner(), 2);
}

#[test]
fn a_delivered_item_that_nobody_takes_is_dropped_with_its_queue() {
    let drops = Drops::new();
    let queue = DeferredQueue::new();
    let get = queue.get();
    queue.put(drops.value()).unwrap();
    queue.put(drops.value()).unwrap();
    drop(queue);
    assert_eq!(drops.count(), 0, "the delivered item keeps its way back");
    drop(get);
    assert_eq!(drops.count(), 2);
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

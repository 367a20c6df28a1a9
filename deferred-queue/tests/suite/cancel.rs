//! `DeferredQueue` and those who leave it: no item is lost, none is doubled.

use std::sync::Arc;
use std::task::Poll;

use crate::common::{CountWaker, Drops, poll_once, poll_with};
use crate::helpers::{Get, full_of, queue_of, value};
use deferred_queue::DeferredQueue;
use futures_lite::future;

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
fn a_ready_get_that_was_taken_lets_its_queue_go() {
    let item = Arc::new(());
    let queue = queue_of([item.clone(), item.clone()]);
    let mut get = queue.get();
    let handle = get.handle();
    drop(get.try_take());
    drop((get, handle, queue));
    assert_eq!(Arc::strong_count(&item), 1, "the queue is still there, with the other item");
}

#[test]
fn a_get_that_was_taken_does_not_keep_its_queue_open() {
    for ready in [false, true] {
        let queue = DeferredQueue::new();
        if ready {
            queue.put(1).unwrap();
        }
        let (mut first, mut second) = (queue.get(), queue.get());
        let handle = first.handle();
        if !ready {
            queue.put(1).unwrap();
        }
        drop(queue);
        assert!(!second.is_fired(), "the item may still go back");
        assert_eq!(value(&mut first), 1);
        assert!(second.try_take().unwrap().unwrap_err().is_closed());
        drop(handle);
    }
}

#[test]
fn a_chain_that_goes_on_to_another_item_does_not_keep_its_queue_open() {
    let queue = DeferredQueue::<u8>::new();
    let (first, second) = (queue.get(), queue.get());
    let mut both = first.add_callback(move |a| second.add_callback(move |b| Ok((a, b))));
    queue.put(1).unwrap();
    drop(queue);
    assert!(both.try_take().unwrap().unwrap_err().is_closed());
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

//! `DeferredQueue`: what goes in comes out once, in order, to whoever asked first.

use std::sync::Arc;

use crate::common::{CountWaker, Trace, poll_with};
use crate::helpers::{Get, full_of, queue_of, value};
use deferred_core::FailureKind;
use deferred_queue::{DeferredQueue, Priority, QueueUnderflow};
use futures_lite::future;

// Smoke.

#[test]
fn stored_items_come_out_in_the_order_in_which_they_went_in() {
    let queue = queue_of([1, 2, 3]);
    assert_eq!(queue.len(), 3);
    assert!(!queue.is_empty());
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
    queue
        .get()
        .add_callback(move |n: u8| {
            log.log(format!("got {n}"));
            Ok(())
        })
        .detach();
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
    assert!(matches!(queue.get().try_take(), Some(Err(_))));
    queue.put(1).unwrap();
    assert_eq!(queue.get().try_take(), Some(Ok(1)));
    assert!(matches!(queue.get().try_take(), Some(Err(_))));
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
    assert_eq!(format!("{:?}", DeferredQueue::<Opaque>::builder().size(2)), "Builder { size: Some(2), backlog: None }");
    assert_eq!(format!("{:?}", queue.put(Opaque).unwrap_err()), "QueueOverflow { closed: false, .. }");
    assert_eq!(format!("{:?}", queue.stream()), format!("QueueStream {{ queue: {queue:?}, .. }}"));
    assert!(format!("{:?}", DeferredQueue::<Opaque>::new()).contains("size: None"));
    assert_eq!(format!("{:?}", Priority::<u8>::default()), "Priority { len: 0, .. }");
    let mut put = queue.put_when_room(Opaque);
    queue.close();
    let unsent = put.try_take().unwrap().unwrap_err().into_error().unwrap();
    assert_eq!(format!("{unsent:?}"), "Unsent { .. }");
}

#[test]
fn errors_read_as_clauses() {
    let queue = DeferredQueue::builder().size(0).backlog(0).build();
    assert_eq!(queue.put(1).unwrap_err().to_string(), "put into a full queue");
    let underflow = queue.get().try_take().unwrap().unwrap_err().into_error().unwrap();
    assert_eq!(underflow.to_string(), "no item, and as many wait for one as the backlog allows");
    assert!(!queue.is_closed());
    queue.close();
    assert!(queue.is_closed());
    assert_eq!(queue.put(1).unwrap_err().to_string(), "put into a closed queue");
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

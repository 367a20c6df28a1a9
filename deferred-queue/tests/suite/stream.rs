//! `DeferredQueue::stream`: the items as they come, until the queue is closed and empty.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::common::{CountWaker, reports};
use deferred_core::Stream;
use deferred_queue::{DeferredQueue, QueueStream};
use futures_lite::{StreamExt, future};

fn next(stream: &mut QueueStream<u32>, waker: &Waker) -> Poll<Option<u32>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(waker))
}

#[test]
fn a_stream_gives_the_items_and_ends_when_the_queue_is_closed_and_empty() {
    let queue = DeferredQueue::new();
    let mut stream = queue.stream();
    queue.put(1).unwrap();
    let (count, waker) = CountWaker::new();
    assert_eq!(next(&mut stream, &waker), Poll::Ready(Some(1)));
    assert_eq!(next(&mut stream, &waker), Poll::Pending);
    queue.put(2).unwrap();
    queue.put(3).unwrap();
    queue.close();
    assert_eq!(count.count(), 1);
    assert_eq!(future::block_on((&mut stream).collect::<Vec<_>>()), [2, 3]);
    assert_eq!(next(&mut stream, &waker), Poll::Ready(None));
    assert_eq!(next(&mut stream, &waker), Poll::Ready(None), "it stays ended");
}

#[test]
fn a_stream_that_waits_ends_when_the_queue_is_closed() {
    let queue = DeferredQueue::new();
    let mut stream = queue.stream();
    let (count, waker) = CountWaker::new();
    assert_eq!(next(&mut stream, &waker), Poll::Pending);
    queue.close();
    assert_eq!(count.count(), 1);
    assert_eq!(next(&mut stream, &waker), Poll::Ready(None));
}

#[test]
fn the_backlog_does_not_apply_to_a_stream() {
    let queue = DeferredQueue::builder().backlog(0).build();
    let mut stream = queue.stream();
    assert_eq!(next(&mut stream, Waker::noop()), Poll::Pending);
    queue.put(1).unwrap();
    assert_eq!(next(&mut stream, Waker::noop()), Poll::Ready(Some(1)));
}

#[test]
fn a_stream_that_is_dropped_reports_nothing() {
    let ((), reports) = reports(|| {
        for closed in [false, true] {
            let queue = DeferredQueue::<u32>::new();
            let mut stream = queue.stream();
            let (count, waker) = CountWaker::new();
            assert_eq!(next(&mut stream, &waker), Poll::Pending);
            if closed {
                queue.close();
            }
            drop(queue);
            drop(stream);
            assert_eq!(count.count(), usize::from(closed), "it is not woken by its own end");
        }
    });
    assert!(reports.is_empty(), "{reports:?}");
}

#[test]
fn a_stream_that_is_dropped_gives_up_its_place_and_what_it_was_given() {
    let queue = DeferredQueue::new();
    let mut stream = queue.stream();
    assert_eq!(next(&mut stream, Waker::noop()), Poll::Pending);
    assert_eq!(queue.waiting(), 1);
    queue.put(1).unwrap();
    drop(stream);
    assert_eq!((queue.waiting(), queue.drain()), (0, vec![1]));
}

#[test]
fn a_stream_lets_those_in_who_wait_for_room() {
    let queue = DeferredQueue::builder().size(1).build();
    let puts: Vec<_> = (0..4).map(|n| queue.put_when_room(n)).collect();
    let items: Vec<u32> = future::block_on(queue.stream().take(4).collect());
    assert_eq!(items, [0, 1, 2, 3]);
    assert!(puts.into_iter().all(|put| put.wait() == Ok(())));
}

#[test]
fn several_streams_share_the_items_in_turn() {
    let queue = DeferredQueue::new();
    let mut streams = [queue.stream(), queue.stream()];
    for stream in &mut streams {
        assert_eq!(next(stream, Waker::noop()), Poll::Pending);
    }
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    assert_eq!(next(&mut streams[1], Waker::noop()), Poll::Ready(Some(2)));
    assert_eq!(next(&mut streams[0], Waker::noop()), Poll::Ready(Some(1)));
}

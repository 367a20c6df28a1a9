//! deferred-queue.

use alloc::vec::Vec;
use core::future::poll_fn;
use core::pin::Pin;

use deferred_bare_metal::board::in_interrupt;
use deferred_bare_metal::executor::{block_on, wait_for};
use deferred_core::Stream;
use deferred_queue::{DeferredPriorityQueue, DeferredQueue};

use super::Check;

pub const CHECKS: &[Check] = &[
    ("queue: a getter waits for an interrupt that puts", waiting_getter),
    ("queue: the main loop drains what interrupts fill", filled_and_drained),
    ("queue: an interrupt makes room for one who waits to put", waiting_for_room),
    ("queue: what is full gives the item back to the interrupt", full),
    ("queue: a cancelled getter takes nothing", cancelled_getter),
    ("queue: an interrupt closes, and all who wait are told", closed),
    ("queue: the most urgent of what interrupts put comes first", by_priority),
    ("queue: a stream ends when an interrupt closes the queue", streamed),
];

fn waiting_getter() {
    let queue = DeferredQueue::<u32>::new();
    let other = queue.clone();
    assert_eq!(wait_for(queue.get(), move || other.put(5).unwrap()), Ok(5));
}

/// Puts `next` and what comes after it, in an interrupt each.
fn fill(queue: DeferredQueue<u32>, next: u32, end: u32) {
    if next == end {
        return queue.close();
    }
    queue.put(next).unwrap();
    in_interrupt(move || fill(queue, next + 1, end));
}

fn filled_and_drained() {
    let queue = DeferredQueue::<u32>::new();
    let filling = queue.clone();
    in_interrupt(move || fill(filling, 0, 100));
    let mut next = 0;
    while let Ok(n) = block_on(queue.get()) {
        assert_eq!(n, next);
        next += 1;
    }
    assert_eq!(next, 100);
}

fn waiting_for_room() {
    let queue = DeferredQueue::<u32>::builder().size(1).build();
    queue.put(1).unwrap();
    let other = queue.clone();
    let get = move || assert_eq!(other.try_get(), Some(1));
    assert_eq!(wait_for(queue.put_when_room(2), get), Ok(()));
    assert_eq!(queue.try_get(), Some(2));
}

fn full() {
    let queue = DeferredQueue::<u32>::builder().size(1).build();
    let getter = queue.get();
    let other = queue.clone();
    let put = move || {
        other.put(1).unwrap();
        other.put(2).unwrap();
        assert_eq!(other.put(3).unwrap_err().into_inner(), 3);
    };
    assert_eq!(wait_for(getter, put), Ok(1));
    assert_eq!(queue.drain(), [2]);
}

fn cancelled_getter() {
    let queue = DeferredQueue::<u32>::new();
    let (first, mut second, third) = (queue.get(), queue.get(), queue.get());
    let handle = second.handle();
    let other = queue.clone();
    let put = move || {
        handle.cancel();
        drop(first);
        other.put(1).unwrap();
    };
    assert_eq!(wait_for(third, put), Ok(1));
    assert!(second.try_take().unwrap().unwrap_err().is_cancelled());
}

fn closed() {
    let queue = DeferredQueue::<u32>::new();
    let (one, mut two) = (queue.get(), queue.get());
    let other = queue.clone();
    assert!(wait_for(one, move || other.close()).unwrap_err().is_closed());
    assert!(two.try_take().unwrap().unwrap_err().is_closed());
}

fn by_priority() {
    let queue = DeferredPriorityQueue::<u32>::default();
    let other = queue.clone();
    let put = move || {
        for n in [1, 3, 2] {
            other.put(n).unwrap();
        }
    };
    assert_eq!(wait_for(queue.get(), put), Ok(1), "it was there when nobody else was");
    assert_eq!(queue.drain(), [3, 2]);
}

fn streamed() {
    let queue = DeferredQueue::<u32>::new();
    let mut stream = queue.stream();
    let all = async {
        let mut all = Vec::new();
        while let Some(n) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            all.push(n);
        }
        all
    };
    assert_eq!(wait_for(all, move || fill(queue, 0, 3)), [0, 1, 2]);
}

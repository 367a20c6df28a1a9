//! A million items and a million getters on 64 KiB of stack, in order.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Drops, small_stack};
use deferred_core::Deferred;
use deferred_queue::{DeferredQueue, QueueUnderflow};

const MANY: usize = 1_000_000;

/// Asks for an item, and for the next one inside the callback.
fn consume(queue: &DeferredQueue<usize>, next: &Arc<AtomicUsize>) {
    let (again, seen) = (queue.clone(), next.clone());
    let got = queue.get().add_callback(move |n| {
        assert_eq!(seen.fetch_add(1, Ordering::Relaxed), n);
        consume(&again, &seen);
        Ok(())
    });
    got.detach();
}

#[test]
fn a_million_puts_to_a_consumer_that_asks_for_the_next_inside_its_callback() {
    small_stack(|| {
        let (queue, next) = (DeferredQueue::new(), Arc::new(AtomicUsize::new(0)));
        consume(&queue, &next);
        (0..MANY).for_each(|n| queue.put(n).unwrap());
        assert_eq!((next.load(Ordering::Relaxed), queue.waiting()), (MANY, 1));
        queue.close();
    });
}

#[test]
fn getters_that_put_inside_their_callback_complete_in_order() {
    small_stack(|| {
        const GETTERS: usize = MANY / 10;
        let (queue, done) = (DeferredQueue::new(), Arc::new(AtomicUsize::new(0)));
        for n in 0..GETTERS {
            let (again, done) = (queue.clone(), done.clone());
            let got = queue.get().add_callback(move |item: usize| {
                assert_eq!(item, n);
                again.put(n + 1).unwrap();
                assert_eq!(done.fetch_add(1, Ordering::Relaxed), n);
                Ok(())
            });
            got.detach();
        }
        queue.put(0).unwrap();
        assert_eq!((done.load(Ordering::Relaxed), queue.drain()), (GETTERS, vec![GETTERS]));
    });
}

#[test]
fn putters_that_get_inside_their_callback_complete_in_order() {
    small_stack(|| {
        const PUTTERS: usize = MANY / 10;
        let (queue, done) = (DeferredQueue::builder().size(0).build(), Arc::new(AtomicUsize::new(0)));
        for n in 0..PUTTERS {
            let (again, done) = (queue.clone(), done.clone());
            let put = queue.put_when_room(n).add_callback(move |()| {
                if n + 1 < PUTTERS {
                    assert_eq!(again.try_get(), Some(n + 1));
                }
                assert_eq!(done.fetch_add(1, Ordering::Relaxed), n);
                Ok(())
            });
            put.detach();
        }
        assert_eq!(queue.try_get(), Some(0));
        assert_eq!(done.load(Ordering::Relaxed), PUTTERS);
    });
}

#[test]
fn a_queue_of_a_million_items_is_dropped() {
    small_stack(|| {
        let (queue, drops) = (DeferredQueue::new(), Drops::new());
        (0..MANY).for_each(|_| queue.put(drops.value()).unwrap());
        drop(queue);
        assert_eq!(drops.count(), MANY);
    });
}

#[test]
fn a_queue_of_items_that_each_own_a_chain_with_the_next_item_is_dropped() {
    /// An item whose Deferred has a callback that owns another one.
    struct Item(#[allow(dead_code)] Option<Deferred<()>>);

    small_stack(|| {
        let (queue, drops) = (DeferredQueue::new(), Drops::new());
        let mut resolvers = Vec::new();
        let mut inner = None;
        for n in 0..MANY / 10 {
            let (resolver, d) = Deferred::<()>::new();
            let (owned, count) = (Item(inner.take()), drops.value());
            inner = Some(d.add_callback(move |()| {
                let _ = (&owned.0, &count);
                Ok(())
            }));
            if n % 2 == 0 {
                resolvers.push(resolver);
            }
        }
        queue.put(Item(inner)).unwrap_or_else(|_| panic!("there is room"));
        drop(queue);
        assert_eq!(drops.count(), MANY / 10);
    });
}

#[test]
fn a_queue_with_a_million_getters_is_dropped() {
    small_stack(|| {
        let queue = DeferredQueue::<u8>::new();
        let mut getters: Vec<Deferred<u8, QueueUnderflow>> = (0..MANY).map(|_| queue.get()).collect();
        drop(queue);
        for getter in &mut getters {
            assert!(matches!(getter.try_take(), Some(Err(failure)) if failure.is_closed()));
        }
    });
}

#[test]
fn getters_are_dropped_front_to_back_and_back_to_front() {
    small_stack(|| {
        let queue = DeferredQueue::<u8>::new();
        let mut getters: Vec<_> = (0..MANY / 4).map(|_| queue.get()).collect();
        let behind = getters.split_off(MANY / 8);
        drop(getters);
        for getter in behind.into_iter().rev() {
            drop(getter);
        }
        assert_eq!(queue.waiting(), 0);
    });
}

#[test]
fn items_that_nobody_takes_pass_through_many_getters() {
    small_stack(|| {
        let queue = DeferredQueue::new();
        let getters: Vec<_> = (0..MANY / 10).map(|_| queue.get()).collect();
        queue.put(7).unwrap();
        // Each has it when it is dropped, and it goes on to the next.
        drop(getters);
        assert_eq!(queue.drain(), [7]);
    });
}

//! Queues on many threads: each item reaches one consumer, whoever closes, leaves or comes late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::common::{Drops, together, watchdog};
use deferred_queue::DeferredQueue;
use futures_lite::{StreamExt, future};

const ITEMS: usize = if cfg!(miri) { 20 } else { 1000 };
const ROUNDS: usize = if cfg!(miri) { 3 } else { 300 };

/// Asserts that the items `0..n` of each of so many producers are there, each once.
#[track_caller]
fn all_once(mut got: Vec<(usize, usize)>, producers: usize, n: usize) {
    got.sort_unstable();
    assert!(got.into_iter().eq((0..producers).flat_map(|side| (0..n).map(move |item| (side, item)))));
}

#[test]
fn several_producers_reach_several_consumers_each_item_once_and_in_order() {
    watchdog(|| {
        let queue = DeferredQueue::new();
        let consumers: Vec<_> = (0..3)
            .map(|way| {
                let queue = queue.clone();
                thread::spawn(move || match way {
                    0 => future::block_on(queue.stream().collect::<Vec<_>>()),
                    1 => std::iter::from_fn(|| future::block_on(queue.get()).ok()).collect(),
                    _ => std::iter::from_fn(|| queue.get().wait().ok()).collect(),
                })
            })
            .collect();
        let producers = [0, 1].map(|side| {
            let queue = queue.clone();
            thread::spawn(move || (0..ITEMS).for_each(|item| queue.put((side, item)).unwrap()))
        });
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        queue.close();
        let mut all = Vec::new();
        for consumer in consumers {
            let got: Vec<(usize, usize)> = consumer.join().unwrap();
            // Of each producer's items, each consumer sees the earlier ones first.
            for side in 0..2 {
                assert!(got.iter().filter(|item| item.0 == side).is_sorted());
            }
            all.extend(got);
        }
        all_once(all, 2, ITEMS);
    });
}

#[test]
fn a_full_queue_holds_its_producers_back_and_loses_nothing() {
    watchdog(|| {
        let queue = DeferredQueue::builder().size(2).build();
        let producers = [0, 1].map(|side| {
            let queue = queue.clone();
            thread::spawn(move || {
                for item in 0..ITEMS {
                    if let Err(full) = queue.put((side, item)) {
                        queue.put_when_room(full.into_inner()).wait().unwrap();
                    }
                }
            })
        });
        let mut got = Vec::new();
        while got.len() < 2 * ITEMS {
            assert!(queue.len() <= 2);
            got.extend(queue.try_get());
            got.push(queue.get().wait().unwrap());
            if got.len() == 2 * ITEMS - 1 {
                got.push(queue.get().wait().unwrap());
            }
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        all_once(got, 2, ITEMS);
        assert_eq!((queue.len(), queue.waiting_for_room()), (0, 0));
    });
}

#[test]
fn what_close_meets_is_accepted_or_given_back() {
    watchdog(|| {
        for round in 0..ROUNDS {
            let queue = DeferredQueue::new();
            let (putting, closing) = (queue.clone(), queue.clone());
            let gets: Vec<_> = (0..round % 4).map(|_| queue.get()).collect();
            let put = move || (0..6).filter(|&item| putting.put(item).is_ok()).collect::<Vec<_>>();
            let accepted = together(put, move || closing.close());
            let mut found: Vec<_> = gets.into_iter().filter_map(|get| get.wait().ok()).collect();
            found.extend(queue.drain());
            assert_eq!(found, accepted);
            assert!(queue.put(9).unwrap_err().is_closed());
        }
    });
}

#[test]
fn a_get_meets_close_and_does_not_wait_for_ever() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let queue = DeferredQueue::<u8>::new();
            let (getting, closing) = (queue.clone(), queue.clone());
            let gets = together(move || [(); 6].map(|()| getting.get()), move || closing.close());
            for get in gets {
                assert!(get.wait().unwrap_err().is_closed());
            }
            assert_eq!(queue.waiting(), 0);
        }
    });
}

#[test]
fn the_last_handle_meets_the_getter_that_leaves_and_drops_each_item_once() {
    watchdog(|| {
        let drops = Drops::new();
        for round in 0..ROUNDS {
            let queue = DeferredQueue::new();
            if round % 2 == 0 {
                queue.put(drops.value()).unwrap();
            }
            let get = queue.get();
            queue.put(drops.value()).unwrap();
            queue.put(drops.value()).unwrap();
            together(move || drop(get), move || drop(queue));
            assert_eq!(drops.count(), round / 2 * 5 + if round % 2 == 0 { 3 } else { 5 });
        }
    });
}

#[test]
fn callbacks_take_each_item_once_on_whatever_thread_they_run() {
    watchdog(|| {
        let (queue, sum) = (DeferredQueue::<usize>::new(), Arc::new(AtomicUsize::new(0)));
        thread::scope(|scope| {
            for _ in 0..2 {
                let queue = &queue;
                scope.spawn(move || (1..=ITEMS).for_each(|item| queue.put(item).unwrap()));
                let sum = sum.clone();
                scope.spawn(move || {
                    for _ in 0..ITEMS {
                        let sum = sum.clone();
                        let add = move |item| {
                            sum.fetch_add(item, Ordering::Relaxed);
                            Ok(())
                        };
                        queue.get().add_callback(add).detach();
                    }
                });
            }
        });
        assert_eq!((queue.len(), queue.waiting()), (0, 0));
        assert_eq!(sum.load(Ordering::Relaxed), ITEMS * (ITEMS + 1));
    });
}

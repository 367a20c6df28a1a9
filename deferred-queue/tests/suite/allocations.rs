//! How many allocations a queue costs, and that all of them are given back.

use crate::common::allocations;
use deferred_queue::{DeferredPriorityQueue, DeferredQueue};

#[test]
fn items_that_are_stored_cost_nothing_once_there_is_space_for_them() {
    let queue = DeferredQueue::new();
    let through = || {
        (0..16).for_each(|n| queue.put(n).unwrap());
        drop(queue.get());
        (0..16).for_each(|n| assert_eq!(queue.get().wait(), Ok(n)));
    };
    assert_eq!(allocations(through), 0);
    let queue = DeferredPriorityQueue::default();
    let through = || {
        (0..16).for_each(|n| queue.put(n).unwrap());
        (0..16).rev().for_each(|n| assert_eq!(queue.try_get(), Some(n)));
    };
    assert_eq!(allocations(through), 0);
}

#[test]
fn one_who_waits_costs_one_allocation() {
    let queue = DeferredQueue::new();
    let get = || {
        let mut get = queue.get();
        queue.put(1).unwrap();
        assert_eq!(get.try_take(), Some(Ok(1)));
    };
    assert_eq!(allocations(get), 1);
    let queue = DeferredQueue::builder().size(0).build();
    let put = || {
        let mut put = queue.put_when_room(1);
        assert_eq!(queue.try_get(), Some(1));
        assert_eq!(put.try_take(), Some(Ok(())));
    };
    assert_eq!(allocations(put), 1);
    assert_eq!(allocations(|| drop(queue.put_when_room(1))), 1);
    assert_eq!(allocations(|| drop(queue.get())), 1);
}

#[test]
fn nothing_is_leaked_by_those_who_outlive_the_queue() {
    let outlive = || {
        let queue = DeferredQueue::builder().size(1).build();
        let mut gets = [queue.get(), queue.get()];
        (0..3).for_each(|n| queue.put(n.to_string()).unwrap());
        let puts = [queue.put_when_room("a".to_string()), queue.put_when_room("b".to_string())];
        drop(queue);
        assert_eq!(gets[1].try_take().unwrap().unwrap(), "1");
        drop(gets);
        puts.into_iter().for_each(|put| drop(put.wait()));
    };
    allocations(outlive);
    let taken = || {
        let queue = DeferredQueue::new();
        queue.put(1).unwrap();
        let mut get = queue.get();
        let handle = get.handle();
        drop(queue);
        assert_eq!(get.try_take(), Some(Ok(1)));
        drop((get, handle));
    };
    allocations(taken);
}

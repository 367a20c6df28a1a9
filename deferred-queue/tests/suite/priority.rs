//! `DeferredPriorityQueue`: by `Ord`, equal items in the order of arrival.

use std::cmp::{Ordering, Reverse};
use std::panic::{AssertUnwindSafe, catch_unwind};

use deferred_queue::{Builder, DeferredPriorityQueue, Priority};

/// Compares by the number alone.
#[derive(Clone, Copy, Debug)]
struct Job(u8, &'static str);

impl Ord for Job {
    fn cmp(&self, other: &Self) -> Ordering {
        assert!(self.0 != 99 && other.0 != 99, "a bad number");
        self.0.cmp(&other.0)
    }
}
impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Job {}

fn names(jobs: Vec<Job>) -> Vec<&'static str> {
    jobs.into_iter().map(|job| job.1).collect()
}

fn jobs() -> DeferredPriorityQueue<Job> {
    let queue = DeferredPriorityQueue::default();
    for job in [Job(1, "a"), Job(2, "b"), Job(1, "c"), Job(2, "d"), Job(3, "e")] {
        queue.put(job).unwrap();
    }
    queue
}

#[test]
fn the_greatest_comes_first_and_equal_ones_in_the_order_of_arrival() {
    assert_eq!(names(jobs().drain()), ["e", "b", "d", "a", "c"]);
    let queue = DeferredPriorityQueue::default();
    [3, 1, 2].map(Reverse).into_iter().for_each(|n| queue.put(n).unwrap());
    assert_eq!(queue.drain(), [1, 2, 3].map(Reverse));
}

#[test]
fn many_equal_ones_come_in_the_order_of_arrival() {
    let arrival = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let queue = DeferredPriorityQueue::default();
    arrival.into_iter().for_each(|name| queue.put(Job(1, name)).unwrap());
    assert_eq!(names(queue.drain()), arrival);
}

#[test]
fn of_equal_ones_that_nobody_took_the_last_to_come_back_is_the_first() {
    let queue = DeferredPriorityQueue::default();
    ["a", "b", "c", "d", "e"].into_iter().for_each(|name| queue.put(Job(1, name)).unwrap());
    let ready = [(); 4].map(|()| queue.get());
    ready.into_iter().for_each(drop);
    assert_eq!(names(queue.drain()), ["d", "c", "b", "a", "e"]);
}

#[test]
fn an_item_that_nobody_took_comes_before_its_equals() {
    let queue = jobs();
    assert_eq!(queue.try_get().unwrap().1, "e");
    let ready = queue.get();
    queue.put(Job(3, "f")).unwrap();
    drop(ready);
    assert_eq!(names(queue.drain()), ["f", "b", "d", "a", "c"]);
}

#[test]
fn a_look_does_not_change_the_order() {
    let queue = jobs();
    for _ in 0..3 {
        assert_eq!(queue.peek(|job| job.unwrap().1), "e");
    }
    assert_eq!(names(queue.drain()), ["e", "b", "d", "a", "c"]);
}

#[test]
fn a_waiting_getter_gets_what_comes_whatever_its_rank() {
    let queue = DeferredPriorityQueue::default();
    let mut gets = [queue.get(), queue.get()];
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    assert_eq!(gets.each_mut().map(|get| get.try_take().unwrap().unwrap()), [1, 2]);
}

#[test]
fn one_who_waits_for_room_is_let_in_and_takes_its_rank() {
    let queue = Builder::<u8, Priority<u8>>::default().size(2).build();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    let put = queue.put_when_room(9);
    assert_eq!(queue.try_get(), Some(2));
    assert_eq!(put.wait(), Ok(()));
    assert_eq!(queue.drain(), [9, 1]);
}

#[test]
fn an_order_that_panics_reaches_who_puts_and_leaves_the_queue_in_use() {
    let queue = DeferredPriorityQueue::default();
    queue.put(Job(1, "a")).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| queue.put(Job(99, "bad")))).is_err());
    assert!(queue.len() <= 2);
    drop(queue);
    let queue = jobs();
    queue.put(Job(4, "f")).unwrap();
    assert_eq!(queue.try_get().unwrap().1, "f");
}

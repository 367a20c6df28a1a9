//! What was granted keeps its queue for as long as it may go back to it, and no longer.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, Primitive, Turn, WaitQueue, join};

/// Takes values back.
#[derive(Default)]
struct Back(Vec<u32>);

impl Primitive<u32> for Back {
    type Request = ();
    type Guarded = ();

    const RECLAIMS: bool = true;

    fn untaken(queue: &Queue, value: u32) {
        queue.lock().0.push(value);
    }
}

type Queue = WaitQueue<u32, Infallible, Back>;

/// A queue, what it granted, at once or to a waiter, and another waiter, who hears when the last handle goes.
fn granted(at_once: bool) -> (Queue, Deferred<u32>, Deferred<u32>) {
    let queue = Queue::default();
    let first = if at_once {
        queue.ready(1)
    } else {
        let waiter = queue.push(());
        let (turn, ()) = queue.lock().pop().unwrap();
        turn.grant(Ok(1));
        waiter
    };
    let second = queue.push(());
    (queue, first, second)
}

#[test]
fn what_nobody_takes_goes_back_whatever_else_knows_of_it() {
    for at_once in [false, true] {
        let (queue, mut first, second) = granted(at_once);
        let (handle, paused) = (first.handle(), first.pause());
        drop(first);
        drop(paused);
        assert_eq!(queue.lock().0, [1]);
        drop((handle, queue));
        assert!(second.is_fired());
    }
}

#[test]
fn the_first_callback_finds_the_queue_closed() {
    for at_once in [false, true] {
        let (queue, mut first, second) = granted(at_once);
        let handle = first.handle();
        drop(queue);
        assert!(!second.is_fired());
        let closed = Arc::new(AtomicBool::new(false));
        let seen = closed.clone();
        let mut first = first.add_callback(move |n| {
            seen.store(second.is_fired(), Ordering::Relaxed);
            Ok(n)
        });
        assert!(closed.load(Ordering::Relaxed));
        assert_eq!(first.try_take(), Some(Ok(1)));
        drop(handle);
    }
}

#[test]
fn a_callback_that_was_there_before_the_grant_ends_the_way_back_too() {
    let queue = Queue::default();
    let (inner, pending) = Deferred::<u32>::new();
    let mut first = queue.push(()).add_callback(|_| pending);
    let second = queue.push(());
    let (turn, ()) = queue.lock().pop().unwrap();
    turn.grant(Ok(1));
    drop(queue);
    assert!(second.is_fired());
    assert_eq!(first.try_take(), None, "it waits for something else");
    drop((inner, first));
}

#[test]
fn handles_of_what_was_taken_do_not_keep_the_queue() {
    for (at_once, handles) in [false, true].into_iter().flat_map(|at_once| (0..5).map(move |n| (at_once, n))) {
        let (queue, mut first, second) = granted(at_once);
        let handles: Vec<_> = (0..handles).map(|_| first.handle()).collect();
        drop(queue);
        assert!(!second.is_fired());
        assert_eq!(first.try_take(), Some(Ok(1)));
        assert!(second.is_fired());
        drop(handles);
    }
}

#[test]
fn what_is_forwarded_to_nobody_goes_back() {
    for at_once in [false, true] {
        let (queue, first, second) = granted(at_once);
        let (front, d) = Deferred::new();
        drop(d);
        front.forward(first);
        assert_eq!(queue.lock().0, [1]);
        drop((queue, second));
        let (queue, first, second) = granted(at_once);
        let (front, mut d) = Deferred::new();
        front.forward(first);
        assert_eq!(d.try_take(), Some(Ok(1)));
        drop(queue);
        assert!(second.is_fired());
    }
}

#[test]
fn a_pause_by_who_hears_of_the_end_holds_the_next_callback() {
    for at_once in [false, true] {
        let (queue, mut first, second) = granted(at_once);
        let handle = first.handle();
        let (sender, paused) = std::sync::mpsc::channel();
        let second = second.add_both(move |outcome| {
            sender.send(handle.pause()).unwrap();
            outcome
        });
        drop(queue);
        let called = Arc::new(AtomicBool::new(false));
        let call = called.clone();
        let first = first.add_callback(move |n| {
            call.store(true, Ordering::Relaxed);
            Ok(n)
        });
        assert!(!called.load(Ordering::Relaxed));
        drop(paused.try_recv().unwrap());
        assert!(called.load(Ordering::Relaxed));
        drop((first, second));
    }
}

#[test]
fn a_pause_keeps_the_way_back() {
    for at_once in [false, true] {
        let (queue, mut first, second) = granted(at_once);
        let paused = first.pause();
        let first = first.add_callback(|n| Ok(n + 1));
        drop(queue);
        assert!(!second.is_fired());
        drop(paused);
        assert!(second.is_fired());
        drop(first);
    }
}

#[test]
fn a_child_that_a_joiner_takes_has_no_way_back_any_more() {
    struct TakesAll;

    impl Joiner<u32, Infallible> for TakesAll {
        type Output = u32;
        type Error = Infallible;
        const REPORTS_LATE: bool = true;

        fn fired(&self, child: Fired<'_, u32, Infallible>) -> Option<Outcome<u32, Infallible>> {
            Some(child.take())
        }

        fn all_fired(&self, _: Outcomes<'_, u32, Infallible>) -> Outcome<u32, Infallible> {
            Ok(0)
        }
    }

    for at_once in [false, true] {
        let (queue, mut first, second) = granted(at_once);
        let handle = first.handle();
        drop(queue);
        let (resolver, other) = Deferred::<u32>::new();
        let (mut joined, _) = join([first, other], TakesAll);
        assert_eq!(joined.try_take(), Some(Ok(1)));
        assert!(second.is_fired());
        drop((resolver, handle));
    }
}

#[test]
fn a_child_that_another_overtakes_as_it_is_asked_for_keeps_its_way_back() {
    /// Ends with the first, which it takes; asked of one, it makes another fire.
    struct First(Mutex<Option<Turn<u32, Infallible, Back>>>);

    impl Joiner<u32, Infallible> for First {
        type Output = u32;
        type Error = Infallible;
        const REPORTS_LATE: bool = true;

        fn ends(&self, _: &Fired<'_, u32, Infallible>) -> bool {
            let other = self.0.lock().unwrap().take();
            if let Some(turn) = other {
                turn.into_resolver().callback(2).unwrap();
            }
            true
        }

        fn fired(&self, child: Fired<'_, u32, Infallible>) -> Option<Outcome<u32, Infallible>> {
            Some(child.take())
        }

        fn all_fired(&self, _: Outcomes<'_, u32, Infallible>) -> Outcome<u32, Infallible> {
            Ok(0)
        }
    }

    let queue = Queue::default();
    let children = [queue.push(()), queue.push(())];
    let turns = [(); 2].map(|()| queue.lock().pop().unwrap().0);
    let [first, second] = turns;
    let (mut joined, _) = join(children, First(Mutex::new(Some(second))));
    first.grant(Ok(1));
    assert_eq!(joined.try_take(), Some(Ok(2)));
    assert_eq!(queue.lock().0, [1]);
}

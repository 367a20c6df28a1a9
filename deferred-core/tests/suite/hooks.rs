//! Hooks of a primitive of one's own that panic.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{allocations, reports};
use deferred_core::{Deferred, FailureKind, Fired, Joiner, Outcome, Outcomes, Primitive, WaitQueue, join};

/// Takes values back, and panics when it is told to.
#[derive(Clone, Default)]
struct Panics {
    armed: Arc<AtomicBool>,
    back: Arc<Mutex<Vec<u32>>>,
}

impl Panics {
    fn check(&self) {
        if self.armed.load(Ordering::Relaxed) {
            // Says nothing, as a message would be memory of the thread's.
            resume_unwind(Box::new("in a hook"));
        }
    }
}

impl Primitive<u32> for Panics {
    type Request = ();
    type Guarded = ();
    const RECLAIMS: bool = true;
    const WITHDRAWALS: bool = true;

    fn untaken(queue: &Queue, value: u32) {
        let this = queue.lock().clone();
        this.check();
        this.back.lock().unwrap().push(value);
    }

    fn withdrawn(queue: &Queue) {
        let this = queue.lock().clone();
        this.check();
    }
}

type Queue = WaitQueue<u32, Infallible, Panics>;

/// A queue whose hooks panic from now on, and a value that it granted.
fn granted() -> (Queue, Deferred<u32>) {
    let queue = Queue::new(Panics::default());
    let d = queue.ready(1);
    queue.lock().armed.store(true, Ordering::Relaxed);
    (queue, d)
}

/// Wants all values.
struct Sum;

impl Joiner<u32, Infallible> for Sum {
    type Output = u32;
    type Error = Infallible;
    const REPORTS_LATE: bool = false;

    fn fired(&self, fired: Fired<'_, u32, Infallible>) -> Option<Outcome<u32, Infallible>> {
        (!fired.is_success()).then_some(Ok(0))
    }

    fn all_fired(&self, outcomes: Outcomes<'_, u32, Infallible>) -> Outcome<u32, Infallible> {
        Ok(outcomes.flatten().sum())
    }
}

#[test]
fn one_that_panics_in_what_was_put_off_stops_nothing_else() {
    let (_queue, mut d) = granted();
    let paused = d.pause();
    d.detach();
    let (first, skipped) = Deferred::<u32>::new();
    let _kept = skipped.add_errback(move |_| {
        drop(paused);
        Ok(0)
    });
    // The errback is passed by and dropped; then the pause ends, and with it a value that nobody takes.
    first.callback(1).unwrap();

    let (resolver, mut d) = Deferred::<u32>::new();
    let (second, skipped) = Deferred::<u32>::new();
    let _kept = skipped.add_errback(move |_| {
        drop(resolver);
        Ok(0)
    });
    second.callback(1).unwrap();
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn one_that_panics_as_a_join_ends_costs_the_other_children_nothing() {
    let (_queue, bad) = granted();
    let good = Queue::new(Panics::default());
    let back = good.lock().back.clone();
    let (resolver, work) = Deferred::<u32>::new();
    let (mut parent, _) = join([bad, good.ready(2), work], Sum);
    drop(resolver);
    assert_eq!(parent.try_take(), Some(Ok(0)));
    assert_eq!(*back.lock().unwrap(), [2]);
}

#[test]
fn one_that_panics_as_a_waiter_leaves_does_not_keep_it_waiting() {
    let queue = Queue::new(Panics::default());
    let (mut first, _second) = (queue.push(()), queue.push(()));
    queue.lock().armed.store(true, Ordering::Relaxed);
    let handle = first.handle();
    let ((), reported) = reports(|| handle.cancel());
    assert!(first.try_take().unwrap().unwrap_err().is_cancelled());
    assert_eq!(reported, [""; 0]);
    drop(queue.push(()));
    assert_eq!(queue.len(), 1);
}

/// Nobody asked for the drop but the dropper, whose stack it unwinds.
#[test]
fn one_that_panics_as_a_value_is_dropped_is_the_droppers_own_and_leaks_nothing() {
    allocations(|| {
        let (_queue, ready) = granted();
        assert!(catch_unwind(AssertUnwindSafe(|| drop(ready))).is_err());
        let queue = Queue::new(Panics::default());
        let waiter = queue.push(());
        let (turn, ()) = queue.lock().pop().unwrap();
        turn.grant(Ok(1));
        queue.lock().armed.store(true, Ordering::Relaxed);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(waiter))).is_err());
    });
}

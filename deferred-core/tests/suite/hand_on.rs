//! Units that come back and are handed on by a hook, well or badly made.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::task::{Poll, Waker};

use crate::common::{CountWaker, DropCount, Drops, HookWaker, Trace, poll_with, watchdog};
use deferred_core::{Deferred, Grants, Handle, Locked, Primitive, Returned, Units, WaitQueue};

type Queue = WaitQueue<Guard, Infallible, Plan>;

#[derive(Debug)]
struct Guard(Units<Guard, Infallible, Plan>);

type Act = fn(&mut Locked<'_, Guard, Infallible, Plan>, &mut Returned<Guard, Infallible, Plan>);

/// What is done with units that come back: each act once, the last one again and again.
struct Plan {
    acts: Vec<Act>,
    other: Option<Queue>,
    _end: DropCount,
}

impl Primitive<Guard> for Plan {
    type Request = ();
    type Guarded = ();

    fn returned(
        locked: &mut Locked<'_, Guard, Infallible, Self>,
        returned: &mut Returned<Guard, Infallible, Self>,
        _: &mut Grants<Guard, Infallible, Self>,
    ) {
        let act = if locked.acts.len() > 1 { locked.acts.remove(0) } else { locked.acts[0] };
        act(locked, returned);
    }
}

const HAND_ON: Act = |locked, returned| {
    returned.hand_on(locked, |()| true, Guard);
};

/// A queue with so many units, one of them taken, and what counts its end.
fn queue(units: usize, acts: &[Act]) -> (Queue, Guard, Drops) {
    let drops = Drops::new();
    let plan = Plan { acts: acts.to_vec(), other: None, _end: drops.value() };
    let queue = Queue::with_units(plan, units).unwrap();
    let unit = Guard(queue.try_take(1).unwrap());
    (queue, unit, drops)
}

/// A waiter that has been polled, as the task of `waker` does.
fn waiter(queue: &Queue, waker: &Waker) -> Deferred<Guard> {
    let mut waiter = queue.push(());
    assert!(poll_with(&mut waiter, waker).is_pending());
    waiter
}

#[test]
fn a_task_is_woken_when_the_lock_is_free_and_has_its_units_by_then() {
    watchdog(|| {
        let (queue, unit, drops) = queue(1, &[HAND_ON]);
        let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
        let (seen_then, queue_then) = (seen.clone(), queue.clone());
        let waker = HookWaker::new()
            .on_wake(move || seen_then.lock().unwrap().push((queue_then.len(), queue_then.free_units())))
            .waker();
        let mut waiter = waiter(&queue, &waker);
        drop(unit);
        assert_eq!(*seen.lock().unwrap(), [(0, 0)]);
        let Poll::Ready(Ok(guard)) = poll_with(&mut waiter, Waker::noop()) else { panic!("not granted") };
        assert_eq!(guard.0.count(), 1);
        drop(guard);
        assert_eq!(queue.free_units(), 1);
        drop((queue, waiter, waker));
        assert_eq!(drops.count(), 1, "the queue is gone");
    });
}

/// Two units and more than are wanted: what is left must be free for newcomers, as nobody waits any more.
#[test]
fn what_is_free_beside_them_is_seen_by_newcomers() {
    let (queue, unit, _drops) = queue(2, &[HAND_ON]);
    let _waiter = waiter(&queue, Waker::noop());
    drop(unit);
    assert_eq!(queue.free_units(), 1);
    assert!(queue.try_take(1).is_some());
}

#[test]
fn a_callback_of_a_waiter_that_is_awaited_runs() {
    let (queue, unit, _drops) = queue(1, &[HAND_ON]);
    let (wakes, waker) = CountWaker::new();
    let mut waiter = queue.push(()).add_callback(|guard| Ok(guard.0.count() + 1));
    assert!(poll_with(&mut waiter, &waker).is_pending());
    drop(unit);
    assert_eq!((wakes.count(), waiter.try_take(), queue.free_units()), (1, Some(Ok(2)), 1));
}

#[test]
fn a_paused_waiter_is_woken_when_it_may_go_on() {
    let (queue, unit, _drops) = queue(1, &[HAND_ON]);
    let (wakes, waker) = CountWaker::new();
    let mut waiter = waiter(&queue, &waker);
    let paused = waiter.pause();
    drop(unit);
    assert_eq!((wakes.count(), queue.len()), (0, 0));
    assert!(poll_with(&mut waiter, &waker).is_pending());
    drop(paused);
    assert_eq!(wakes.count(), 1);
    assert!(waiter.try_take().is_some());
}

/// A grant inside a grant of the same queue comes behind it, whether it runs callbacks or wakes.
#[test]
fn a_task_behind_a_callback_is_woken_when_that_has_ended() {
    let trace = Trace::new();
    let (queue, unit, _drops) = queue(1, &[HAND_ON]);
    let (in_callback, in_task) = (trace.clone(), trace.clone());
    let first = queue.push(()).add_callback(move |guard| {
        drop(guard);
        in_callback.log("the callback ends");
        Ok(())
    });
    let waker = HookWaker::new().on_wake(move || in_task.log("the task is woken")).waker();
    let mut second = waiter(&queue, &waker);
    drop(unit);
    trace.expect(["the callback ends", "the task is woken"]);
    assert!(second.try_take().is_some());
    drop(first);
}

#[test]
fn nothing_is_left_to_forget_when_they_are_gone() {
    let act: Act = |locked, returned| {
        assert_eq!((returned.forget(2), returned.count()), (None, 1));
        assert!(returned.hand_on(locked, |()| true, Guard));
        assert_eq!((returned.forget(0), returned.forget(1), returned.count()), (Some(()), None, 0));
    };
    let (queue, unit, _drops) = queue(1, &[act, HAND_ON]);
    let mut waiter = waiter(&queue, Waker::noop());
    drop(unit);
    assert!(waiter.try_take().is_some());
}

#[test]
fn units_are_not_handed_on_in_another_queue() {
    watchdog(|| {
        let (other, other_unit, _other_drops) = queue(1, &[HAND_ON]);
        let act: Act = |locked, returned| {
            let other = locked.other.take().unwrap();
            assert!(!returned.hand_on(&mut other.lock(), |()| true, Guard));
            assert_eq!(returned.count(), 1, "they stay where they were");
        };
        let (queue, unit, drops) = queue(1, &[act, HAND_ON]);
        queue.lock().other = Some(other.clone());
        queue.lock().set_slow(true);
        let mut waiter = waiter(&other, Waker::noop());
        drop(unit);
        assert_eq!((queue.free_units(), other.len()), (1, 1));
        drop(queue);
        assert_eq!(drops.count(), 1, "the queue is gone");
        drop(other_unit);
        assert!(waiter.try_take().is_some());
    });
}

#[test]
fn a_hook_that_panics_behind_it_leaves_neither_a_task_asleep_nor_the_queue_behind() {
    watchdog(|| {
        let act: Act = |locked, returned| {
            assert!(returned.hand_on(locked, |()| true, Guard));
            locked.add_units(1).unwrap();
            panic!("behind it");
        };
        let (queue, unit, drops) = queue(1, &[act, HAND_ON]);
        let (wakes, waker) = CountWaker::new();
        let mut waiter = waiter(&queue, &waker);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(unit))).is_err());
        assert_eq!(wakes.count(), 1);
        assert!(waiter.try_take().is_some());
        drop(queue);
        assert_eq!(drops.count(), 1, "the queue is gone");
    });
}

#[test]
fn units_come_back_once_more_when_the_question_for_them_panics() {
    watchdog(|| {
        let act: Act = |locked, returned| {
            returned.hand_on(locked, |()| panic!("asked"), Guard);
        };
        let (queue, unit, _drops) = queue(1, &[act, HAND_ON]);
        let mut waiter = waiter(&queue, Waker::noop());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(unit))).is_err());
        assert!(waiter.try_take().is_some());
    });
}

static STASH: Mutex<Option<Units<Guard, Infallible, Plan>>> = Mutex::new(None);
static WAITER: Mutex<Option<Deferred<Guard>>> = Mutex::new(None);
static HANDLE: Mutex<Option<Handle>> = Mutex::new(None);

/// What is made of the units does not have them, and the waiter changes while it is made.
#[test]
fn what_is_made_need_not_keep_the_units_and_may_come_too_late() {
    watchdog(|| {
        let act: Act = |locked, returned| {
            returned.hand_on(
                locked,
                |()| true,
                |mut units| {
                    let rest = units.split(0).unwrap();
                    *STASH.lock().unwrap() = Some(units);
                    *HANDLE.lock().unwrap() = Some(WAITER.lock().unwrap().as_mut().unwrap().handle());
                    Guard(rest)
                },
            );
        };
        let (queue, unit, drops) = queue(2, &[act, HAND_ON]);
        *WAITER.lock().unwrap() = Some(waiter(&queue, Waker::noop()));
        drop(unit);
        let guard = WAITER.lock().unwrap().take().unwrap().try_take().expect("it was granted").unwrap();
        assert_eq!((guard.0.count(), queue.free_units()), (0, 1));
        drop(guard);
        drop(STASH.lock().unwrap().take());
        assert_eq!(queue.free_units(), 2);
        drop(queue);
        drop(HANDLE.lock().unwrap().take());
        assert_eq!(drops.count(), 1, "the queue is gone");
    });
}

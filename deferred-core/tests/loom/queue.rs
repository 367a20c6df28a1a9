//! The wait queue: handing over, leaving, and the end of the queue.

use std::convert::Infallible;

use deferred_core::{Deferred, Grants, Locked, Primitive, Returned, Units, WaitQueue};
use loom::thread;

use crate::common::{Bound, Value, explore};

/// Stores what nobody takes.
#[derive(Default)]
pub(super) struct Store(pub(super) Vec<Value>);

impl Primitive<Value> for Store {
    type Request = ();
    type Guarded = ();
    const RECLAIMS: bool = true;

    fn untaken(queue: &WaitQueue<Value, Infallible, Self>, value: Value) {
        put(queue, value);
    }
}

pub(super) fn put(queue: &WaitQueue<Value, Infallible, Store>, value: Value) {
    let mut locked = queue.lock();
    if let Some((turn, ())) = locked.pop() {
        drop(locked);
        turn.grant(Ok(value));
    } else {
        locked.0.push(value);
    }
}

pub(super) fn store() -> WaitQueue<Value, Infallible, Store> {
    WaitQueue::new(Store::default())
}

#[test]
fn hand_over_against_drop() {
    explore("hand-over against drop", Bound::Preemptions(8), 10_000, || {
        let queue = store();
        let waiter = queue.push(());
        let other = queue.clone();
        let putter = thread::spawn(move || put(&other, Value::new(1)));
        drop(waiter);
        putter.join().unwrap();
        let stored = core::mem::take(&mut queue.lock().0);
        assert_eq!((stored.len(), queue.len()), (1, 0));
    });
}

#[test]
fn hand_over_against_cancel_with_another_behind() {
    explore("hand-over against cancel with another behind", Bound::None, 20, || {
        let queue = store();
        let (mut first, mut second) = (queue.push(()), queue.push(()));
        let handle = first.handle();
        let other = queue.clone();
        let putter = thread::spawn(move || put(&other, Value::new(1)));
        handle.cancel();
        putter.join().unwrap();
        // Fired before it was cancelled, or passed on.
        let (first, second) = (first.try_take().unwrap(), second.try_take());
        assert_eq!((first.is_ok(), second.is_some()), if first.is_ok() { (true, false) } else { (false, true) });
        assert!(queue.lock().0.is_empty());
    });
}

#[test]
fn two_drops_in_the_middle() {
    explore("two drops in the middle", Bound::None, 20, || {
        let queue = store();
        let (first, second, mut third) = (queue.push(()), queue.push(()), queue.push(()));
        let dropper = thread::spawn(move || drop(first));
        drop(second);
        dropper.join().unwrap();
        put(&queue, Value::new(3));
        assert_eq!(third.try_take().unwrap().unwrap().get(), 3);
        assert_eq!(queue.len(), 0);
    });
}

#[test]
fn the_last_handle_against_drop_of_a_waiter() {
    explore("the last handle against drop of a waiter", Bound::Preemptions(8), 10_000, || {
        let queue = store();
        let (first, mut second) = (queue.push(()), queue.push(()));
        let dropper = thread::spawn(move || drop(first));
        drop(queue);
        dropper.join().unwrap();
        assert!(second.try_take().unwrap().unwrap_err().is_closed());
    });
}

#[test]
fn the_last_handle_against_drop_of_the_only_waiter() {
    explore("the last handle against drop of the only waiter", Bound::Preemptions(8), 10_000, || {
        let queue = store();
        let waiter = queue.push(());
        let dropper = thread::spawn(move || drop(waiter));
        drop(queue);
        dropper.join().unwrap();
    });
}

#[test]
fn the_last_handle_against_a_grant_to_a_callback() {
    explore("the last handle against a grant to a callback", Bound::None, 5, || {
        let queue = store();
        // It goes on to wait, and must not keep the queue from the second meanwhile.
        let (resolver, inner) = Deferred::<u8>::new();
        let first = queue.push(()).add_callback(|_| inner);
        let mut second = queue.push(());
        let (turn, ()) = queue.lock().pop().unwrap();
        let granter = thread::spawn(move || turn.grant(Ok(Value::new(1))));
        drop(queue);
        granter.join().unwrap();
        assert!(second.try_take().unwrap().unwrap_err().is_closed());
        drop((resolver, first));
    });
}

#[test]
fn the_last_handle_against_the_taking_of_a_grant() {
    explore("the last handle against the taking of a grant", Bound::None, 5, || {
        let queue = store();
        let (mut first, mut second) = (queue.push(()), queue.push(()));
        let handle = first.handle();
        put(&queue, Value::new(1));
        let taker = thread::spawn(move || first.try_take().unwrap().unwrap().get());
        drop(queue);
        assert_eq!(taker.join().unwrap(), 1);
        assert!(second.try_take().unwrap().unwrap_err().is_closed());
        drop(handle);
    });
}

#[test]
fn the_last_two_handles() {
    explore("the last two handles", Bound::None, 5, || {
        let queue = store();
        let mut waiter = queue.push(());
        let other = queue.clone();
        let dropper = thread::spawn(move || drop(other));
        drop(queue);
        dropper.join().unwrap();
        assert!(waiter.try_take().unwrap().unwrap_err().is_closed());
    });
}

#[test]
fn a_ready_item_dropped_against_push() {
    explore("a ready item dropped against push", Bound::None, 10, || {
        let queue = store();
        let ready = queue.ready(Value::new(1));
        let other = queue.clone();
        let getter = thread::spawn(move || other.push(()));
        drop(ready);
        let mut waiter = getter.join().unwrap();
        let stored = queue.lock().0.len();
        assert_eq!(usize::from(waiter.try_take().is_some()) + stored, 1);
        drop(waiter);
        queue.lock().0.clear();
    });
}

/// Units with a waiter for one each: a small lock or semaphore.
pub(super) struct Gate;

type Gated = Units<Permit, Infallible, Gate>;

#[derive(Debug)]
pub(super) struct Permit(#[allow(dead_code)] Gated);

impl Primitive<Permit> for Gate {
    type Request = usize;
    type Guarded = ();
    const WITHDRAWALS: bool = true;

    fn withdrawn(queue: &WaitQueue<Permit, Infallible, Self>) {
        settle(queue);
    }

    fn returned(
        locked: &mut Locked<'_, Permit, Infallible, Self>,
        returned: &mut Returned<Permit, Infallible, Self>,
        grants: &mut Grants<Permit, Infallible, Self>,
    ) {
        let count = returned.count();
        if !returned.hand_on(locked, |wanted| *wanted == count, Permit) {
            locked.absorb(returned);
        }
        while let Some((turn, _, units)) = locked.pop_with_units(|wanted| *wanted) {
            grants.push(turn, Ok(Permit(units)));
        }
    }
}

fn settle(queue: &WaitQueue<Permit, Infallible, Gate>) {
    let mut grants = Grants::new();
    let mut locked = queue.lock();
    while let Some((turn, _, units)) = locked.pop_with_units(|wanted| *wanted) {
        grants.push(turn, Ok(Permit(units)));
    }
    drop(locked);
    grants.deliver();
}

pub(super) fn acquire(queue: &WaitQueue<Permit, Infallible, Gate>, n: usize) -> Deferred<Permit> {
    if let Some(units) = queue.try_take(n) {
        return Deferred::succeed(Permit(units));
    }
    let waiter = queue.push(n);
    settle(queue);
    waiter
}

#[test]
fn units_that_come_back_against_push() {
    explore("units that come back against push", Bound::None, 20, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let releaser = thread::spawn(move || drop(held));
        let mut waiter = acquire(&queue, 1);
        releaser.join().unwrap();
        assert!(waiter.try_take().unwrap().is_ok());
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
    });
}

#[test]
fn units_that_come_back_against_drop_of_the_waiter() {
    explore("units that come back against drop of the waiter", Bound::Preemptions(8), 10_000, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let waiter = acquire(&queue, 1);
        let releaser = thread::spawn(move || drop(held));
        drop(waiter);
        releaser.join().unwrap();
        assert_eq!((queue.free_units(), queue.len()), (1, 0));
    });
}

/// More comes back than is wanted, so that units are taken for a waiter who may be leaving.
#[test]
fn units_that_come_back_against_drop_of_a_small_request() {
    explore("units that come back against drop of a small request", Bound::Preemptions(8), 10_000, || {
        let queue = WaitQueue::with_units(Gate, 2).unwrap();
        let held = queue.try_take(2).unwrap();
        let waiter = acquire(&queue, 1);
        let releaser = thread::spawn(move || drop(held));
        drop(waiter);
        releaser.join().unwrap();
        assert_eq!((queue.free_units(), queue.len()), (2, 0));
    });
}

/// The one in front wants more than there is, and leaves while a unit comes back.
#[test]
fn units_that_come_back_against_drop_of_a_large_request() {
    explore("units that come back against drop of a large request", Bound::None, 20, || {
        let queue = WaitQueue::with_units(Gate, 2).unwrap();
        let (held, kept) = (queue.try_take(1).unwrap(), queue.try_take(1).unwrap());
        let (large, mut small) = (acquire(&queue, 2), acquire(&queue, 1));
        let releaser = thread::spawn(move || drop(held));
        drop(large);
        releaser.join().unwrap();
        assert!(small.try_take().unwrap().is_ok());
        drop(kept);
        assert_eq!((queue.free_units(), queue.len()), (2, 0));
    });
}

#[test]
fn units_that_come_back_against_the_last_handle() {
    explore("units that come back against the last handle", Bound::None, 10, || {
        let queue = WaitQueue::with_units(Gate, 1).unwrap();
        let held = queue.try_take(1).unwrap();
        let mut waiter = acquire(&queue, 1);
        let releaser = thread::spawn(move || drop(held));
        drop(queue);
        releaser.join().unwrap();
        // The units have a handle: the waiter got them.
        assert!(waiter.try_take().unwrap().is_ok());
    });
}

#[test]
fn two_releases_and_a_drop_together() {
    explore("two releases and a drop together", Bound::Preemptions(3), 500, || {
        let queue = WaitQueue::with_units(Gate, 2).unwrap();
        let (first, second) = (queue.try_take(1).unwrap(), queue.try_take(1).unwrap());
        let (gone, mut small) = (acquire(&queue, 2), acquire(&queue, 1));
        let releasers = [first, second].map(|units| thread::spawn(move || drop(units)));
        drop(gone);
        for releaser in releasers {
            releaser.join().unwrap();
        }
        assert!(small.try_take().unwrap().is_ok());
        assert_eq!((queue.free_units(), queue.len()), (2, 0));
    });
}

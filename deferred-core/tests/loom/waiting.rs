//! Chains of cells: one that waits for another, against cancelling and dropping.

use deferred_core::Deferred;
use loom::thread;

use crate::common::{Bound, Count, Value, explore};

/// A Deferred that waits for another, and the resolver of that.
fn waiting() -> (deferred_core::Resolver<Value>, Deferred<Value>) {
    let (resolver, inner) = Deferred::<Value>::new();
    let (outer_resolver, outer) = Deferred::<Value>::new();
    outer_resolver.forward(inner);
    (resolver, outer)
}

#[test]
fn forward_against_fire() {
    explore("forward against fire", Bound::None, 7, || {
        let (resolver, inner) = Deferred::<Value>::new();
        let (outer_resolver, mut outer) = Deferred::<Value>::new();
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        outer_resolver.forward(inner);
        firer.join().unwrap();
        assert_eq!(outer.try_take().unwrap().unwrap().get(), 1);
    });
}

#[test]
fn fire_of_the_inner_against_cancel_of_the_outer() {
    explore("fire of the inner against cancel of the outer", Bound::None, 50, || {
        let (resolver, mut outer) = waiting();
        let handle = outer.handle();
        let calls = Count::default();
        let count = calls.clone();
        let mut outer = outer.add_both(move |outcome| {
            count.up();
            outcome
        });
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).is_ok());
        handle.cancel();
        let fired = firer.join().unwrap();
        assert_eq!(calls.get(), 1);
        assert_eq!(outer.try_take().unwrap().is_ok(), fired);
    });
}

#[test]
fn fire_of_the_inner_against_drop_of_the_outer() {
    explore("fire of the inner against drop of the outer", Bound::Preemptions(4), 50, || {
        let (resolver, outer) = waiting();
        let firer = thread::spawn(move || drop(resolver.callback(Value::new(1))));
        drop(outer);
        firer.join().unwrap();
    });
}

#[test]
fn forward_against_cancel() {
    explore("forward against cancel", Bound::None, 50, || {
        let (resolver, inner) = Deferred::<Value>::new();
        let (outer_resolver, mut outer) = Deferred::<Value>::new();
        let handle = outer.handle();
        let forwarder = thread::spawn(move || outer_resolver.forward(inner));
        handle.cancel();
        forwarder.join().unwrap();
        // A cancel does nothing to a chain that is just running.
        if resolver.is_cancelled() {
            assert!(outer.try_take().unwrap().unwrap_err().is_cancelled());
        }
        drop(resolver);
    });
}

#[test]
fn forward_against_drop() {
    explore("forward against drop", Bound::Preemptions(5), 50, || {
        let (resolver, inner) = Deferred::<Value>::new();
        let (outer_resolver, outer) = Deferred::<Value>::new();
        let forwarder = thread::spawn(move || outer_resolver.forward(inner));
        drop(outer);
        forwarder.join().unwrap();
        assert!(resolver.is_cancelled());
        drop(resolver);
    });
}

/// What the chain of a dropped Deferred waits for next is cancelled, however late the drop comes.
fn a_drop_reaches_the_next_wait(name: &'static str, with_cancel: bool) {
    let bound = Bound::Preemptions(if with_cancel { 1 } else { 3 });
    explore(name, bound, 50, move || {
        let (resolver, mut outer) = waiting();
        let handle = outer.handle();
        let (next_resolver, next) = Deferred::<Value>::new();
        let outer = outer.add_callback(move |_| next);
        let firer = thread::spawn(move || drop(resolver.callback(Value::new(1))));
        let canceller = with_cancel.then(|| thread::spawn(move || handle.cancel()));
        drop(outer);
        firer.join().unwrap();
        if let Some(canceller) = canceller {
            canceller.join().unwrap();
        }
        assert!(next_resolver.is_cancelled());
        drop(next_resolver);
    });
}

#[test]
fn drop_against_going_on_to_the_next_wait() {
    a_drop_reaches_the_next_wait("drop against going on to the next wait", false);
}

#[test]
fn drop_and_cancel_against_going_on_to_the_next_wait() {
    a_drop_reaches_the_next_wait("drop and cancel against going on to the next wait", true);
}

#[test]
fn two_cancels_against_fire_of_the_inner() {
    explore("two cancels against fire of the inner", Bound::Preemptions(2), 500, || {
        let (resolver, mut outer) = waiting();
        let (first, second) = (outer.handle(), outer.handle());
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).is_ok());
        let canceller = thread::spawn(move || first.cancel());
        second.cancel();
        let fired = firer.join().unwrap();
        canceller.join().unwrap();
        // Neither cancel is for what is attached later.
        let (later, place) = Deferred::<Value>::new();
        let mut outer = outer.add_callback(|_| place);
        assert!(!fired || !later.is_cancelled());
        drop(later);
        assert_eq!(outer.try_take().unwrap().unwrap_err().is_cancelled(), !fired);
    });
}

#[test]
fn pause_against_fire_of_the_inner() {
    explore("pause against fire of the inner", Bound::None, 50, || {
        let (resolver, mut outer) = waiting();
        let calls = Count::default();
        let count = calls.clone();
        let handle = outer.handle();
        let mut outer = outer.add_callback(move |v| {
            Ok({
                count.up();
                v.get()
            })
        });
        let firer = thread::spawn(move || resolver.callback(Value::new(1)).unwrap());
        drop(handle.pause());
        drop(handle);
        firer.join().unwrap();
        assert_eq!((calls.get(), outer.try_take()), (1, Some(Ok(1))));
    });
}

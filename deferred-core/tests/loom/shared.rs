//! A shared result: subscribing, leaving and firing at the same moment.

use deferred_core::Deferred;
use loom::thread;

use crate::common::{Bound, explore};

#[test]
fn fire_against_subscribe() {
    explore("fire against subscribe", Bound::None, 7, || {
        let (resolver, d) = Deferred::<u8>::new();
        let shared = d.shared();
        let mut first = shared.subscribe();
        let firer = thread::spawn(move || resolver.callback(1).unwrap());
        let mut second = shared.subscribe();
        firer.join().unwrap();
        assert_eq!((first.try_take(), second.try_take()), (Some(Ok(1)), Some(Ok(1))));
    });
}

#[test]
fn fire_against_drop_of_a_subscriber() {
    explore("fire against drop of a subscriber", Bound::Preemptions(4), 20, || {
        let (resolver, d) = Deferred::<u8>::new();
        let shared = d.shared();
        let (first, mut second) = (shared.subscribe(), shared.subscribe());
        let firer = thread::spawn(move || resolver.callback(1).unwrap());
        drop(first);
        firer.join().unwrap();
        assert_eq!(second.try_take(), Some(Ok(1)));
    });
}

#[test]
fn fire_against_drop_of_the_last() {
    explore("fire against drop of the last", Bound::Preemptions(3), 20, || {
        let (resolver, d) = Deferred::<u8>::new();
        let shared = d.shared();
        let only = shared.subscribe();
        let firer = thread::spawn(move || resolver.callback(1).is_ok());
        drop(shared);
        drop(only);
        firer.join().unwrap();
    });
}

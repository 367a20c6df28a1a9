//! Panics and calls from inside of calls, at every place.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use crate::common::{Besieged, Guest, besiege};
use deferred_core::{Deferred, Outcome, Resolver};
use deferred_list::{DeferredList, FailureGroup, Progress, as_completed, first_fired, gather_results, race};

type Children = Arc<Mutex<VecDeque<[Resolver<Guest>; 2]>>>;

/// Two children; what fires them is kept.
fn two(children: &Children) -> [Deferred<Guest>; 2] {
    let ((first, a), (second, b)) = (Deferred::new(), Deferred::new());
    children.lock().unwrap().push_back([first, second]);
    [a, b]
}

/// Fires the oldest two that were not cancelled.
fn fire(children: &Children, mut guest: Guest) {
    loop {
        let next = children.lock().unwrap().pop_front();
        let Some([first, second]) = next else { return };
        match first.callback(guest) {
            Ok(()) => return drop(second.callback(None)),
            Err(back) => guest = back,
        }
    }
}

/// Joins in every way what is ready, what is pending, and what goes.
fn join_in_every_way() {
    let some = || {
        let (resolver, d) = Deferred::<u8>::new();
        (resolver, [d, Deferred::succeed(1), Deferred::new().1])
    };
    let (resolver, children) = some();
    drop(DeferredList::new(children));
    assert!(resolver.is_cancelled());
    let (_resolver, children) = some();
    assert!(race(children).wait().is_ok());
    let (_resolver, children) = some();
    assert!(first_fired(children).wait().is_ok());
    let (resolver, children) = some();
    assert!(gather_results(children).wait().is_err(), "one child has no resolver");
    assert!(resolver.is_cancelled());
    drop(as_completed(some().1));
}

/// Lists of two, and how far they are.
#[derive(Clone, Default)]
struct Lists(Children, Arc<Mutex<Vec<Progress>>>);

impl Besieged for Lists {
    type Value = Vec<Outcome<Guest, Infallible>>;
    type Error = Infallible;

    fn new() -> Self {
        Self::default()
    }

    fn wait(&self) -> Deferred<Self::Value> {
        let list = DeferredList::new(two(&self.0));
        self.1.lock().unwrap().push(list.progress());
        list.into_deferred()
    }

    fn fire(&self, guest: Guest) {
        fire(&self.0, guest);
    }

    fn use_every_method(&self) {
        join_in_every_way();
        let all = self.1.lock().unwrap().iter().all(|progress| progress.get().0 <= 2);
        assert!(all);
    }

    fn at_rest(&self) {
        assert!(self.0.lock().unwrap().is_empty());
    }
}

#[test]
fn a_list_stands_whatever_those_who_wait_for_it_do() {
    besiege::<Lists>();
}

/// Races of two.
#[derive(Clone, Default)]
struct Races(Children);

impl Besieged for Races {
    type Value = (usize, Guest);
    type Error = FailureGroup<Infallible>;

    fn new() -> Self {
        Self::default()
    }

    fn wait(&self) -> Deferred<Self::Value, Self::Error> {
        race(two(&self.0))
    }

    fn fire(&self, guest: Guest) {
        fire(&self.0, guest);
    }

    fn use_every_method(&self) {
        join_in_every_way();
    }

    fn at_rest(&self) {
        assert!(self.0.lock().unwrap().is_empty());
    }
}

#[test]
fn a_race_stands_whatever_those_who_wait_for_it_do() {
    besiege::<Races>();
}

//! Models of joins: what the models of deferred-core do not know of a list, a race, a stream and of work in parallel.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release --features loom -p deferred-list --test loom
//! ```
#![cfg(loom)]

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use common::{Bound, CountWaker, Value, explore, poll_with};
use deferred_core::{Deferred, Outcome, Resolver, Stream};
use deferred_list::{DeferredList, as_completed, gather_results, parallel, race};
use loom::sync::Mutex;
use loom::thread;

fn pair<E: std::fmt::Debug>() -> (Resolver<Value, E>, Deferred<Value, E>) {
    Deferred::new()
}

#[test]
fn the_last_child_against_a_poll_of_the_list() {
    explore("the last child against a poll of the list", Bound::None, 10, || {
        let (resolver, child) = pair::<Infallible>();
        let mut list = DeferredList::new([Deferred::succeed(Value::new(1)), child]);
        let firer = thread::spawn(move || resolver.callback(Value::new(2)).unwrap());
        let (wakes, waker) = CountWaker::new();
        let mut polled = poll_with(&mut list, &waker);
        firer.join().unwrap();
        if polled.is_pending() {
            assert_eq!(wakes.count(), 1);
            polled = poll_with(&mut list, &waker);
        }
        let Poll::Ready(outcomes) = polled else { panic!("all have fired") };
        assert_eq!(outcomes.into_iter().map(|value| value.unwrap().get()).collect::<Vec<_>>(), [1, 2]);
    });
}

#[test]
fn the_last_child_against_a_drop_of_the_list() {
    explore("the last child against a drop of the list", Bound::Preemptions(3), 50, || {
        let ((first, a), (second, b)) = (pair::<Infallible>(), pair());
        let list = DeferredList::new([a, b]);
        let firer = thread::spawn(move || {
            drop(first.callback(Value::new(1)));
            drop(second.callback(Value::new(2)));
        });
        drop(list);
        firer.join().unwrap();
    });
}

#[test]
fn two_children_of_a_race() {
    explore("two children of a race", Bound::None, 50, || {
        let ((first, a), (second, b)) = (pair::<Infallible>(), pair());
        let mut d = race([a, b]);
        let firer = thread::spawn(move || first.callback(Value::new(0)).is_ok());
        let taken = [second.callback(Value::new(1)).is_ok(), firer.join().unwrap()];
        let (winner, value) = d.try_take().unwrap().unwrap();
        assert_eq!(winner, usize::from(value.get()));
        assert!(taken[1 - winner]);
    });
}

#[test]
fn a_failure_against_the_other_child_that_is_gathered() {
    explore("a failure against the other child that is gathered", Bound::None, 50, || {
        let ((first, a), (second, b)) = (pair::<&str>(), pair());
        let mut d = gather_results([a, b]);
        let firer = thread::spawn(move || drop(first.callback(Value::new(0))));
        second.errback("no").unwrap();
        firer.join().unwrap();
        assert_eq!(d.try_take().unwrap().unwrap_err().into_error().unwrap().index, 1);
    });
}

#[test]
fn two_children_against_polls_of_a_stream() {
    explore("two children against polls of a stream", Bound::None, 30, || {
        let ((first, a), (second, b)) = (pair::<Infallible>(), pair());
        let mut stream = as_completed([a, b]);
        let firer = thread::spawn(move || {
            second.callback(Value::new(1)).unwrap();
            first.callback(Value::new(0)).unwrap();
        });
        let (wakes, waker) = CountWaker::new();
        let mut poll = || Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
        let (early, mut got) = (poll(), Vec::new());
        firer.join().unwrap();
        if let Poll::Ready(item) = early {
            got.push(item);
        } else {
            assert_eq!(wakes.count(), 1);
        }
        while let Poll::Ready(item @ Some(_)) = poll() {
            got.push(item);
        }
        let got: Vec<_> = got.into_iter().flatten().map(|(n, value)| (n, value.unwrap().get())).collect();
        assert_eq!(got, [(1, 1), (0, 0)]);
    });
}

/// Resolvers of the work that was started, in order.
type Started = Arc<Mutex<Vec<Resolver<Value>>>>;

fn work(limit: usize, n: u8) -> (Started, Deferred<Vec<Outcome<Value, Infallible>>>) {
    let started = Started::default();
    let starter = started.clone();
    let d = parallel(limit, 0..n, move |_| {
        let (resolver, work) = pair();
        starter.lock().unwrap().push(resolver);
        work
    });
    (started, d)
}

#[test]
fn two_that_end_while_a_third_waits_for_a_place() {
    explore("two that end while a third waits for a place", Bound::Preemptions(3), 100, || {
        let (started, mut d) = work(2, 3);
        let second = started.lock().unwrap().pop().unwrap();
        let first = started.lock().unwrap().pop().unwrap();
        let ender = thread::spawn(move || first.callback(Value::new(0)).unwrap());
        second.callback(Value::new(1)).unwrap();
        ender.join().unwrap();
        let third = started.lock().unwrap().pop().unwrap();
        assert!(started.lock().unwrap().is_empty(), "each is started once");
        third.callback(Value::new(2)).unwrap();
        let outcomes = d.try_take().unwrap().unwrap();
        assert_eq!(outcomes.into_iter().map(|value| value.unwrap().get()).collect::<Vec<_>>(), [0, 1, 2]);
    });
}

#[test]
fn one_that_ends_against_a_cancel_of_all() {
    explore("one that ends against a cancel of all", Bound::Preemptions(3), 100, || {
        let (started, mut d) = work(1, 2);
        let first = started.lock().unwrap().pop().unwrap();
        let handle = d.handle();
        let ender = thread::spawn(move || drop(first.callback(Value::new(0))));
        handle.cancel();
        ender.join().unwrap();
        // A second that was started meanwhile was cancelled, too.
        let second = started.lock().unwrap().pop();
        assert!(second.is_none_or(|resolver| resolver.is_cancelled()));
        assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
    });
}

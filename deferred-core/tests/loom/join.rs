//! Joins: children that fire at the same moment, and cancelling.

use std::convert::Infallible;

use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
use loom::thread;

use crate::common::{Bound, Value, explore};
use crate::queue::{put, store};

/// Counts the values; with `first`, ends with the first.
struct Counting {
    first: bool,
}

impl Joiner<Value, Infallible> for Counting {
    type Output = u8;
    type Error = Infallible;
    const REPORTS_LATE: bool = false;

    fn ends(&self, child: &Fired<'_, Value, Infallible>) -> bool {
        self.first && child.is_success()
    }

    fn fired(&self, child: Fired<'_, Value, Infallible>) -> Option<Outcome<u8, Infallible>> {
        (self.first && child.is_success()).then(|| Ok(child.take().unwrap().get()))
    }

    fn all_fired(&self, outcomes: Outcomes<'_, Value, Infallible>) -> Outcome<u8, Infallible> {
        Ok(outcomes.flatten().map(|v| v.get()).sum())
    }
}

#[test]
fn the_last_two_children() {
    explore("the last two children", Bound::None, 4, || {
        let ((first, a), (second, b)) = (Deferred::<Value>::new(), Deferred::<Value>::new());
        let (mut sum, progress) = join([a, b], Counting { first: false });
        let firer = thread::spawn(move || first.callback(Value::new(1)).unwrap());
        second.callback(Value::new(2)).unwrap();
        firer.join().unwrap();
        assert_eq!((progress.get(), sum.try_take()), ((2, 2), Some(Ok(3))));
    });
}

#[test]
fn a_child_that_fires_while_it_is_joined() {
    explore("a child that fires while it is joined", Bound::None, 50, || {
        let ((first, a), (second, b)) = (Deferred::<Value>::new(), Deferred::<Value>::new());
        let firer = thread::spawn(move || {
            second.callback(Value::new(2)).unwrap();
            first.callback(Value::new(1)).unwrap();
        });
        let (mut sum, _) = join([a, b], Counting { first: false });
        firer.join().unwrap();
        assert_eq!(sum.try_take(), Some(Ok(3)));
    });
}

#[test]
fn two_children_that_end_it_early() {
    explore("two children that end it early", Bound::None, 50, || {
        let ((first, a), (second, b)) = (Deferred::<Value>::new(), Deferred::<Value>::new());
        let (mut race, _) = join([a, b], Counting { first: true });
        let firer = thread::spawn(move || first.callback(Value::new(1)).is_ok());
        let second = second.callback(Value::new(2)).is_ok();
        let first = firer.join().unwrap();
        assert!(first || second);
        let winner = race.try_take().unwrap().unwrap();
        assert!(winner == 1 && first || winner == 2 && second);
    });
}

#[test]
fn of_two_that_end_it_early_one_goes_back() {
    explore("of two that end it early one goes back", Bound::Preemptions(3), 50, || {
        let queue = store();
        let (mut race, _) = join([queue.push(()), queue.push(())], Counting { first: true });
        let other = queue.clone();
        let putter = thread::spawn(move || put(&other, Value::new(1)));
        put(&queue, Value::new(2));
        putter.join().unwrap();
        let winner = race.try_take().unwrap().unwrap();
        let stored: Vec<u8> = core::mem::take(&mut queue.lock().0).iter().map(Value::get).collect();
        assert_eq!(stored, [3 - winner]);
    });
}

#[test]
fn a_child_that_ends_it_early_against_cancel_goes_back_or_wins() {
    explore("a child that ends it early against cancel", Bound::None, 50, || {
        let queue = store();
        let (mut race, _) = join([queue.push(())], Counting { first: true });
        let handle = race.handle();
        let other = queue.clone();
        let putter = thread::spawn(move || put(&other, Value::new(1)));
        handle.cancel();
        putter.join().unwrap();
        let stored = core::mem::take(&mut queue.lock().0).len();
        assert_eq!(usize::from(race.try_take().unwrap().is_ok()) + stored, 1);
    });
}

#[test]
fn a_child_against_cancel() {
    explore("a child against cancel", Bound::None, 50, || {
        let ((first, a), (second, b)) = (Deferred::<Value>::new(), Deferred::<Value>::new());
        let (mut sum, _) = join([a, b], Counting { first: false });
        let handle = sum.handle();
        let firer = thread::spawn(move || drop(first.callback(Value::new(1))));
        handle.cancel();
        firer.join().unwrap();
        assert!(second.is_cancelled());
        assert!(sum.try_take().unwrap().unwrap_err().is_cancelled());
        drop(second);
    });
}

#[test]
fn the_last_child_against_cancel() {
    explore("the last child against cancel", Bound::None, 50, || {
        let (resolver, child) = Deferred::<Value>::new();
        let (mut sum, _) = join([child], Counting { first: false });
        let handle = sum.handle();
        let firer = thread::spawn(move || drop(resolver.callback(Value::new(1))));
        handle.cancel();
        firer.join().unwrap();
        match sum.try_take().unwrap() {
            Ok(sum) => assert_eq!(sum, 1),
            Err(failure) => assert!(failure.is_cancelled()),
        }
    });
}

#[test]
fn a_child_against_drop() {
    explore("a child against drop", Bound::Preemptions(3), 50, || {
        let ((first, a), (second, b)) = (Deferred::<Value>::new(), Deferred::<Value>::new());
        let (sum, _) = join([a, b], Counting { first: true });
        let firer = thread::spawn(move || drop(first.callback(Value::new(1))));
        drop(sum);
        firer.join().unwrap();
        assert!(second.is_cancelled());
        drop(second);
    });
}

#[test]
fn two_children_and_cancel_together() {
    explore("two children and cancel together", Bound::Preemptions(2), 500, || {
        let ((first, a), (second, b)) = (Deferred::<Value>::new(), Deferred::<Value>::new());
        let (mut race, _) = join([a, b], Counting { first: true });
        let handle = race.handle();
        let firer = thread::spawn(move || drop(first.callback(Value::new(1))));
        let canceller = thread::spawn(move || handle.cancel());
        drop(second.callback(Value::new(2)));
        firer.join().unwrap();
        canceller.join().unwrap();
        assert!(race.try_take().is_some());
    });
}

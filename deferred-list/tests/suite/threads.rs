//! Joins on many threads: the last child against whoever drops, cancels or looks at the same moment.

use std::thread;

use crate::common::{CountWaker, Drops, poll_with, together, watchdog};
use deferred_core::{Deferred, Resolver};
use deferred_list::{DeferredList, as_completed, first_fired, gather_results};
use futures_lite::{StreamExt, future};

const ROUNDS: usize = if cfg!(miri) { 3 } else { 300 };

type Ends<T> = (Vec<Resolver<T, &'static str>>, Vec<Deferred<T, &'static str>>);

/// So many pending Deferreds, and what fires them.
fn pending<T>(n: usize) -> Ends<T> {
    (0..n).map(|_| Deferred::new()).unzip()
}

#[test]
fn the_last_child_meets_the_drop_of_the_list_and_each_value_is_dropped_once() {
    watchdog(|| {
        let drops = Drops::new();
        for round in 0..ROUNDS {
            let (mut resolvers, children) = pending(2);
            let list = DeferredList::new(children);
            let last = resolvers.pop().unwrap();
            resolvers.pop().unwrap().callback(drops.value()).unwrap();
            let value = drops.value();
            together(move || drop(list), move || drop(last.callback(value)));
            assert_eq!(drops.count(), 2 * (round + 1));
        }
    });
}

#[test]
fn the_last_two_children_meet_and_the_list_fires_once() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (mut resolvers, children) = pending(3);
            let (count, waker) = CountWaker::new();
            let mut list = DeferredList::new(children).into_deferred();
            assert!(poll_with(&mut list, &waker).is_pending());
            let [a, b, c] = [(); 3].map(|()| resolvers.remove(0));
            a.callback(0).unwrap();
            together(move || c.callback(2).unwrap(), move || b.errback("one").unwrap());
            assert_eq!(count.count(), 1);
            assert_eq!(list.try_take().unwrap().unwrap(), [Ok(0), Err("one".into()), Ok(2)]);
        }
    });
}

#[test]
fn a_child_meets_the_cancel_of_the_list_and_its_value_is_dropped_once() {
    watchdog(|| {
        let drops = Drops::new();
        for round in 0..ROUNDS {
            let (mut resolvers, children) = pending(3);
            let mut list = DeferredList::new(children).into_deferred();
            let handle = list.handle();
            let (child, value) = (resolvers.remove(1), drops.value());
            together(move || drop(child.callback(value)), move || handle.cancel());
            assert!(list.wait().unwrap_err().is_cancelled());
            assert!(resolvers.iter().all(Resolver::is_cancelled));
            assert_eq!(drops.count(), round + 1);
        }
    });
}

#[test]
fn the_first_failure_meets_another_and_one_of_them_is_told() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (mut resolvers, children) = pending::<u8>(3);
            let gathered = gather_results(children);
            let (b, a) = (resolvers.remove(1), resolvers.remove(0));
            // Whoever comes second is cancelled, and gets its error back; its chain reports nothing.
            let a_told = together(move || a.errback("a").is_ok(), move || drop(b.errback("b")));
            let first = gathered.wait().unwrap_err().into_error().unwrap();
            assert!(first.index == 1 || a_told && first.index == 0);
            assert!(resolvers[0].is_cancelled());
        }
    });
}

#[test]
fn the_first_to_fire_is_told_and_the_others_are_cancelled() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (mut resolvers, children) = pending::<usize>(3);
            let first = first_fired(children);
            let (b, a) = (resolvers.remove(1), resolvers.remove(0));
            let _ = together(move || a.callback(0), move || b.callback(1).unwrap_or(()));
            let (index, outcome) = first.wait().unwrap();
            assert_eq!(outcome, Ok(index));
            assert!(resolvers[0].is_cancelled());
        }
    });
}

#[test]
fn a_stream_gives_each_child_once_whatever_thread_fires_it() {
    watchdog(|| {
        for _ in 0..ROUNDS / 10 {
            let (resolvers, children) = pending(40);
            let stream = as_completed(children);
            let mut sides = [Vec::new(), Vec::new()];
            for (n, resolver) in resolvers.into_iter().enumerate() {
                sides[n % 2].push((n, resolver));
            }
            thread::scope(|scope| {
                for side in sides {
                    scope.spawn(|| side.into_iter().for_each(|(n, resolver)| resolver.callback(n).unwrap()));
                }
                let mut got: Vec<_> = future::block_on(stream.collect());
                got.sort_unstable_by_key(|(index, _)| *index);
                assert!(got.into_iter().eq((0..40).map(|n| (n, Ok(n)))));
            });
        }
    });
}

//! Models of joins with more threads than loom can do, under some thousands of schedules each.
//!
//! ```sh
//! RUSTFLAGS="--cfg shuttle" cargo test --release --features shuttle -p deferred-list --test shuttle
//! ```
#![cfg(shuttle)]

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::convert::Infallible;

use common::{Drops, shuffle};
use deferred_core::{Deferred, Resolver};
use deferred_list::{DeferredList, as_completed, gather_results, race};
use futures_lite::StreamExt;
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

type Ends<T, E> = (Vec<Resolver<T, E>>, Vec<Deferred<T, E>>);

fn pending<T, E: std::fmt::Debug>(n: usize) -> Ends<T, E> {
    (0..n).map(|_| Deferred::new()).unzip()
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_list_that_is_dropped_while_threads_fire_its_children() {
    shuffle("a list that is dropped while threads fire", 6000, || {
        let drops = Drops::new();
        let (resolvers, children) = pending::<_, Infallible>(4);
        let list = DeferredList::new(children);
        let mut threads: Vec<_> = resolvers
            .into_iter()
            .map(|resolver| {
                let value = drops.value();
                thread::spawn(move || drop(resolver.callback(value)))
            })
            .collect();
        threads.push(thread::spawn(move || drop(list)));
        join(threads);
        assert_eq!(drops.count(), 4);
    });
}

#[test]
fn a_list_that_is_awaited_and_cancelled_while_threads_fire_its_children() {
    shuffle("a list that is awaited and cancelled while threads fire", 6000, || {
        let (resolvers, children) = pending::<usize, Infallible>(4);
        let mut list = DeferredList::new(children).into_deferred();
        let handle = list.handle();
        let mut threads: Vec<_> = resolvers
            .into_iter()
            .enumerate()
            .map(|(n, resolver)| thread::spawn(move || _ = resolver.callback(n)))
            .collect();
        threads.push(thread::spawn(move || handle.cancel()));
        match block_on(list) {
            Ok(outcomes) => assert!(outcomes.into_iter().map(|outcome| outcome.unwrap()).eq(0..4)),
            Err(failure) => assert!(failure.is_cancelled()),
        }
        join(threads);
    });
}

#[test]
fn a_race_has_one_winner_and_the_others_are_cancelled() {
    shuffle("a race", 6000, || {
        let (resolvers, children) = pending::<usize, Infallible>(5);
        let d = race(children);
        let threads: Vec<_> = resolvers
            .into_iter()
            .enumerate()
            .map(|(n, resolver)| thread::spawn(move || _ = resolver.callback(n)))
            .collect();
        let (winner, value) = block_on(d).unwrap();
        assert_eq!(winner, value);
        join(threads);
    });
}

#[test]
fn gathered_children_of_which_one_fails() {
    shuffle("gathered children of which one fails", 6000, || {
        let (resolvers, children) = pending::<usize, &str>(4);
        let d = gather_results(children);
        let threads: Vec<_> = resolvers
            .into_iter()
            .enumerate()
            .map(|(n, resolver)| {
                thread::spawn(move || {
                    _ = if n == 2 { resolver.errback("two").is_ok() } else { resolver.callback(n).is_ok() }
                })
            })
            .collect();
        let failure = block_on(d).unwrap_err().into_error().unwrap();
        assert_eq!(failure.index, 2);
        join(threads);
    });
}

#[test]
fn a_stream_gives_each_outcome_once() {
    shuffle("a stream", 6000, || {
        let (resolvers, children) = pending::<usize, Infallible>(4);
        let mut stream = as_completed(children);
        let threads: Vec<_> = resolvers
            .into_iter()
            .enumerate()
            .map(|(n, resolver)| thread::spawn(move || resolver.callback(n).unwrap()))
            .collect();
        let mut got = Vec::new();
        while let Some((n, outcome)) = block_on(stream.next()) {
            assert_eq!(outcome.unwrap(), n);
            got.push(n);
        }
        got.sort_unstable();
        assert_eq!(got, [0, 1, 2, 3]);
        join(threads);
    });
}

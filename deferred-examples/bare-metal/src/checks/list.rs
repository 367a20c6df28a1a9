//! deferred-list.

use alloc::vec::Vec;
use core::future::poll_fn;
use core::pin::Pin;

use deferred_bare_metal::board::in_interrupt;
use deferred_bare_metal::executor::wait_for;
use deferred_core::{Deferred, Resolver, Stream};
use deferred_list::{DeferredList, Gather, as_completed, first_fired, gather_results, parallel, race};
use deferred_queue::DeferredQueue;

use super::Check;

pub const CHECKS: &[Check] = &[
    ("list: a list waits for all, fired by interrupts from last to first", list),
    ("list: results are gathered", gathered),
    ("list: the first failure ends a gathering and cancels the rest", gathering_fails),
    ("list: the first success wins a race", raced),
    ("list: whatever fires first ends the wait", fired_first),
    ("list: outcomes are streamed as interrupts fire them", streamed),
    ("list: two at a time, each ended by an interrupt", limited),
    ("list: different types are gathered", gathered_tuple),
];

/// Some Deferreds, and what fires them.
fn pending(n: u32) -> (Vec<Resolver<u32, &'static str>>, Vec<Deferred<u32, &'static str>>) {
    (0..n).map(|_| Deferred::new()).unzip()
}

/// Fires each with its number, from last to first, in an interrupt each.
fn fire_backwards(mut resolvers: Vec<Resolver<u32, &'static str>>) {
    let Some(resolver) = resolvers.pop() else { return };
    // Whoever lost a race does not want it.
    let _ = resolver.callback(resolvers.len() as u32);
    in_interrupt(move || fire_backwards(resolvers));
}

fn list() {
    let (resolvers, ds) = pending(4);
    let list = DeferredList::new(ds);
    let progress = list.progress();
    assert_eq!(progress.get(), (0, 4));
    let outcomes = wait_for(list, || fire_backwards(resolvers));
    assert!(outcomes.into_iter().eq((0..4).map(Ok)));
    assert_eq!(progress.get(), (4, 4));
}

fn gathered() {
    let (resolvers, ds) = pending(3);
    assert_eq!(wait_for(gather_results(ds), || fire_backwards(resolvers)), Ok([0, 1, 2].into()));
}

fn gathering_fails() {
    let (mut resolvers, ds) = pending(2);
    let last = resolvers.pop().unwrap();
    let failure = wait_for(gather_results(ds), || last.errback("noise").unwrap()).unwrap_err();
    assert_eq!(failure.into_error().unwrap().index, 1);
    assert!(resolvers[0].is_cancelled());
}

fn raced() {
    let (resolvers, ds) = pending(3);
    assert_eq!(wait_for(race(ds), || fire_backwards(resolvers)), Ok((2, 2)));
}

fn fired_first() {
    let (mut resolvers, ds) = pending(2);
    let last = resolvers.pop().unwrap();
    let (index, outcome) = wait_for(first_fired(ds), || last.errback("noise").unwrap()).unwrap();
    assert_eq!((index, outcome.unwrap_err().into_error()), (1, Ok("noise")));
}

fn streamed() {
    let (resolvers, ds) = pending(3);
    let mut stream = as_completed(ds);
    let order = async {
        let mut order = Vec::new();
        while let Some((index, outcome)) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            assert_eq!(outcome, Ok(index as u32));
            order.push(index as u32);
        }
        order
    };
    assert_eq!(wait_for(order, || fire_backwards(resolvers)), [2, 1, 0]);
}

fn limited() {
    let started = DeferredQueue::new();
    let work = started.clone();
    let d = parallel(2, 1..=4, move |n: u32| {
        let (resolver, d) = Deferred::<u32>::new();
        work.put(resolver).unwrap();
        d.add_callback(move |m| Ok(n * m))
    });
    fn finish(started: DeferredQueue<Resolver<u32>>, most: usize) {
        assert!(started.len() <= most, "more than two run");
        let Some(resolver) = started.try_get() else { return };
        resolver.callback(10).unwrap();
        in_interrupt(move || finish(started, most));
    }
    let outcomes = wait_for(d, move || finish(started, 2)).unwrap();
    assert!(outcomes.into_iter().eq([10, 20, 30, 40].map(Ok)));
}

fn gathered_tuple() {
    let (one, number) = Deferred::<u32>::new();
    let (two, text) = Deferred::<&str>::new();
    let fire = move || {
        two.callback("two").unwrap();
        in_interrupt(move || one.callback(1).unwrap());
    };
    assert_eq!(wait_for((number, text).gather(), fire), Ok((1, "two")));
}

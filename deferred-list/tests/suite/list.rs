//! `DeferredList`, `gather_results`, `race`, `first_fired` and tuples: every order, every way to fail.

use std::task::Poll;
use std::time::Duration;

use crate::common::{CountWaker, Drops, Trace, poll_once, poll_with, reports};
use crate::helpers::{Ends, Fail, fire, pending};
use deferred_core::{Deferred, Failure, FailureKind, ManualClock, Outcome};
use deferred_list::{
    DeferredList, FailureGroup, FirstError, Gather, GatherOptions, NothingToJoin, first_fired, gather_results, race,
};
use deferred_queue::DeferredQueue;
use deferred_sync::DeferredSemaphore;

/// All orders of `0..n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(n - 1) {
        for place in 0..n {
            let mut order = shorter.clone();
            order.insert(place, n - 1);
            all.push(order);
        }
    }
    all
}

/// What child number `n` of a mixed lot comes to: the odd ones fail.
fn mixed(n: usize) -> Outcome<usize, Fail> {
    if n % 2 == 0 { Ok(n) } else { Err("odd".into()) }
}

fn error<T: std::fmt::Debug, E: std::fmt::Debug>(d: &mut Deferred<T, E>) -> FailureKind<E> {
    d.try_take().expect("it has fired").expect_err("it has failed").into_kind()
}

// Smoke: every order.

#[test]
fn a_list_gives_outcomes_in_input_order_whatever_the_order_of_firing() {
    for n in 0..=5 {
        for order in orders(n) {
            let (mut resolvers, children) = pending(n);
            let list = DeferredList::new(children);
            let progress = list.progress();
            let mut list = list.into_deferred();
            for (done, &child) in order.iter().enumerate() {
                assert_eq!(progress.get(), (done, n));
                assert!(!list.is_fired());
                fire(&mut resolvers[child], mixed(child));
            }
            assert_eq!(list.try_take(), Some(Ok((0..n).map(mixed).collect())), "{order:?}");
            assert_eq!(progress.get(), (n, n));
        }
    }
}

#[test]
fn a_list_takes_children_that_had_fired_among_others() {
    for fired in 0..1 << 4_usize {
        let (mut resolvers, mut children) = pending(4);
        for n in (0..4).filter(|n| fired >> n & 1 == 1) {
            // Half of them have a cell, half have none.
            if n % 2 == 0 {
                fire(&mut resolvers[n], mixed(n));
            } else {
                resolvers[n] = None;
                children[n] = Deferred::from_outcome(mixed(n));
            }
        }
        let mut list = DeferredList::new(children).into_deferred();
        for (n, resolver) in resolvers.iter_mut().enumerate() {
            if resolver.is_some() {
                assert!(!list.is_fired());
                fire(resolver, mixed(n));
            }
        }
        assert_eq!(list.try_take(), Some(Ok((0..4).map(mixed).collect())), "{fired:b}");
    }
}

#[test]
fn gather_gives_values_in_input_order_whatever_the_order_of_firing() {
    for n in 0..=5 {
        for order in orders(n) {
            let (mut resolvers, children) = pending(n);
            let mut all = gather_results(children);
            for &child in &order {
                assert!(!all.is_fired());
                fire(&mut resolvers[child], Ok(child));
            }
            assert_eq!(all.try_take(), Some(Ok((0..n).collect())));
        }
    }
}

#[test]
fn gather_fails_with_the_first_failure_in_time_and_cancels_the_others() {
    for order in orders(4) {
        let (mut resolvers, children) = pending(4);
        let (_, reported) = reports(|| {
            let mut all = gather_results(children);
            let mut fired = 0;
            for &child in &order {
                if all.is_fired() {
                    break;
                }
                fire(&mut resolvers[child], mixed(child));
                fired += 1;
            }
            let first = *order.iter().find(|child| *child % 2 == 1).unwrap();
            let expected = FirstError { index: first, failure: "odd".into() };
            assert_eq!(error(&mut all), FailureKind::Error(expected), "{order:?}");
            assert_eq!(resolvers.iter().flatten().filter(|resolver| resolver.is_cancelled()).count(), 4 - fired);
        });
        assert!(reported.is_empty(), "nobody failed by himself: {reported:?}");
    }
}

#[test]
fn race_gives_the_first_success_and_cancels_the_others() {
    for order in orders(4) {
        let (mut resolvers, children) = pending(4);
        let mut d = race(children);
        let winner = *order.iter().find(|child| *child % 2 == 0).unwrap();
        for &child in &order {
            fire(&mut resolvers[child], mixed(child));
            if child == winner {
                break;
            }
        }
        assert_eq!(d.try_take(), Some(Ok((winner, winner))), "{order:?}");
        assert!(resolvers.iter().flatten().all(|resolver| resolver.is_cancelled()));
    }
}

#[test]
fn race_fails_with_all_failures_in_input_order() {
    for order in orders(4) {
        let (mut resolvers, children) = pending::<()>(4);
        let mut d = race(children);
        for &child in &order {
            assert!(!d.is_fired());
            fire(&mut resolvers[child], Err(["a", "b", "c", "d"][child].into()));
        }
        let group = FailureGroup { failures: ["a", "b", "c", "d"].map(Failure::from).to_vec() };
        assert_eq!(error(&mut d), FailureKind::Error(group));
    }
}

#[test]
fn first_fired_gives_whichever_comes_first() {
    for order in orders(3) {
        let (mut resolvers, children) = pending(3);
        let mut d = first_fired(children);
        fire(&mut resolvers[order[0]], mixed(order[0]));
        assert_eq!(d.try_take(), Some(Ok((order[0], mixed(order[0])))));
        assert!(resolvers.iter().flatten().all(|resolver| resolver.is_cancelled()));
    }
}

#[test]
fn nothing_to_join_is_defined_for_each_function() {
    let none = Vec::<Deferred<u8, Fail>>::new;
    assert_eq!(poll_once(&mut DeferredList::new(none())), Poll::Ready(Vec::new()));
    assert_eq!(DeferredList::new(none()).progress().get(), (0, 0));
    assert_eq!(gather_results(none()).try_take(), Some(Ok(Vec::new())));
    assert_eq!(GatherOptions::new().keep_running().gather_results(none()).try_take(), Some(Ok(Vec::new())));
    let empty = FailureGroup { failures: Vec::new() };
    assert_eq!(empty.to_string(), "there was nothing to race");
    assert_eq!(error(&mut race(none())), FailureKind::Error(empty));
    let FailureKind::Error(nothing) = error(&mut first_fired(none())) else { panic!() };
    assert!(matches!(nothing, NothingToJoin { .. }));
    assert_eq!(nothing.to_string(), "there was nothing that could fire first");
}

#[test]
fn one_child_is_a_list_too() {
    let one = |outcome| [Deferred::<u8, Fail>::from_outcome(outcome)];
    assert_eq!(DeferredList::new(one(Ok(1))).into_deferred().try_take(), Some(Ok(vec![Ok(1)])));
    assert_eq!(gather_results(one(Ok(1))).try_take(), Some(Ok(vec![1])));
    assert_eq!(race(one(Ok(1))).try_take(), Some(Ok((0, 1))));
    assert_eq!(first_fired(one(Err("no".into()))).try_take(), Some(Ok((0, Err("no".into())))));
}

#[test]
fn tuples_of_one_to_eight_gather_values_of_different_types() {
    fn ok<T>(value: T) -> Deferred<T, Fail> {
        Deferred::succeed(value)
    }
    assert_eq!((ok(1_u8),).gather().try_take(), Some(Ok((1,))));
    assert_eq!((ok(1_u8), ok("b")).gather().try_take(), Some(Ok((1, "b"))));
    assert_eq!((ok(1), ok('b'), ok(())).gather().wait(), Ok((1, 'b', ())));
    assert_eq!((ok(1), ok(2), ok(3), ok("d")).gather().wait(), Ok((1, 2, 3, "d")));
    assert_eq!((ok(1), ok(2), ok(3), ok(4), ok("e")).gather().wait(), Ok((1, 2, 3, 4, "e")));
    assert_eq!((ok(1), ok(2), ok(3), ok(4), ok(5), ok("f")).gather().wait(), Ok((1, 2, 3, 4, 5, "f")));
    let seven = (ok(1), ok(2), ok(3), ok(4), ok(5), ok(6), ok(7.5));
    assert_eq!(seven.gather().wait(), Ok((1, 2, 3, 4, 5, 6, 7.5)));
    let eight = (ok(1), ok(2), ok(3), ok(4), ok(5), ok(6), ok(7), ok(vec![8]));
    assert_eq!(eight.gather().wait(), Ok((1, 2, 3, 4, 5, 6, 7, vec![8])));
}

#[test]
fn a_tuple_fails_with_the_first_failure_and_cancels_the_others() {
    let (number, first) = Deferred::<u8, Fail>::new();
    let (text, second) = Deferred::<String, Fail>::new();
    let mut both = (first, second).gather();
    text.errback("no").unwrap();
    assert!(number.is_cancelled());
    assert_eq!(error(&mut both), FailureKind::Error(FirstError { index: 1, failure: "no".into() }));

    let (number, first) = Deferred::<u8, Fail>::new();
    let (text, second) = Deferred::<String, Fail>::new();
    let mut both = (first, second).gather();
    text.callback("b".to_string()).unwrap();
    both.handle().cancel();
    assert!(number.is_cancelled());
    assert!(both.try_take().unwrap().unwrap_err().is_cancelled());
}

// Order and wakes.

#[test]
fn a_list_wakes_once_when_the_last_child_fires() {
    let (mut resolvers, children) = pending(3);
    let mut list = DeferredList::new(children);
    let (count, waker) = CountWaker::new();
    assert!(poll_with(&mut list, &waker).is_pending());
    for (n, resolver) in resolvers.iter_mut().enumerate() {
        assert_eq!(count.count(), 0);
        fire(resolver, mixed(n));
    }
    assert_eq!(count.count(), 1);
    assert!(poll_with(&mut list, &waker).is_ready());
}

#[test]
fn losers_are_cancelled_in_input_order_before_the_winner_is_told() {
    let trace = Trace::new();
    let (mut resolvers, children): Ends<u8> = (0..3)
        .map(|n| {
            let log = trace.clone();
            let (resolver, d) = Deferred::with_canceller(move |c| {
                log.log(format!("cancel {n}"));
                c.done()
            });
            (Some(resolver), d)
        })
        .unzip();
    let log = trace.clone();
    race(children)
        .add_callback(move |(n, _)| {
            log.log(format!("winner {n}"));
            Ok(())
        })
        .detach();
    fire(&mut resolvers[1], Ok(1));
    trace.expect(["cancel 0", "cancel 2", "winner 1"]);
}

#[test]
fn callbacks_of_a_child_run_before_those_of_the_list() {
    let trace = Trace::new();
    let (resolver, child) = Deferred::<u8>::new();
    let (inner, outer) = (trace.clone(), trace.clone());
    let child = child.add_callback(move |n| {
        inner.log(format!("child {n}"));
        Ok(())
    });
    DeferredList::new([child])
        .into_deferred()
        .add_callback(move |_| {
            outer.log("list");
            Ok(())
        })
        .detach();
    resolver.callback(1).unwrap();
    trace.expect(["child 1", "list"]);
}

// Cancelling and timeouts.

#[test]
fn a_list_that_is_dropped_cancels_its_children_and_tells_nobody() {
    let ((), reported) = reports(|| {
        let (resolvers, mut children) = pending::<u8>(3);
        children.push(Deferred::fail("a child's failure is not the list's"));
        drop(DeferredList::new(children));
        assert!(resolvers.iter().flatten().all(|resolver| resolver.is_cancelled()));
    });
    assert!(reported.is_empty(), "{reported:?}");
}

#[test]
fn cancelling_reads_cancelled_for_every_way_of_joining() {
    fn check<T: Send + 'static, E: std::fmt::Debug + Send + 'static>(
        join: impl FnOnce(Vec<Deferred<u8, Fail>>) -> Deferred<T, E>,
    ) {
        let (resolvers, children) = pending(2);
        let mut d = join(children);
        d.handle().cancel();
        d.handle().cancel();
        assert!(resolvers.iter().flatten().all(|resolver| resolver.is_cancelled()));
        assert!(matches!(d.try_take(), Some(Err(failure)) if failure.is_cancelled()));
    }
    check(|children| DeferredList::new(children).into_deferred());
    check(gather_results);
    check(|children| GatherOptions::new().keep_running().gather_results(children));
    check(race);
    check(first_fired);
}

#[test]
fn a_timeout_reads_timed_out_for_every_way_of_joining() {
    fn check<T: Send + 'static, E: std::fmt::Debug + Send + 'static>(
        join: impl FnOnce(Vec<Deferred<u8, Fail>>) -> Deferred<T, E>,
    ) {
        let clock = ManualClock::new();
        let (mut resolvers, children) = pending(3);
        let mut d = join(children).timeout(&clock, Duration::from_secs(1));
        if std::any::type_name::<T>().contains("Vec") {
            fire(&mut resolvers[1], Ok(1));
        }
        clock.advance(Duration::from_millis(999));
        assert!(d.try_take().is_none());
        clock.advance(Duration::from_millis(1));
        assert!(matches!(d.try_take(), Some(Err(failure)) if failure.is_timed_out()));
        assert!(resolvers.iter().flatten().all(|resolver| resolver.is_cancelled()));
        assert_eq!(clock.pending(), 0);
    }
    check(|children| DeferredList::new(children).into_deferred());
    check(gather_results);
    check(race);
    check(first_fired);
}

#[test]
fn a_timer_is_freed_when_the_join_fires_in_time() {
    let clock = ManualClock::new();
    let (mut resolvers, children) = pending(1);
    let mut d = gather_results(children).timeout(&clock, Duration::from_secs(1));
    fire(&mut resolvers[0], Ok(1));
    assert_eq!(clock.pending(), 0);
    assert_eq!(d.try_take(), Some(Ok(vec![1])));
}

#[test]
fn a_cancelled_list_fires_when_all_its_children_have_ended() {
    let (late, child) = Deferred::<u8, Fail>::with_canceller(|c| c.later());
    let (_resolver, other) = Deferred::new();
    let mut list = DeferredList::new([child, other]).into_deferred();
    list.handle().cancel();
    assert!(list.try_take().is_none(), "one is still cleaning up");
    late.callback(1).unwrap();
    assert!(list.try_take().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn cancelling_a_join_that_has_fired_cancels_what_its_callback_waits_for() {
    let (resolver, inner) = Deferred::<u8>::new();
    let mut d = DeferredList::new([Deferred::<u8>::succeed(1)]).into_deferred().add_callback(|_| inner);
    d.handle().cancel();
    assert!(resolver.is_cancelled());
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn a_handle_of_a_child_cancels_that_child_alone() {
    let (mut resolvers, mut children) = pending(2);
    let handle = children[0].handle();
    let mut list = DeferredList::new(children).into_deferred();
    handle.cancel();
    fire(&mut resolvers[1], Ok(1));
    let outcomes = list.try_take().unwrap().unwrap();
    assert!(matches!(&outcomes[0], Err(failure) if failure.is_cancelled()));
    assert_eq!(outcomes[1], Ok(1));
}

#[test]
fn a_list_that_is_cancelled_fails_where_it_was_made() {
    let (_resolver, d) = Deferred::<u8, Fail>::new();
    let (list, line) = (DeferredList::new([d]), line!());
    let mut list = list.into_deferred();
    list.handle().cancel();
    let failure = list.try_take().unwrap().unwrap_err();
    assert_eq!((failure.is_cancelled(), failure.origin().file(), failure.origin().line()), (true, file!(), line));
}

#[test]
fn what_nobody_took_from_a_join_goes_back() {
    let queue = DeferredQueue::new();
    (1..=4).for_each(|n| queue.put(n).unwrap());
    assert_eq!(race([queue.get(), queue.get()]).wait(), Ok((0, 1)));
    assert_eq!(queue.drain(), [2, 3, 4], "the loser's item is back");

    let (waiting, semaphore) = (DeferredQueue::new(), DeferredSemaphore::new(2));
    let mut d = first_fired([waiting.get(), waiting.get()]);
    waiting.put('a').unwrap();
    waiting.put('b').unwrap();
    assert_eq!(d.try_take(), Some(Ok((0, Ok('a')))));
    assert_eq!(waiting.drain(), ['b']);

    drop(race([semaphore.acquire(), semaphore.acquire()]).wait());
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn a_list_that_is_dropped_gives_delivered_items_back() {
    let queue = DeferredQueue::new();
    let list = DeferredList::new([queue.get(), queue.get()]);
    queue.put(1).unwrap();
    drop(list);
    assert_eq!((queue.waiting(), queue.drain()), (0, vec![1]));
}

// Errors.

#[test]
fn later_failures_of_a_gather_are_reported() {
    let (_, reported) = reports(|| {
        let (mut resolvers, children) = pending::<u8>(3);
        let mut all = GatherOptions::new().keep_running().gather_results(children);
        fire(&mut resolvers[0], Err("first".into()));
        assert!(all.try_take().is_some());
        fire(&mut resolvers[1], Err("second".into()));
        fire(&mut resolvers[2], Ok(3));
    });
    assert_eq!(reported.len(), 1);
    assert!(reported[0].contains("second"), "{reported:?}");
}

#[test]
fn failures_that_were_there_before_the_gather_are_reported_too() {
    let ((), reported) = reports(|| {
        let (_resolver, pending) = Deferred::<u8, Fail>::new();
        let all = gather_results([Deferred::fail("first"), Deferred::fail("second"), pending]);
        assert!(all.wait().is_err());
    });
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported[0].contains("second"));
    let ((), reported) = reports(|| {
        assert!(gather_results([Deferred::<u8, Fail>::fail("first"), Deferred::fail("second")]).wait().is_err());
    });
    assert_eq!(reported.len(), 1, "{reported:?}");
}

#[test]
fn what_losers_come_to_is_dropped_in_silence() {
    let drops = Drops::new();
    let ((), reported) = reports(|| {
        let (winner, first) = Deferred::<Option<crate::common::DropCount>, Fail>::new();
        let (late, second) = Deferred::with_canceller(|c| c.later());
        let (later, third) = Deferred::with_canceller(|c| c.later());
        let mut d = race([first, second, third]);
        winner.callback(None).unwrap();
        assert!(d.try_take().is_some());
        late.callback(Some(drops.value())).unwrap();
        later.errback("too late").unwrap();
    });
    assert_eq!((drops.count(), reported.len()), (1, 0));
}

#[test]
fn errors_say_what_happened() {
    let first = FirstError { index: 2, failure: Failure::from("no") };
    assert_eq!(first.to_string(), "number 2 failed: no");
    let failures = vec![Failure::from("a"), Failure::from("b")];
    assert_eq!(FailureGroup { failures }.to_string(), "all 2 failed, the first with: a");
    assert_eq!(FailureGroup { failures: vec![Failure::from("a")] }.to_string(), "the only one failed: a");
}

#[test]
fn an_abandoned_child_counts_as_failed() {
    let (resolvers, children) = pending::<u8>(2);
    let mut list = DeferredList::new(children).into_deferred();
    drop(resolvers);
    let outcomes = list.try_take().unwrap().unwrap();
    assert!(outcomes.iter().all(|o| matches!(o.as_ref().unwrap_err().kind(), FailureKind::Abandoned)));
}

#[test]
fn a_child_that_was_taken_before_counts_as_abandoned() {
    let mut child = Deferred::<u8, Fail>::succeed(1);
    assert!(child.try_take().is_some());
    let outcomes = DeferredList::new([child]).into_deferred().wait().unwrap();
    assert!(matches!(outcomes[0].as_ref().unwrap_err().kind(), FailureKind::Abandoned));
}

//! Chains that wait for a Deferred which a callback returned.

use crate::common::{Trace, log, reports};
use deferred_core::{Deferred, FailureKind};

#[test]
fn a_chain_waits_for_the_deferred_that_its_callback_returned() {
    let trace = Trace::new();
    let (outer_resolver, outer) = Deferred::<u32, &str>::new();
    let (inner_resolver, inner) = Deferred::<u32, &str>::new();
    let mut outer = outer.add_callback(move |_| inner).add_callback(log(&trace, "outer"));
    outer_resolver.callback(1).unwrap();
    assert_eq!((outer.try_take(), trace.take().len()), (None, 0));
    inner_resolver.callback(2).unwrap();
    trace.expect(["outer 2"]);
    assert_eq!(outer.try_take(), Some(Ok(2)));
}

#[test]
fn an_errback_may_return_a_deferred_too() {
    let (inner_resolver, inner) = Deferred::<u32, &str>::new();
    let mut outer = Deferred::<u32, &str>::fail("no").add_errback(move |_| inner);
    assert_eq!(outer.try_take(), None);
    inner_resolver.callback(2).unwrap();
    assert_eq!(outer.try_take(), Some(Ok(2)));
}

#[test]
fn a_fired_inner_is_taken_over_on_the_spot() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Deferred::<u32, &str>::new();
    inner_resolver.callback(2).unwrap();
    let mut outer = Deferred::<u32, &str>::succeed(1)
        .add_callback(move |_| inner)
        .add_callback(log(&trace, "after a fired one"))
        .add_callback(|n| Deferred::succeed(n + 1))
        .add_callback(log(&trace, "after a ready one"));
    trace.expect(["after a fired one 2", "after a ready one 3"]);
    assert_eq!(outer.try_take(), Some(Ok(3)));
}

#[test]
fn the_result_handed_over_is_that_of_the_inner_chain() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Deferred::<u32, &str>::new();
    let inner = inner.add_callback(log(&trace, "inner")).add_callback(|n| Ok(n * 10));
    let mut outer = Deferred::<u32, &str>::succeed(1).add_callback(move |_| inner).add_callback(log(&trace, "outer"));
    inner_resolver.callback(2).unwrap();
    trace.expect(["inner 2", "outer 20"]);
    assert_eq!(outer.try_take(), Some(Ok(20)));
}

#[test]
fn a_failure_of_the_inner_becomes_that_of_the_outer_and_is_not_reported_for_the_inner() {
    let (outcome, reported) = reports(|| {
        let (inner_resolver, inner) = Deferred::<u32, &str>::new();
        let mut outer = Deferred::<u32, &str>::succeed(1).add_callback(move |_| inner);
        inner_resolver.errback("deep").unwrap();
        outer.try_take()
    });
    assert_eq!(outcome, Some(Err("deep".into())));
    assert_eq!(reported, [""; 0]);
}

#[test]
fn an_inner_that_waits_itself_is_waited_for() {
    let (leaf_resolver, leaf) = Deferred::<u32, &str>::new();
    let (middle_resolver, middle) = Deferred::<u32, &str>::new();
    let middle = middle.add_callback(move |_| leaf).add_callback(|n| Ok(n + 1));
    middle_resolver.callback(0).unwrap();
    assert!(middle.is_fired());
    let (outer_resolver, outer) = Deferred::<u32, &str>::new();
    let mut outer = outer.add_callback(move |_| middle).add_callback(|n| Ok(n + 1));
    outer_resolver.callback(0).unwrap();
    assert_eq!(outer.try_take(), None);
    leaf_resolver.callback(5).unwrap();
    assert_eq!(outer.try_take(), Some(Ok(7)));
}

#[test]
fn an_inner_that_is_fired_but_paused_is_waited_for() {
    let (inner_resolver, mut inner) = Deferred::<u32, &str>::new();
    let paused = inner.pause();
    inner_resolver.callback(2).unwrap();
    let mut outer = Deferred::<u32, &str>::succeed(1).add_callback(move |_| inner);
    assert_eq!(outer.try_take(), None);
    drop(paused);
    assert_eq!(outer.try_take(), Some(Ok(2)));
}

#[test]
fn an_inner_that_was_cancelled_fails_the_outer() {
    let (_resolver, mut inner) = Deferred::<u32, &str>::new();
    inner.handle().cancel();
    let mut outer = Deferred::<u32, &str>::succeed(1).add_callback(move |_| inner);
    assert!(outer.try_take().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn an_inner_whose_resolver_was_dropped_fails_the_outer() {
    let (resolver, inner) = Deferred::<u32, &str>::new();
    let mut outer = Deferred::<u32, &str>::succeed(1).add_callback(move |_| inner);
    drop(resolver);
    assert_eq!(outer.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn a_ready_deferred_whose_callback_waits_becomes_the_one_it_waits_for() {
    // There is no chain to keep, so nothing is allocated for it, and the inner is all there is to see.
    let (_resolver, inner) = Deferred::<u32, &str>::new();
    let outer = Deferred::<u32, &str>::succeed(0).add_callback(move |_| inner);
    assert!(!outer.is_fired());
}

#[test]
fn an_inner_whose_result_was_taken_fails_a_ready_outer_as_well_as_a_pending_one() {
    let taken = || {
        let (resolver, mut inner) = Deferred::<u32, &str>::new();
        resolver.callback(1).unwrap();
        assert_eq!(inner.try_take(), Some(Ok(1)));
        inner
    };
    let mut ready = Deferred::<u32, &str>::succeed(1).add_callback(move |_| taken());
    let (resolver, pending) = Deferred::<u32, &str>::new();
    let mut pending = pending.add_callback(move |_| taken());
    resolver.callback(1).unwrap();
    assert_eq!(ready.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
    assert_eq!(pending.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn callbacks_attached_while_waiting_run_after_the_inner() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Deferred::<u32, &str>::new();
    let outer = Deferred::<u32, &str>::succeed(1).add_callback(move |_| inner);
    let mut outer = outer.add_callback(log(&trace, "late"));
    trace.expect([]);
    inner_resolver.callback(2).unwrap();
    trace.expect(["late 2"]);
    assert_eq!(outer.try_take(), Some(Ok(2)));
}

#[test]
fn a_chain_may_wait_many_times_in_a_row() {
    let mut resolvers = Vec::new();
    let mut d = Deferred::<u32, &str>::succeed(0);
    for _ in 0..5000 {
        let (resolver, inner) = Deferred::<u32, &str>::new();
        resolvers.push(resolver);
        d = d.add_callback(move |sum| inner.add_callback(move |n| Ok(sum + n)));
    }
    for resolver in resolvers {
        assert_eq!(d.try_take(), None);
        resolver.callback(1).unwrap();
    }
    assert_eq!(d.try_take(), Some(Ok(5000)));
}

#[test]
fn inners_may_fire_in_any_order() {
    let (resolvers, inners): (Vec<_>, Vec<_>) = (0..100).map(|_| Deferred::<u32, &str>::new()).unzip();
    let mut d = Deferred::<u32, &str>::succeed(0);
    for inner in inners {
        d = d.add_callback(move |sum| inner.add_callback(move |n| Ok(sum * 2 % 1009 + n)));
    }
    for (n, resolver) in resolvers.into_iter().enumerate().rev() {
        resolver.callback(n as u32).unwrap();
    }
    assert_eq!(d.try_take(), Some(Ok((0..100).fold(0, |sum, n| sum * 2 % 1009 + n))));
}

#[test]
fn outer_callbacks_run_inside_the_call_that_fires_the_inner() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Deferred::<u32, &str>::new();
    let outer = Deferred::<u32, &str>::succeed(1).add_callback(move |_| inner).add_callback(log(&trace, "outer"));
    trace.log("before");
    inner_resolver.callback(2).unwrap();
    trace.log("after");
    trace.expect(["before", "outer 2", "after"]);
    drop(outer);
}

#[test]
fn an_outer_without_an_owner_still_runs_and_reports() {
    let trace = Trace::new();
    let ((), reported) = reports(|| {
        let (inner_resolver, inner) = Deferred::<u32, &str>::new();
        Deferred::<u32, &str>::succeed(1)
            .add_callback(move |_| inner)
            .add_callback(log(&trace, "outer"))
            .add_callback(|_| Err::<u32, _>("at the end".into()))
            .detach();
        inner_resolver.callback(2).unwrap();
    });
    trace.expect(["outer 2"]);
    assert_eq!(reported.len(), 1);
    assert!(reported[0].contains("at the end"), "{reported:?}");
}

#[test]
fn an_inner_of_another_type_fits_where_the_outcome_changes_its_type() {
    let (inner_resolver, inner) = Deferred::<String, &str>::new();
    let mut outer = Deferred::<u8, &str>::succeed(1).add_callback(move |_| inner).add_callback(|s| Ok(s.len()));
    inner_resolver.callback("four".into()).unwrap();
    assert_eq!(outer.try_take(), Some(Ok(4)));
}

#[test]
fn a_deferred_that_is_returned_from_its_own_callback_fails_with_a_cycle() {
    use std::sync::{Arc, Mutex};
    let place = Arc::new(Mutex::new(None::<Deferred<u32, &str>>));
    let (resolver, d) = Deferred::<u32, &str>::new();
    let inside = place.clone();
    let trace = Trace::new();
    let seen = trace.clone();
    let d = d.add_callback(move |_| inside.lock().unwrap().take().unwrap()).add_errback(move |failure| {
        seen.log(format!("{:?}", failure.kind()));
        Ok(0)
    });
    *place.lock().unwrap() = Some(d);
    resolver.callback(1).unwrap();
    trace.expect(["Cycle"]);
}

#[test]
fn a_longer_cycle_fails_too() {
    use std::sync::{Arc, Mutex};
    let place = Arc::new(Mutex::new(None::<Deferred<u32, &str>>));
    let (a_resolver, a) = Deferred::<u32, &str>::new();
    let (b_resolver, b) = Deferred::<u32, &str>::new();
    let trace = Trace::new();
    let (inside, seen) = (place.clone(), trace.clone());
    // b waits for a, and a's callback returns b.
    let a = a.add_callback(move |_| inside.lock().unwrap().take().unwrap()).add_errback(move |failure| {
        seen.log(format!("a: {:?}", failure.kind()));
        Ok(7)
    });
    let b = b.add_callback(move |_| a).add_callback(log(&trace, "b"));
    b_resolver.callback(1).unwrap();
    *place.lock().unwrap() = Some(b);
    a_resolver.callback(1).unwrap();
    trace.expect(["a: Cycle", "b 7"]);
}

#[test]
fn debug_says_what_a_chain_waits_for() {
    let (inner_resolver, inner) = Deferred::<u32>::new();
    let line = line!() - 1;
    let outer = Deferred::<u32>::new();
    let (resolver, outer) = (outer.0, outer.1.add_callback(move |_| inner));
    resolver.callback(1).unwrap();
    let shown = format!("{outer:?}");
    assert!(shown.contains("waiting for another Deferred (created at "), "{shown}");
    assert!(shown.contains(&format!("waiting.rs:{line}:")), "{shown}");
    inner_resolver.callback(2).unwrap();
    assert!(!format!("{outer:?}").contains("waiting for"));
    assert_eq!(outer.wait(), Ok(2));
}

//! Cancelling, in every state that a Deferred can be in.

use std::sync::{Arc, Mutex};

use crate::common::{Chain, Drops, Trace, handled, logged, watchdog};
use deferred_core::{Failure, FailureKind, Handle, Panic, Resolver, Verdict};

#[test]
fn without_a_canceller_it_fails_with_cancelled_and_callbacks_run_inside() {
    let trace = Trace::new();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d = logged(d, &trace, "d");
    trace.log("before");
    handle.cancel();
    trace.log("after");
    trace.expect(["before", "d cancelled", "after"]);
    assert!(d.is_fired() && handle.is_fired() && resolver.is_cancelled());
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn a_late_firing_gets_its_value_back() {
    let (resolver, mut d) = Chain::new();
    d.handle().cancel();
    assert_eq!(resolver.callback(5), Err(5));
    let (resolver, mut d) = Chain::new();
    d.handle().cancel();
    assert_eq!(resolver.errback("late"), Err("late".into()));
    let (resolver, mut d) = Chain::new();
    d.handle().cancel();
    d.handle().cancel();
    assert_eq!(resolver.fire(Ok(5)), Err(Ok(5)));
}

#[test]
fn a_late_firing_from_inside_the_errback_gets_its_value_back_too() {
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let trace = Trace::new();
    let log = trace.clone();
    let d = d.add_errback(move |_| {
        log.log(format!("{:?}", resolver.callback(5)));
        Ok(1)
    });
    handle.cancel();
    trace.expect(["Err(5)"]);
    drop(d);
}

#[test]
fn a_canceller_that_is_done_fails_it_with_cancelled() {
    let (resolver, mut d) = Chain::with_canceller(|c| c.done());
    d.handle().cancel();
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
    assert_eq!(resolver.callback(5), Err(5));
}

#[test]
fn a_canceller_may_fire_a_value_or_a_failure() {
    let (_resolver, mut d) = Chain::with_canceller(|c| c.fire(Ok(7)));
    d.handle().cancel();
    assert_eq!(d.try_take(), Some(Ok(7)));
    let (_resolver, mut d) = Chain::with_canceller(|c| c.fire(Err("half done".into())));
    d.handle().cancel();
    assert_eq!(d.try_take(), Some(Err("half done".into())));
}

#[test]
fn a_canceller_may_leave_the_firing_to_the_resolver() {
    let (resolver, mut d) = Chain::with_canceller(|c| c.later());
    let handle = d.handle();
    handle.cancel();
    assert!(!d.is_fired() && resolver.is_cancelled());
    handle.cancel();
    assert_eq!(d.try_take(), None);
    resolver.errback("cleaned up").unwrap();
    assert_eq!(d.try_take(), Some(Err("cleaned up".into())));
}

#[test]
fn a_resolver_that_is_dropped_after_later_abandons_it() {
    let (resolver, mut d) = Chain::with_canceller(|c| c.later());
    d.handle().cancel();
    drop(resolver);
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn a_canceller_runs_once_however_often_it_is_cancelled() {
    let trace = Trace::new();
    let log = trace.clone();
    let (_resolver, mut d) = Chain::with_canceller(move |c| {
        log.log("canceller");
        c.later()
    });
    let (one, other) = (d.handle(), d.handle());
    one.cancel();
    other.cancel();
    one.cancel();
    drop(d);
    trace.expect(["canceller"]);
}

#[test]
fn a_canceller_is_dropped_when_its_deferred_fires() {
    let drops = Drops::new();
    let value = drops.value();
    let (resolver, mut d) = Chain::with_canceller(move |c| {
        let _value = &value;
        c.done()
    });
    let handle = d.handle();
    let seen = drops.clone();
    let mut d = d.add_callback(move |n| Ok(n + seen.count() as u32));
    resolver.callback(1).unwrap();
    assert_eq!(drops.count(), 1);
    handle.cancel();
    assert_eq!(d.try_take(), Some(Ok(2)), "dropped before the callbacks run");
}

#[test]
fn a_canceller_that_panics_fails_it_with_panicked() {
    let (resolver, mut d) = Chain::with_canceller(|_| -> Verdict<u32, &str> { panic!("stuck") });
    let handle = d.handle();
    handle.cancel();
    assert_eq!(d.try_take().unwrap().unwrap_err().kind(), FailureKind::Panicked(Panic::new("stuck")));
    handle.cancel();
    assert_eq!(resolver.callback(1), Err(1));
}

/// The places through which a canceller reaches its own Deferred.
fn with_own_ends(
    canceller: impl FnOnce(Option<Handle>, Option<Resolver<u32, &'static str>>) + Send + 'static,
) -> (Chain, Handle) {
    type Ends = (Option<Handle>, Option<Resolver<u32, &'static str>>);
    let ends: Arc<Mutex<Ends>> = Arc::default();
    let inside = ends.clone();
    let (resolver, mut d) = Chain::with_canceller(move |c| {
        let (handle, resolver) = std::mem::take(&mut *inside.lock().unwrap());
        canceller(handle, resolver);
        c.done()
    });
    let handle = d.handle();
    *ends.lock().unwrap() = (Some(handle.clone()), Some(resolver));
    (d, handle)
}

#[test]
fn a_canceller_that_cancels_again_does_not_recurse() {
    watchdog(|| {
        let (mut d, handle) = with_own_ends(|handle, resolver| {
            handle.unwrap().cancel();
            assert!(resolver.unwrap().is_cancelled());
        });
        handle.cancel();
        // The resolver was dropped inside, and that was first.
        assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
    });
}

#[test]
fn a_canceller_that_fires_the_resolver_decides_by_that() {
    let (mut d, handle) = with_own_ends(|_, resolver| resolver.unwrap().callback(9).unwrap());
    handle.cancel();
    assert_eq!(d.try_take(), Some(Ok(9)));
}

#[test]
fn a_canceller_that_fires_and_then_panics_has_fired() {
    let (mut d, handle) = with_own_ends(|_, resolver| {
        resolver.unwrap().callback(9).unwrap();
        panic!("too late");
    });
    handle.cancel();
    assert_eq!(d.try_take(), Some(Ok(9)));
}

#[test]
fn a_paused_chain_is_cancelled_and_its_callbacks_wait() {
    let trace = Trace::new();
    let (resolver, mut d) = Chain::new();
    let (handle, paused) = (d.handle(), d.pause());
    let mut d = logged(d, &trace, "d");
    handle.cancel();
    assert!(d.is_fired());
    assert_eq!(resolver.callback(5), Err(5));
    assert_eq!((d.try_take(), trace.take().len()), (None, 0));
    drop(paused);
    trace.expect(["d cancelled"]);
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn cancelling_what_has_fired_does_nothing() {
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    resolver.callback(1).unwrap();
    handle.cancel();
    let mut d = d.add_callback(|n| Ok(n + 1));
    handle.cancel();
    assert_eq!(d.try_take(), Some(Ok(2)));
    handle.cancel();
}

#[test]
fn cancelling_from_one_of_its_own_callbacks_does_nothing() {
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d = d
        .add_callback(move |n| {
            handle.cancel();
            Ok(n + 1)
        })
        .add_callback(|n| Ok(n + 1));
    resolver.callback(1).unwrap();
    assert_eq!(d.try_take(), Some(Ok(3)));
}

#[test]
fn cancelling_from_its_own_callback_does_not_reach_what_that_returns() {
    let (inner_resolver, inner) = Chain::new();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d = d.add_callback(move |_| {
        handle.cancel();
        inner
    });
    resolver.callback(1).unwrap();
    assert!(!inner_resolver.is_cancelled());
    inner_resolver.callback(2).unwrap();
    assert_eq!(d.try_take(), Some(Ok(2)));
}

#[test]
fn a_waiting_chain_passes_the_cancel_on_and_takes_what_comes() {
    let trace = Trace::new();
    let log = trace.clone();
    let (_inner_resolver, inner) = Chain::with_canceller(|c| c.fire(Ok(40)));
    let (resolver, mut d) = Chain::with_canceller(move |c| {
        log.log("outer's canceller");
        c.done()
    });
    let handle = d.handle();
    let mut d = d.add_callback(move |_| inner).add_callback(|n| Ok(n + 2));
    resolver.callback(1).unwrap();
    handle.cancel();
    assert_eq!(d.try_take(), Some(Ok(42)));
    trace.expect([]);
}

#[test]
fn a_waiting_chain_goes_on_with_cancelled_when_the_inner_has_no_canceller() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let d = logged(d.add_callback(move |_| inner), &trace, "d");
    resolver.callback(1).unwrap();
    handle.cancel();
    trace.expect(["d cancelled"]);
    assert_eq!(inner_resolver.callback(1), Err(1));
    drop(handled(d));
}

#[test]
fn a_chain_that_waits_for_a_fired_but_paused_one_is_not_cancelled() {
    let (inner_resolver, mut inner) = Chain::new();
    let paused = inner.pause();
    inner_resolver.callback(5).unwrap();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d = d.add_callback(move |_| inner);
    resolver.callback(1).unwrap();
    handle.cancel();
    assert_eq!(d.try_take(), None);
    drop(paused);
    assert_eq!(d.try_take(), Some(Ok(5)));
}

#[test]
fn cancelling_walks_down_to_what_is_waited_for_in_the_end() {
    let trace = Trace::new();
    let log = trace.clone();
    let (_leaf_resolver, leaf) = Chain::with_canceller(move |c| {
        log.log("leaf");
        c.done()
    });
    let mut d = leaf;
    for _ in 0..100 {
        let (resolver, outer) = Chain::new();
        d = outer.add_callback(move |_| d);
        resolver.callback(0).unwrap();
    }
    let handle = d.handle();
    handle.cancel();
    trace.expect(["leaf"]);
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn an_inner_that_cleans_up_keeps_its_outer_waiting() {
    let (inner_resolver, inner) = Chain::with_canceller(|c| c.later());
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d = d.add_callback(move |_| inner);
    resolver.callback(1).unwrap();
    handle.cancel();
    handle.cancel();
    assert_eq!(d.try_take(), None);
    inner_resolver.callback(3).unwrap();
    assert_eq!(d.try_take(), Some(Ok(3)));
}

#[test]
fn a_chain_may_be_cancelled_again_at_its_next_wait() {
    let trace = Trace::new();
    let (_first_resolver, first) = Chain::new();
    let (_second_resolver, second) = Chain::new();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d =
        logged(logged(d.add_callback(move |_| first), &trace, "first").add_errback(move |_| second), &trace, "second");
    resolver.callback(1).unwrap();
    handle.cancel();
    trace.expect(["first cancelled"]);
    handle.cancel();
    trace.expect(["second cancelled"]);
    assert!(d.try_take().unwrap().is_err());
}

#[test]
fn cancelling_the_inner_itself_only_lets_the_outer_see_the_failure() {
    let (inner_resolver, mut inner) = Chain::new();
    let handle = inner.handle();
    let (resolver, d) = Chain::new();
    let mut d = d.add_callback(move |_| inner);
    resolver.callback(1).unwrap();
    handle.cancel();
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
    assert_eq!(inner_resolver.callback(1), Err(1));
}

#[test]
fn cancelling_gives_an_outcome_that_tells_where_it_was_created() {
    let line = line!() + 1;
    let (_resolver, mut d) = Chain::new();
    d.handle().cancel();
    let failure: Failure<_> = d.try_take().unwrap().unwrap_err();
    assert_eq!((failure.origin().file(), failure.origin().line()), (file!(), line));
}

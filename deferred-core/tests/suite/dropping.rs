//! Dropping a Deferred in every state, and letting it run on without an owner.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use crate::common::{Chain, DropCount, Drops, OnDrop, Trace, allocations, handled, logged, reports};
use deferred_core::{Deferred, Joiner, Outcome, Outcomes, join};

#[test]
fn dropping_a_pending_deferred_cancels_it_quietly_and_runs_its_callbacks() {
    let trace = Trace::new();
    let ((), reported) = reports(|| {
        let log = trace.clone();
        let (resolver, d) = Chain::with_canceller(move |c| {
            log.log("canceller");
            c.done()
        });
        drop(logged(d, &trace, "d"));
        trace.expect(["canceller", "d cancelled"]);
        assert_eq!(resolver.callback(5), Err(5));
    });
    assert_eq!(reported, [""; 0]);
}

#[test]
fn dropping_a_deferred_whose_errback_fails_otherwise_is_reported() {
    let ((), reported) = reports(|| {
        let (_resolver, d) = Chain::new();
        drop(d.add_errback(|_| Err("on the way out".into())));
    });
    assert_eq!(reported.len(), 1);
    assert!(reported[0].contains("on the way out"));
}

#[test]
fn dropping_a_waiting_chain_cancels_what_it_waits_for() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, d) = Chain::new();
    let d = logged(d.add_callback(move |_| inner), &trace, "d");
    resolver.callback(1).unwrap();
    drop(d);
    trace.expect(["d cancelled"]);
    assert!(inner_resolver.is_cancelled());
}

#[test]
fn dropping_a_chain_that_was_never_fired_drops_the_inner_its_callback_owns() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Chain::new();
    let inner = logged(inner, &trace, "inner");
    let (_resolver, d) = Chain::new();
    drop(logged(d.add_callback(move |_| inner), &trace, "outer"));
    assert!(inner_resolver.is_cancelled());
    let mut lines = trace.take();
    lines.sort();
    assert_eq!(lines, ["inner cancelled", "outer cancelled"]);
}

#[test]
fn dropping_during_a_callback_cancels_what_that_callback_returns() {
    let place: Arc<Mutex<Option<Chain>>> = Arc::default();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, d) = Chain::new();
    let inside = place.clone();
    let trace = Trace::new();
    let d = d.add_callback(move |_| {
        drop(inside.lock().unwrap().take());
        inner
    });
    *place.lock().unwrap() = Some(logged(d, &trace, "d"));
    resolver.callback(1).unwrap();
    assert!(inner_resolver.is_cancelled());
    trace.expect(["d cancelled"]);
}

#[test]
fn dropping_a_fired_and_paused_chain_cancels_what_it_waits_for_after_the_resume() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, mut d) = Chain::new();
    let paused = d.pause();
    let d = logged(d.add_callback(move |_| inner), &trace, "d");
    resolver.callback(1).unwrap();
    drop(d);
    trace.expect([]);
    drop(paused);
    assert!(inner_resolver.is_cancelled());
    trace.expect(["d cancelled"]);
}

#[test]
fn what_a_dropped_chain_waits_for_to_clean_up_is_not_cancelled() {
    let place: Arc<Mutex<Option<Chain>>> = Arc::default();
    let trace = Trace::new();
    let (first_resolver, first) = Chain::new();
    let (clean_up_resolver, clean_up) = Chain::new();
    let (resolver, d) = Chain::new();
    let inside = place.clone();
    let d = d.add_callback(move |_| {
        drop(inside.lock().unwrap().take());
        first
    });
    *place.lock().unwrap() = Some(logged(d.add_errback(move |_| clean_up), &trace, "d"));
    resolver.callback(1).unwrap();
    assert!(first_resolver.is_cancelled() && !clean_up_resolver.is_cancelled());
    clean_up_resolver.callback(2).unwrap();
    trace.expect(["d 2"]);
}

#[test]
fn a_dropped_deferred_whose_canceller_says_later_runs_when_the_resolver_fires() {
    let trace = Trace::new();
    let (resolver, d) = Chain::with_canceller(|c| c.later());
    drop(logged(d, &trace, "d"));
    trace.expect([]);
    resolver.callback(3).unwrap();
    trace.expect(["d 3"]);
}

#[test]
fn handles_may_go_one_by_one_before_it_fires() {
    for n in 1..10 {
        let (resolver, mut d) = Chain::new();
        let handles = (0..n).map(|_| d.handle()).collect::<Vec<_>>();
        for handle in handles {
            assert!(!handle.is_fired());
        }
        resolver.callback(n).unwrap();
        assert_eq!(d.try_take(), Some(Ok(n)));
    }
}

#[test]
fn a_detached_deferred_runs_on() {
    let trace = Trace::new();
    let (resolver, d) = Chain::with_canceller(|_| unreachable!("nobody cancels it"));
    logged(d, &trace, "d").detach();
    assert!(!resolver.is_cancelled());
    resolver.callback(1).unwrap();
    trace.expect(["d 1"]);
}

#[test]
fn a_detached_deferred_is_still_cancelled_by_its_handle() {
    let trace = Trace::new();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    handled(logged(d, &trace, "d")).detach();
    handle.cancel();
    trace.expect(["d cancelled"]);
    assert!(resolver.is_cancelled());
}

/// The value may borrow from what is in scope, so it cannot outlive that.
#[test]
fn what_has_no_callbacks_is_dropped_at_once_also_in_a_destructor() {
    struct Sets<'a>(&'a Cell<bool>);

    impl Drop for Sets<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let seen = Arc::new(Mutex::new(None));
    let log = seen.clone();
    let destructor = OnDrop::new(move || {
        let dropped = Cell::new(false);
        let (resolver, d) = Deferred::<Sets<'_>>::new();
        assert!(resolver.callback(Sets(&dropped)).is_ok());
        drop(d);
        *log.lock().unwrap() = Some(dropped.get());
    });
    let (resolver, d) = Deferred::<OnDrop>::new();
    assert!(resolver.callback(destructor).is_ok());
    drop(d);
    assert_eq!(*seen.lock().unwrap(), Some(true));
}

#[test]
fn everything_that_a_cancelled_chain_owned_is_dropped_once() {
    let drops = Drops::new();
    let (resolver, mut d) = Deferred::<u32, &str>::new();
    let handle = d.handle();
    let held: Vec<_> = (0..4).map(|_| drops.value()).collect();
    let mut d = d;
    for value in held {
        d = d.add_callback(move |n| -> Outcome<u32, &str> {
            let _value = &value;
            Ok(n)
        });
    }
    handle.cancel();
    assert_eq!(drops.count(), 4);
    assert!(d.try_take().unwrap().is_err());
    drop((resolver, handle));
    assert_eq!(drops.count(), 4);
}

/// Leaves what it is given.
struct Leaves;

impl Joiner<DropCount, &'static str> for Leaves {
    type Output = ();
    type Error = Infallible;
    const REPORTS_LATE: bool = true;

    fn all_fired(&self, _: Outcomes<'_, DropCount, &'static str>) -> Outcome<(), Infallible> {
        Ok(())
    }
}

#[test]
fn what_a_joiner_leaves_is_dropped_quietly() {
    let joined = || {
        let drops = Drops::new();
        let ((first, a), (second, b)) = (Deferred::new(), Deferred::new());
        let (mut parent, _) = join([a, Deferred::succeed(drops.value()), b], Leaves);
        let ((), reported) = reports(|| {
            first.callback(drops.value()).unwrap();
            second.errback("left").unwrap();
        });
        assert_eq!((parent.try_take(), drops.count(), reported), (Some(Ok(())), 2, vec![]));
        let (mut parent, _) = join([Deferred::succeed(drops.value())], Leaves);
        assert_eq!((parent.try_take(), drops.count()), (Some(Ok(())), 3));
    };
    allocations(joined);
}

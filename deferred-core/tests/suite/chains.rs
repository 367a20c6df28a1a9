//! Attaching, firing, and running callbacks in order.

use std::sync::{Arc, Mutex};

use crate::common::{Trace, reports};
use deferred_core::{Deferred, Failure, FailureKind, Outcome, maybe_deferred};

/// A callback that logs its input and passes on one more.
fn plus_one(trace: &Trace, name: &'static str) -> impl FnOnce(u32) -> Outcome<u32, &'static str> + Send + 'static {
    let trace = trace.clone();
    move |n| {
        trace.log(format!("{name} {n}"));
        Ok(n + 1)
    }
}

/// An errback that logs its failure and recovers with `value`.
fn recover(
    trace: &Trace,
    name: &'static str,
    value: u32,
) -> impl FnOnce(Failure<&'static str>) -> Outcome<u32, &'static str> + Send + 'static {
    let trace = trace.clone();
    move |failure| {
        trace.log(format!("{name} {failure}"));
        Ok(value)
    }
}

#[test]
fn callbacks_run_in_the_order_in_which_they_were_attached() {
    let trace = Trace::new();
    let (resolver, d) = Deferred::<u32, &str>::new();
    let mut d =
        d.add_callback(plus_one(&trace, "a")).add_callback(plus_one(&trace, "b")).add_callback(plus_one(&trace, "c"));
    trace.expect([]);
    resolver.callback(1).unwrap();
    trace.expect(["a 1", "b 2", "c 3"]);
    assert_eq!(d.try_take(), Some(Ok(4)));
}

#[test]
fn callbacks_run_inside_the_call_that_fires() {
    let trace = Trace::new();
    let (resolver, d) = Deferred::<u32, &str>::new();
    let d = d.add_callback(plus_one(&trace, "callback"));
    trace.log("before");
    resolver.callback(1).unwrap();
    trace.log("after");
    trace.expect(["before", "callback 1", "after"]);
    drop(d);
}

#[test]
fn attaching_to_a_fired_deferred_runs_at_once() {
    let trace = Trace::new();
    let (resolver, d) = Deferred::<u32, &str>::new();
    resolver.callback(1).unwrap();
    let d = d.add_callback(plus_one(&trace, "a"));
    trace.expect(["a 1"]);
    let mut d = d.add_callback(plus_one(&trace, "b"));
    trace.expect(["b 2"]);
    assert_eq!(d.try_take(), Some(Ok(3)));
}

#[test]
fn attaching_to_a_ready_deferred_runs_at_once() {
    let trace = Trace::new();
    let mut d = Deferred::<u32, &str>::succeed(1).add_callback(plus_one(&trace, "a"));
    trace.expect(["a 1"]);
    assert_eq!(d.try_take(), Some(Ok(2)));
    let mut d = Deferred::<u32, &str>::fail("no").add_errback(recover(&trace, "e", 9));
    trace.expect(["e no"]);
    assert_eq!(d.try_take(), Some(Ok(9)));
}

#[test]
fn attaching_goes_on_before_and_after_firing() {
    let trace = Trace::new();
    let (resolver, d) = Deferred::<u32, &str>::new();
    let d = d.add_callback(plus_one(&trace, "before"));
    resolver.callback(1).unwrap();
    let mut d = d.add_callback(plus_one(&trace, "after")).add_callback(plus_one(&trace, "after that"));
    trace.expect(["before 1", "after 2", "after that 3"]);
    assert_eq!(d.try_take(), Some(Ok(4)));
}

#[test]
fn a_failure_passes_callbacks_by_and_a_value_passes_errbacks_by() {
    let trace = Trace::new();
    let (resolver, d) = Deferred::<u32, &str>::new();
    let mut d = d
        .add_errback(recover(&trace, "skipped", 0))
        .add_callback(|_| Err::<u32, _>("broken".into()))
        .add_callback(plus_one(&trace, "skipped"))
        .add_errback(recover(&trace, "caught", 7))
        .add_errback(recover(&trace, "skipped", 0))
        .add_callback(plus_one(&trace, "on"));
    resolver.callback(1).unwrap();
    trace.expect(["caught broken", "on 7"]);
    assert_eq!(d.try_take(), Some(Ok(8)));
}

#[test]
fn an_errback_may_fail_again() {
    let (resolver, d) = Deferred::<u32, &str>::new();
    let mut d = d.add_errback(|_| Err("second".into()));
    resolver.errback("first").unwrap();
    assert_eq!(d.try_take(), Some(Err("second".into())));
}

#[test]
fn a_failure_that_an_errback_returns_keeps_its_origin() {
    let failure = Failure::from("no");
    let origin = failure.origin();
    let mut d = Deferred::<u32, &str>::fail(failure).add_errback(Err).add_both(|outcome| outcome);
    assert_eq!(d.try_take().unwrap().unwrap_err().origin(), origin);
}

#[test]
fn the_errback_of_a_pair_does_not_see_a_failure_of_its_callback() {
    let trace = Trace::new();
    let (resolver, d) = Deferred::<u32, &str>::new();
    let mut d = d
        .add_callbacks(|_| Err::<u32, _>("from the callback".into()), recover(&trace, "same pair", 0))
        .add_errback(recover(&trace, "next", 5));
    resolver.callback(1).unwrap();
    trace.expect(["next from the callback"]);
    assert_eq!(d.try_take(), Some(Ok(5)));
}

#[test]
fn the_callback_of_a_pair_does_not_see_the_recovery_of_its_errback() {
    let trace = Trace::new();
    let (resolver, d) = Deferred::<u32, &str>::new();
    let mut d = d
        .add_callbacks(plus_one(&trace, "same pair"), recover(&trace, "errback", 5))
        .add_callback(plus_one(&trace, "next"));
    resolver.errback("no").unwrap();
    trace.expect(["errback no", "next 5"]);
    assert_eq!(d.try_take(), Some(Ok(6)));
}

#[test]
fn add_both_sees_values_and_failures() {
    let see = |outcome: Outcome<u32, &'static str>| Ok::<_, Failure<&str>>(format!("{outcome:?}").len());
    assert!(Deferred::<u32, &str>::succeed(1).add_both(see).try_take().unwrap().unwrap() > 0);
    assert!(Deferred::<u32, &str>::fail("no").add_both(see).try_take().unwrap().unwrap() > 0);
}

#[test]
fn the_type_of_a_chain_is_that_of_its_last_callback() {
    let (resolver, d) = Deferred::<u8>::new();
    let mut d = d
        .add_callback(|n| Ok(vec![u64::from(n); 5]))
        .add_callback(|v| Ok(v.iter().sum::<u64>().to_string()))
        .add_callback(|s| Ok((s, [0_u128; 20])))
        .add_callback(|(s, _)| Ok(s));
    resolver.callback(3).unwrap();
    assert_eq!(d.try_take(), Some(Ok("15".to_string())));
}

#[test]
fn callbacks_of_every_size_and_alignment_share_a_chain() {
    #[repr(align(64))]
    struct Wide(u64);
    let (resolver, d) = Deferred::<u64>::new();
    let mut d = d.add_callback(|n| Ok(n + 1));
    for round in 0..40_u64 {
        let (wide, large) = (Wide(round), [round; 100]);
        d = d
            .add_callback(move |n| {
                assert_eq!((&raw const wide).addr() % 64, 0);
                Ok(n + wide.0)
            })
            .add_callback(move |n| Ok([n + large[99] - round; 50]))
            .add_callback(|all| Ok(all[49]))
            .add_callback(Ok);
    }
    resolver.callback(0).unwrap();
    assert_eq!(d.try_take(), Some(Ok(1 + (0..40).sum::<u64>())));
}

#[test]
fn a_resolver_that_is_fired_inside_a_callback_runs_its_chain_first() {
    let trace = Trace::new();
    let (first, a) = Deferred::<u32, &str>::new();
    let (second, b) = Deferred::<u32, &str>::new();
    let b = b.add_callback(plus_one(&trace, "b"));
    let log = trace.clone();
    let a = a
        .add_callback(move |n| {
            log.log("a begins");
            second.callback(10).unwrap();
            log.log("a ends");
            Ok(n)
        })
        .add_callback(plus_one(&trace, "a goes on"));
    first.callback(1).unwrap();
    trace.expect(["a begins", "b 10", "a ends", "a goes on 1"]);
    drop((a, b));
}

#[test]
fn what_is_attached_by_a_running_callback_runs_after_the_present_ones() {
    let trace = Trace::new();
    let place = Arc::new(Mutex::new(None::<Deferred<u32, &str>>));
    let (resolver, d) = Deferred::<u32, &str>::new();
    let (log, from_inside, again) = (trace.clone(), place.clone(), trace.clone());
    let d = d
        .add_callback(move |n| {
            let d = from_inside.lock().unwrap().take().unwrap();
            log.log("attaching");
            let d = d.add_callback(plus_one(&log, "attached"));
            log.log("attached");
            *from_inside.lock().unwrap() = Some(d);
            Ok(n)
        })
        .add_callback(plus_one(&again, "was there"));
    *place.lock().unwrap() = Some(d);
    resolver.callback(1).unwrap();
    trace.expect(["attaching", "attached", "was there 1", "attached 2"]);
    assert_eq!(place.lock().unwrap().take().unwrap().try_take(), Some(Ok(3)));
}

#[test]
fn a_thousand_callbacks_that_attach_one_another_each_run_once() {
    type Place = Arc<Mutex<Option<Deferred<u32>>>>;
    fn attach(place: &Place, left: u32) {
        let d = place.lock().unwrap().take().unwrap();
        let next = place.clone();
        let d = d.add_callback(move |n| {
            if left > 0 {
                attach(&next, left - 1);
            }
            Ok(n + 1)
        });
        *place.lock().unwrap() = Some(d);
    }
    let (resolver, d) = Deferred::<u32>::new();
    let place: Place = Arc::new(Mutex::new(Some(d)));
    attach(&place, 1000);
    resolver.callback(0).unwrap();
    assert_eq!(place.lock().unwrap().take().unwrap().try_take(), Some(Ok(1001)));
}

#[test]
fn is_fired_says_that_it_was_fired_not_that_there_is_a_result() {
    let (resolver, mut d) = Deferred::<u32>::new();
    let (_inner_resolver, inner) = Deferred::<u32>::new();
    let handle = d.handle();
    assert!(!d.is_fired() && !handle.is_fired());
    let mut d = d.add_callback(move |_| inner);
    resolver.callback(1).unwrap();
    assert!(d.is_fired() && handle.is_fired());
    assert_eq!(d.try_take(), None);
}

#[test]
fn a_failure_of_any_kind_can_be_fired() {
    for kind in [FailureKind::Error("own"), FailureKind::Closed, FailureKind::TimedOut, FailureKind::Cancelled] {
        let (resolver, d) = Deferred::<u32, &str>::new();
        let mut d = d.add_callback(|n| Ok(n + 1));
        resolver.errback(Failure::new(kind.clone())).unwrap();
        assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), kind);
    }
}

#[test]
fn a_deferred_that_is_fired_as_a_value_is_delivered_as_it_is() {
    let (_inner_resolver, inner) = Deferred::<u32>::new();
    let (resolver, mut outer) = Deferred::<Deferred<u32>>::new();
    resolver.callback(inner).unwrap();
    let inner = outer.try_take().unwrap().unwrap();
    assert!(!inner.is_fired());
}

#[test]
fn map_err_changes_the_error_and_nothing_else() {
    let mut d = Deferred::<u32, &str>::fail("no").map_err(|e| e.len());
    assert_eq!(d.try_take(), Some(Err(2.into())));
    let mut d = Deferred::<u32, &str>::succeed(1).map_err(|e| e.len());
    assert_eq!(d.try_take(), Some(Ok(1)));
    let (resolver, d) = Deferred::<u32, &str>::new();
    let mut d = d.map_err(|e| e.len());
    drop(resolver);
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn widen_keeps_values_and_failures() {
    let mut d = Deferred::<u32>::succeed(1).widen::<String>();
    assert_eq!(d.try_take(), Some(Ok(1)));
    let (resolver, d) = Deferred::<u32>::new();
    let mut d = d.widen::<String>();
    drop(resolver);
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn maybe_deferred_takes_outcomes_deferreds_and_panics() {
    let mut done: Deferred<u32, &str> = maybe_deferred(|| Ok(1));
    assert_eq!(done.try_take(), Some(Ok(1)));
    let mut failed: Deferred<u32, &str> = maybe_deferred(|| Err::<u32, _>("no".into()));
    assert_eq!(failed.try_take(), Some(Err("no".into())));
    let (resolver, pending) = Deferred::<u32, &str>::new();
    let mut same = maybe_deferred(move || pending);
    assert_eq!(same.try_take(), None);
    resolver.callback(2).unwrap();
    assert_eq!(same.try_take(), Some(Ok(2)));
    let mut panicked: Deferred<u32, &str> = maybe_deferred(|| -> Outcome<u32, &str> { panic!("early") });
    assert_eq!(
        panicked.try_take().unwrap().unwrap_err().kind(),
        FailureKind::Panicked(deferred_core::Panic::new("early"))
    );
}

#[test]
fn a_handled_failure_is_not_reported() {
    let (_, reported) = reports(|| {
        let (resolver, d) = Deferred::<u32, &str>::new();
        d.add_errback(|_| Ok(0)).detach();
        resolver.errback("no").unwrap();
        drop(Deferred::<u32, &str>::fail("no").add_errback(|_| Ok(0)));
    });
    assert_eq!(reported, [""; 0]);
}

#[test]
fn a_value_comes_out_of_a_deferred_that_has_nothing_else() {
    assert_eq!(Deferred::<u8>::succeed(5).into_value().unwrap(), 5);
    let (resolver, pending) = Deferred::<u8>::new();
    let mut pending = pending.into_value().unwrap_err();
    resolver.callback(6).unwrap();
    assert_eq!(pending.try_take(), Some(Ok(6)));
    assert!(pending.into_value().unwrap_err().try_take().is_none(), "it was taken");
    let mut failed = Deferred::<u8, &str>::fail("no").into_value().unwrap_err();
    assert!(failed.try_take().unwrap().is_err());
}

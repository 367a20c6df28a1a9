//! The producer's side: firing once, giving back, forwarding, being dropped.

use crate::common::{Trace, reports};
use deferred_core::{Deferred, FailureKind};

type Chain = Deferred<u32, &'static str>;

#[test]
fn firing_says_whether_anybody_wanted_it() {
    let (resolver, mut d) = Chain::new();
    assert_eq!(resolver.callback(1), Ok(()));
    assert_eq!(d.try_take(), Some(Ok(1)));
    let (resolver, d) = Chain::new();
    drop(d);
    assert_eq!(resolver.callback(2), Err(2));
    let (resolver, d) = Chain::new();
    drop(d);
    assert_eq!(resolver.errback("no"), Err("no".into()));
}

#[test]
fn a_value_that_comes_back_is_the_one_that_was_fired() {
    let (resolver, d) = Deferred::<Box<u32>>::new();
    drop(d);
    let value = Box::new(5);
    let address = &raw const *value;
    let back = resolver.callback(value).unwrap_err();
    assert_eq!((&raw const *back, *back), (address, 5));
}

#[test]
fn a_dropped_resolver_abandons_its_deferred() {
    let trace = Trace::new();
    let seen = trace.clone();
    let (resolver, d) = Chain::new();
    let mut d = d.add_errback(move |failure| {
        seen.log(failure.to_string());
        Err(failure)
    });
    drop(resolver);
    trace.expect(["abandoned: its resolver was dropped, or what it waited for was taken"]);
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn dropping_the_resolver_of_what_nobody_wants_does_nothing() {
    let ((), reported) = reports(|| {
        let (resolver, d) = Chain::new();
        drop(d);
        drop(resolver);
        let (resolver, d) = Chain::new();
        drop(resolver);
        drop(d.add_errback(|_| Ok(0)));
    });
    assert_eq!(reported, [""; 0]);
}

#[test]
fn an_abandoned_chain_without_an_owner_is_reported() {
    let ((), reported) = reports(|| {
        let (resolver, d) = Chain::new();
        d.detach();
        drop(resolver);
    });
    assert_eq!(reported.len(), 1);
    assert!(reported[0].starts_with("Abandoned"), "{reported:?}");
}

#[test]
fn forward_fires_with_what_the_other_comes_to() {
    let (front, mut d) = Chain::new();
    let (back, other) = Chain::new();
    front.forward(other.add_callback(|n| Ok(n * 10)));
    assert!(d.is_fired());
    assert_eq!(d.try_take(), None);
    back.callback(3).unwrap();
    assert_eq!(d.try_take(), Some(Ok(30)));
    let (front, mut d) = Chain::new();
    front.forward(Chain::succeed(1));
    assert_eq!(d.try_take(), Some(Ok(1)));
    let (front, mut d) = Chain::new();
    let (back, other) = Chain::new();
    back.errback("no").unwrap();
    front.forward(other);
    assert_eq!(d.try_take(), Some(Err("no".into())));
}

#[test]
fn a_cancel_goes_through_a_forward() {
    let (front, mut d) = Chain::with_canceller(|_| unreachable!("dropped by the forward"));
    let (back, other) = Chain::with_canceller(|c| c.fire(Ok(8)));
    front.forward(other);
    d.handle().cancel();
    assert!(back.is_cancelled());
    assert_eq!(d.try_take(), Some(Ok(8)));
}

#[test]
fn dropping_the_front_of_a_forward_cancels_the_back() {
    let (front, d) = Chain::new();
    let (back, other) = Chain::new();
    front.forward(other);
    drop(d);
    assert_eq!(back.callback(1), Err(1));
}

#[test]
fn forwarding_to_what_nobody_wants_drops_the_other() {
    let (front, d) = Chain::new();
    let (back, other) = Chain::new();
    drop(d);
    front.forward(other);
    assert!(back.is_cancelled());
    let ((), reported) = reports(|| {
        let (front, d) = Chain::new();
        drop(d);
        front.forward(Chain::fail("on its way"));
    });
    assert_eq!(reported.len(), 1, "a failure does not vanish");
}

#[test]
fn forwarding_a_deferred_to_itself_fails_with_a_cycle() {
    let ((), reported) = reports(|| {
        let (front, d) = Chain::new();
        front.forward(d);
    });
    assert_eq!(reported.len(), 1);
    assert!(reported[0].starts_with("Cycle"), "{reported:?}");
}

#[test]
fn forwarding_in_a_ring_fails_with_a_cycle() {
    let ((), reported) = reports(|| {
        let (a, d) = Chain::new();
        let (b, e) = Chain::new();
        a.forward(e);
        b.forward(d);
    });
    assert!(reported.iter().all(|report| report.starts_with("Cycle")), "{reported:?}");
    assert_eq!(reported.len(), 1);
}

#[test]
fn a_forwarded_failure_is_not_reported_for_the_other() {
    let (outcome, reported) = reports(|| {
        let (front, mut d) = Chain::new();
        let (back, other) = Chain::new();
        front.forward(other);
        back.errback("once").unwrap();
        d.try_take()
    });
    assert_eq!((outcome, reported.len()), (Some(Err("once".into())), 0));
}

#[test]
fn a_paused_front_takes_what_is_forwarded_and_waits() {
    let (front, mut d) = Chain::new();
    let paused = d.pause();
    front.forward(Chain::succeed(1));
    assert_eq!(d.try_take(), None);
    drop(paused);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn the_ends_say_how_far_they_have_come() {
    let (resolver, d) = Chain::new();
    assert!(format!("{d:?}").starts_with("Deferred { pending, created at "), "{d:?}");
    assert!(format!("{resolver:?}").starts_with("Resolver { pending, created at "), "{resolver:?}");
    assert!(format!("{d:?}").contains(file!()));
    let (inner_resolver, inner) = Chain::new();
    let mut d = d.add_callback(move |_| inner);
    let handle = d.handle();
    resolver.callback(1).unwrap();
    assert!(format!("{d:?}").contains("waiting for another Deferred"), "{d:?}");
    let paused = d.pause();
    assert!(format!("{d:?}").contains("paused"), "{d:?}");
    assert!(format!("{paused:?}").contains("paused") && format!("{handle:?}").contains("waiting"));
    drop(paused);
    handle.cancel();
    assert!(format!("{inner_resolver:?}").contains("cancelled"), "{inner_resolver:?}");
    assert_eq!(format!("{:?}", Chain::succeed(1)), "Deferred { fired with a value }");
    assert!(d.try_take().is_some());
    assert_eq!(format!("{d:?}"), "Deferred { taken }");
}

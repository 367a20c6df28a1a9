//! One result for several consumers.

use std::sync::{Arc, Mutex};

use crate::common::{Trace, reports, watchdog};
use deferred_core::{Deferred, Failure, FailureKind};

type Chain = Deferred<u32, &'static str>;

#[test]
fn each_subscriber_sees_the_same_result_in_the_order_of_subscription() {
    let trace = Trace::new();
    let (resolver, d) = Chain::new();
    let shared = d.add_callback(|n| Ok(n + 1)).shared();
    for name in ["a", "b", "c"] {
        let log = trace.clone();
        let tell = move |n| {
            log.log(format!("{name} {n}"));
            Ok(())
        };
        shared.clone().subscribe().add_callback(tell).detach();
    }
    resolver.callback(1).unwrap();
    trace.expect(["a 2", "b 2", "c 2"]);
    assert_eq!(shared.subscribe().try_take(), Some(Ok(2)));
}

#[test]
fn a_failure_goes_to_each_and_is_not_reported() {
    let ((), reported) = reports(|| {
        let (resolver, d) = Chain::new();
        let shared = d.shared();
        let mut both = [shared.subscribe(), shared.subscribe()];
        resolver.errback("no").unwrap();
        assert_eq!(both.each_mut().map(Deferred::try_take), [Some(Err("no".into())), Some(Err("no".into()))]);
    });
    assert_eq!(reported, [""; 0]);
}

#[test]
fn a_failure_that_nobody_subscribed_to_is_reported_once() {
    let ((), reported) = reports(|| {
        let (resolver, d) = Chain::new();
        let shared = (d.shared(), ());
        resolver.errback("unseen").unwrap();
        drop(shared.0.clone());
        drop(shared);
    });
    assert_eq!(reported.len(), 1);
}

#[test]
fn one_subscriber_is_cancelled_without_the_others() {
    let (resolver, d) = Chain::new();
    let shared = d.shared();
    let (mut first, mut second, third) = (shared.subscribe(), shared.subscribe(), shared.subscribe());
    first.handle().cancel();
    drop(third);
    assert!(first.try_take().unwrap().unwrap_err().is_cancelled());
    assert!(!resolver.is_cancelled());
    resolver.callback(1).unwrap();
    assert_eq!(second.try_take(), Some(Ok(1)));
}

#[test]
fn the_source_is_cancelled_when_the_last_subscriber_and_handle_have_gone() {
    let (resolver, d) = Chain::new();
    let shared = d.shared();
    let (first, second) = (shared.subscribe(), shared.subscribe());
    drop(first);
    drop(shared);
    assert!(!resolver.is_cancelled());
    drop(second);
    assert_eq!(resolver.callback(1), Err(1));
    let (resolver, d) = Chain::new();
    let shared = d.shared();
    drop(shared.subscribe());
    assert!(!resolver.is_cancelled(), "the handle may still be asked");
    drop(shared);
    assert!(resolver.is_cancelled());
}

#[test]
fn subscribers_alone_keep_the_source_running() {
    let (resolver, d) = Chain::new();
    let mut only = d.shared().subscribe();
    resolver.callback(1).unwrap();
    assert_eq!(only.try_take(), Some(Ok(1)));
}

#[test]
fn a_callback_of_one_subscriber_may_subscribe_again_or_cancel_another() {
    crate::common::watchdog(|| {
        let (resolver, d) = Chain::new();
        let shared = d.shared();
        let inside = shared.clone();
        let first = shared.subscribe();
        let mut second = shared.subscribe();
        let handle = second.handle();
        let mut first = first.add_callback(move |n| {
            handle.cancel();
            inside.subscribe().add_callback(move |m| Ok(n + m))
        });
        resolver.callback(1).unwrap();
        assert_eq!(first.try_take(), Some(Ok(2)));
        // It was granted, or had left: both are whole.
        assert!(second.try_take().is_some());
    });
}

#[test]
fn what_a_subscriber_does_with_the_result_concerns_nobody_else() {
    let (resolver, d) = Chain::new();
    let shared = d.shared();
    let mut first = shared.subscribe().add_callback(|_| Err::<u32, _>("own".into()));
    let mut second = shared.subscribe();
    resolver.callback(1).unwrap();
    assert_eq!(first.try_take(), Some(Err("own".into())));
    assert_eq!(second.try_take(), Some(Ok(1)));
}

#[test]
fn an_abandoned_source_abandons_its_subscribers() {
    let (resolver, d) = Chain::new();
    let shared = d.shared();
    let mut first = shared.subscribe();
    drop(resolver);
    assert_eq!(first.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn a_ready_result_is_shared_at_once() {
    let shared = Chain::succeed(1).shared();
    assert_eq!(format!("{shared:?}"), "Shared { fired: true, waiting: 0 }");
    assert_eq!(shared.subscribe().try_take(), Some(Ok(1)));
}

#[test]
fn what_comes_of_it_when_nobody_is_left_is_reported_unless_it_was_cancelled() {
    let (_resolver, d) = Chain::new();
    assert!(reports(|| drop(d.shared())).1.is_empty());
    let (_resolver, d) = Chain::new();
    let d = d.add_errback(|_| Err("on the way out".into()));
    assert_eq!(reports(|| drop(d.shared())).1.len(), 1);
    // The last handle goes while callbacks run, so there is nothing to cancel.
    let (resolver, d) = Chain::new();
    let shared = Arc::new(Mutex::new(None));
    let last = shared.clone();
    let d = d.add_callback(move |_| {
        drop(last.lock().unwrap().take());
        Err::<u32, Failure<_>>("nobody hears it".into())
    });
    *shared.lock().unwrap() = Some(d.shared());
    assert_eq!(reports(|| resolver.callback(1).unwrap()).1.len(), 1);
}

#[test]
fn a_subscriber_may_wait_for_what_another_one_gets() {
    let outcome = watchdog(|| {
        let (resolver, d) = Chain::new();
        let shared = d.shared();
        let (first, second) = (shared.subscribe(), shared.subscribe());
        let mut first = first.add_callback(move |n| Ok(n + second.wait().unwrap()));
        resolver.callback(1).unwrap();
        first.try_take()
    });
    assert_eq!(outcome, Some(Ok(2)));
}

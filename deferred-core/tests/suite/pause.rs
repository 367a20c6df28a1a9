//! Pausing, alone and together with everything else.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use crate::common::{Chain, CountWaker, Trace, log, poll_with, reports, watchdog};
use deferred_core::Paused;

#[test]
fn a_paused_chain_is_fired_and_its_callbacks_wait_for_the_token() {
    let trace = Trace::new();
    let (resolver, mut d) = Chain::new();
    let paused = d.pause();
    let mut d = d.add_callback(log(&trace, "a"));
    resolver.callback(1).unwrap();
    assert!(d.is_fired());
    assert_eq!((d.try_take(), trace.take().len()), (None, 0));
    trace.log("resuming");
    drop(paused);
    trace.log("resumed");
    trace.expect(["resuming", "a 1", "resumed"]);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn tokens_nest_in_any_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let (resolver, mut d) = Chain::new();
        let mut tokens = [Some(d.pause()), Some(d.handle().pause()), Some(d.pause())];
        resolver.callback(1).unwrap();
        for n in order {
            assert_eq!(d.try_take(), None);
            tokens[n] = None;
        }
        assert_eq!(d.try_take(), Some(Ok(1)));
    }
}

#[test]
fn a_token_dropped_before_the_firing_holds_nothing_up() {
    let trace = Trace::new();
    let (resolver, mut d) = Chain::new();
    drop(d.pause());
    let mut d = d.add_callback(log(&trace, "a"));
    resolver.callback(1).unwrap();
    trace.expect(["a 1"]);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn callbacks_attached_while_paused_run_at_the_resume() {
    let trace = Trace::new();
    let mut d = Chain::succeed(1);
    let paused = d.pause();
    let mut d = d.add_callback(log(&trace, "a")).add_callback(log(&trace, "b"));
    trace.expect([]);
    drop(paused);
    trace.expect(["a 1", "b 1"]);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn a_pause_from_inside_a_callback_holds_the_very_next_one() {
    let trace = Trace::new();
    let place: Arc<Mutex<Option<Paused>>> = Arc::default();
    let (resolver, mut d) = Chain::new();
    let (handle, keep) = (d.handle(), place.clone());
    let mut d = d
        .add_callback(log(&trace, "a"))
        .add_callback(move |n| {
            *keep.lock().unwrap() = Some(handle.pause());
            Ok(n)
        })
        .add_callback(log(&trace, "b"));
    resolver.callback(1).unwrap();
    trace.expect(["a 1"]);
    assert_eq!(d.try_take(), None);
    drop(place.lock().unwrap().take());
    trace.expect(["b 1"]);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn a_pause_that_begins_and_ends_in_one_callback_holds_nothing() {
    let trace = Trace::new();
    let (resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d = d
        .add_callback(move |n| {
            drop(handle.pause());
            Ok(n)
        })
        .add_callback(log(&trace, "b"));
    resolver.callback(1).unwrap();
    trace.expect(["b 1"]);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn pausing_a_waiting_chain_does_not_release_it_early() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, d) = Chain::new();
    let mut d = d.add_callback(move |_| inner).add_callback(log(&trace, "d"));
    resolver.callback(1).unwrap();
    drop(d.pause());
    trace.expect([]);
    let paused = d.pause();
    inner_resolver.callback(5).unwrap();
    trace.expect([]);
    assert_eq!(d.try_take(), None);
    drop(paused);
    trace.expect(["d 5"]);
    assert_eq!(d.try_take(), Some(Ok(5)));
}

#[test]
fn a_paused_outer_does_not_hold_up_the_inner() {
    let trace = Trace::new();
    let (inner_resolver, inner) = Chain::new();
    let inner = inner.add_callback(log(&trace, "inner"));
    let (resolver, d) = Chain::new();
    let mut d = d.add_callback(move |_| inner).add_callback(log(&trace, "outer"));
    resolver.callback(1).unwrap();
    let paused = d.pause();
    inner_resolver.callback(5).unwrap();
    trace.expect(["inner 5"]);
    drop(paused);
    trace.expect(["outer 5"]);
    assert_eq!(d.try_take(), Some(Ok(5)));
}

#[test]
fn whoever_awaits_a_paused_chain_is_woken_once_at_the_resume() {
    let (count, waker) = CountWaker::new();
    let (resolver, mut d) = Chain::new();
    let paused = d.pause();
    assert_eq!(poll_with(&mut d, &waker), Poll::Pending);
    resolver.callback(1).unwrap();
    assert_eq!(poll_with(&mut d, &waker), Poll::Pending);
    assert_eq!(count.count(), 0);
    drop(paused);
    assert_eq!(count.count(), 1);
    assert_eq!(poll_with(&mut d, &waker), Poll::Ready(Ok(1)));
}

#[test]
fn a_finished_chain_that_is_paused_keeps_its_result_back() {
    let (count, waker) = CountWaker::new();
    let (resolver, mut d) = Chain::new();
    resolver.callback(1).unwrap();
    let paused = d.pause();
    assert_eq!(d.try_take(), None);
    assert_eq!(poll_with(&mut d, &waker), Poll::Pending);
    drop(paused);
    assert_eq!(count.count(), 1);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn a_paused_chain_that_is_dropped_is_cancelled_and_runs_at_the_resume() {
    let trace = Trace::new();
    let (resolver, mut d) = Chain::new();
    let paused = d.pause();
    let seen = trace.clone();
    drop(d.add_errback(move |failure| {
        seen.log(failure.to_string());
        Ok(0)
    }));
    trace.expect([]);
    assert_eq!(resolver.callback(5), Err(5));
    drop(paused);
    trace.expect(["cancelled"]);
}

#[test]
fn a_failure_on_a_paused_chain_that_is_dropped_is_reported_at_the_resume() {
    let (paused, reported) = reports(|| {
        let (resolver, mut d) = Chain::new();
        let paused = d.pause();
        let d = d.add_callback(Ok);
        resolver.errback("held back").unwrap();
        drop(d);
        paused
    });
    assert_eq!(reported, [""; 0]);
    let ((), reported) = reports(|| drop(paused));
    assert_eq!(reported.len(), 1);
    assert!(reported[0].contains("held back"));
}

#[test]
fn a_failure_on_a_finished_paused_chain_that_is_dropped_is_reported_once() {
    let ((), reported) = reports(|| {
        let (resolver, mut d) = Chain::new();
        resolver.errback("held back").unwrap();
        let paused = d.pause();
        drop(d);
        drop(paused);
    });
    assert_eq!(reported.len(), 1);
}

#[test]
fn a_failure_that_was_cancelled_while_paused_and_then_replaced_is_reported() {
    let ((), reported) = reports(|| {
        let (_resolver, mut d) = Chain::new();
        let (handle, paused) = (d.handle(), d.pause());
        d.add_errback(|_| Err("found while cleaning up".into())).detach();
        handle.cancel();
        drop(paused);
    });
    assert_eq!(reported.len(), 1);
    assert!(reported[0].contains("found while cleaning up"));
}

#[test]
fn a_token_that_outlives_its_deferred_does_nothing() {
    let (resolver, mut d) = Chain::new();
    let paused = d.pause();
    let handle = d.handle();
    drop(paused);
    resolver.callback(1).unwrap();
    assert_eq!(d.try_take(), Some(Ok(1)));
    let late = handle.pause();
    assert!(handle.is_fired());
    drop((d, late, handle));
}

#[test]
fn resuming_from_inside_another_callback_runs_the_chain_there() {
    let trace = Trace::new();
    let (held_resolver, mut held) = Chain::new();
    let paused = held.pause();
    let held = held.add_callback(log(&trace, "held"));
    held_resolver.callback(1).unwrap();
    let after = trace.clone();
    let d = Chain::succeed(2).add_callback(move |n| {
        drop(paused);
        after.log("resumed");
        Ok(n)
    });
    trace.expect(["held 1", "resumed"]);
    drop((held, d));
}

#[test]
fn pausing_again_and_again_does_not_wedge_anything() {
    watchdog(|| {
        let (resolver, mut d) = Chain::new();
        let handle = d.handle();
        for _ in 0..10 {
            let next = handle.clone();
            d = d.add_callback(move |n| {
                drop((next.pause(), next.pause()));
                Ok(n + 1)
            });
        }
        let tokens: Vec<_> = (0..100).map(|_| handle.pause()).collect();
        resolver.callback(0).unwrap();
        drop(tokens);
        assert_eq!(d.wait(), Ok(10));
    });
}

#[test]
fn pausing_what_was_taken_does_nothing() {
    let mut d = Chain::succeed(1);
    assert_eq!(d.try_take(), Some(Ok(1)));
    drop((d.pause(), d.handle().pause()));
    assert_eq!(d.try_take(), None);
}

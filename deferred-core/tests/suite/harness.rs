//! The harness does what the other tests take for granted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use crate::common::{CountWaker, Drops, HookWaker, cancel_at, poll_with, reports, small_stack, watch, watchdog};
use deferred_core::Deferred;

#[test]
fn a_watchdog_barks_at_what_hangs_and_passes_on_the_rest() {
    assert_eq!(watchdog(|| 5), 5);
    let panicked = std::panic::catch_unwind(|| watchdog(|| panic!("mine")));
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"mine"));
    let (keep, never) = mpsc::channel::<()>();
    let hung = std::panic::catch_unwind(|| watch(Duration::from_millis(10), move || never.recv()));
    assert_eq!(hung.unwrap_err().downcast_ref::<String>().unwrap(), "hung for 10ms");
    drop(keep);
}

#[test]
fn a_small_stack_runs_a_closure() {
    assert_eq!(small_stack(|| 5), 5);
}

#[test]
fn hooks_of_a_waker_run_for_its_clones() {
    let counts = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let count = |n: usize| {
        let counts = counts.clone();
        move || {
            counts[n].fetch_add(1, Ordering::SeqCst);
        }
    };
    let waker = HookWaker::new().on_clone(count(0)).on_wake(count(1)).on_drop(count(2)).waker();
    drop(waker.clone());
    let by_value = waker.clone();
    by_value.wake();
    waker.wake_by_ref();
    drop(waker);
    assert_eq!(counts.each_ref().map(|n| n.load(Ordering::SeqCst)), [2, 2, 1]);
}

#[test]
fn a_future_is_cut_off_at_each_of_its_states() {
    let run = |polls| {
        let drops = Drops::new();
        let (resolver, d) = Deferred::<u8>::new();
        let mut resolver = Some(resolver);
        let value = drops.value();
        let future = async move {
            let _value = value;
            d.await
        };
        let fire_second = |n| {
            if n == 1 {
                resolver.take().unwrap().callback(7).unwrap();
            }
        };
        (cancel_at(polls, future, fire_second), drops.count())
    };
    assert_eq!([run(0), run(1), run(2)], [(None, 1), (None, 1), (Some(Ok(7)), 1)]);
}

#[test]
fn wakes_and_reports_are_counted() {
    let (count, waker) = CountWaker::new();
    let (resolver, mut d) = Deferred::<u8, &str>::new();
    assert_eq!(poll_with(&mut d, &waker), Poll::Pending);
    let ((), reported) = reports(|| {
        resolver.errback("lost").unwrap();
        drop(d);
    });
    assert_eq!((count.count(), reported.len()), (1, 1));
}

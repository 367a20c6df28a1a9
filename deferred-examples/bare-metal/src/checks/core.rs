//! deferred-core.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

use cortex_m::register::primask;
use deferred_bare_metal::board::{in_interrupt, is_interrupt};
use deferred_bare_metal::executor::{block_on, wait_for};
use deferred_core::{
    Deferred, Failure, FailureKind, ManualClock, WaitQueue, maybe_deferred, reset_unhandled_hook, set_unhandled_hook,
};

use super::Check;

pub const CHECKS: &[Check] = &[
    ("core: callbacks run in the interrupt that fires", callbacks),
    ("core: an await ends when an interrupt fires", awaiting),
    ("core: a callback's own Deferred is fired by an interrupt", nested),
    ("core: an error from an interrupt goes to the errback", errback),
    ("core: a resolver dropped by an interrupt fails its Deferred", abandoned),
    ("core: an interrupt cancels by a handle", cancelled),
    ("core: a task learns that an interrupt dropped its Deferred", told_of_cancel),
    ("core: a forwarded result comes from an interrupt", forwarded),
    ("core: an interrupt resumes a paused chain", paused),
    ("core: an interrupt moves the clock, and a timeout ends", timeout),
    ("core: a result in time takes its timer back", in_time),
    ("core: two subscribers share what an interrupt fires", shared),
    ("core: a future of the main loop waits for an interrupt", from_future),
    ("core: an interrupt pops waiters in order", wait_queue),
    ("core: an unhandled failure is reported in the interrupt", reported),
    ("core: queues unlocked in any order keep interrupts out", unlocked_in_any_order),
];

fn callbacks() {
    let (resolver, d) = Deferred::<u32>::new();
    let d = d.add_callback(|n| Ok(n * 2)).add_callback(|n| Ok((n, is_interrupt())));
    assert_eq!(wait_for(d, || resolver.callback(21).unwrap()), Ok((42, true)));
}

fn awaiting() {
    let (one, first) = Deferred::<u32>::new();
    let (two, second) = Deferred::<u32>::new();
    let sum = async { first.await.unwrap() + second.await.unwrap() };
    let fire = move || {
        in_interrupt(move || one.callback(1).unwrap());
        two.callback(2).unwrap();
    };
    assert_eq!(wait_for(sum, fire), 3);
}

fn nested() {
    let (outer, d) = Deferred::<u32>::new();
    let (inner, waited_for) = Deferred::<u32>::new();
    let d = d.add_callback(move |_| waited_for).add_callback(|n| Ok(n + 1));
    outer.callback(0).unwrap();
    assert_eq!(wait_for(d, || inner.callback(6).unwrap()), Ok(7));
}

fn errback() {
    let (resolver, d) = Deferred::<u32, &str>::new();
    let d = d.add_callback(|n| Ok(n + 1)).add_errback(|failure| match failure.into_kind() {
        FailureKind::Error("overrun") => Ok(0),
        other => Err(Failure::new(other)),
    });
    assert_eq!(wait_for(d, || resolver.errback("overrun").unwrap()), Ok(0));
}

fn abandoned() {
    let (resolver, d) = Deferred::<u32>::new();
    let failure = wait_for(d, || drop(resolver)).unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Abandoned));
}

fn cancelled() {
    let stopped = Arc::new(AtomicUsize::new(0));
    let count = stopped.clone();
    let (resolver, mut d) = Deferred::<u32>::with_canceller(move |c| {
        count.fetch_add(1, Ordering::Relaxed);
        c.done()
    });
    let handle = d.handle();
    assert!(wait_for(d, move || handle.cancel()).unwrap_err().is_cancelled());
    assert_eq!(stopped.load(Ordering::Relaxed), 1);
    assert_eq!(resolver.callback(1), Err(1), "nobody wants it any more");
}

fn told_of_cancel() {
    let (mut resolver, d) = Deferred::<u32>::new();
    wait_for(resolver.cancelled(), || drop(d));
    assert!(resolver.is_cancelled());
}

fn forwarded() {
    let (resolver, d) = Deferred::<u32>::new();
    let (source, other) = Deferred::<u32>::new();
    resolver.forward(other);
    assert_eq!(wait_for(d, || source.callback(5).unwrap()), Ok(5));
}

fn paused() {
    let (resolver, mut d) = Deferred::<u32>::new();
    let paused = d.pause();
    resolver.callback(5).unwrap();
    assert_eq!(wait_for(d.add_callback(|n| Ok(n + 1)), || drop(paused)), Ok(6));
}

fn timeout() {
    let clock = ManualClock::new();
    let (_resolver, d) = Deferred::<u32>::new();
    let d = d.timeout(&clock, Duration::from_millis(5));
    let time = clock.clone();
    let tick = move || {
        time.advance(Duration::from_millis(4));
        assert_eq!(time.pending(), 1);
        in_interrupt(move || time.advance(Duration::from_millis(1)));
    };
    assert!(wait_for(d, tick).unwrap_err().is_timed_out());
    assert_eq!(clock.pending(), 0);
}

fn in_time() {
    let clock = ManualClock::new();
    let (resolver, d) = Deferred::<u32>::new();
    let d = d.timeout(&clock, Duration::from_millis(5));
    assert_eq!(wait_for(d, || resolver.callback(1).unwrap()), Ok(1));
    assert_eq!(clock.pending(), 0);
}

fn shared() {
    let (resolver, d) = Deferred::<u32>::new();
    let shared = d.shared();
    let (one, mut two) = (shared.subscribe(), shared.subscribe());
    assert_eq!(wait_for(one, || resolver.callback(5).unwrap()), Ok(5));
    assert_eq!(two.try_take(), Some(Ok(5)));
    assert_eq!(shared.subscribe().try_take(), Some(Ok(5)));
}

fn from_future() {
    let (resolver, inner) = Deferred::<u32>::new();
    let (d, driver) = Deferred::<u32>::from_future(async { inner.await.map(|n| n + 1) });
    let mut d = d.add_callback(|n| Ok(n * 2));
    wait_for(driver, || resolver.callback(2).unwrap());
    assert_eq!(d.try_take(), Some(Ok(6)));
    let ready = maybe_deferred::<_, &str>(|| Ok(1));
    assert_eq!(block_on(ready), Ok(1));
}

fn wait_queue() {
    let queue = WaitQueue::<u32>::new(());
    let (first, second, third) = (queue.push(()), queue.push(()), queue.push(()));
    drop(second);
    let other = queue.clone();
    let pop = move || {
        for n in 1..=2 {
            other.pop().unwrap().callback(n).unwrap();
        }
        assert!(other.is_empty());
    };
    assert_eq!(wait_for(async { (first.await, third.await) }, pop), (Ok(1), Ok(2)));
}

fn reported() {
    let reports = Arc::new(AtomicUsize::new(0));
    let count = reports.clone();
    set_unhandled_hook(move |_| {
        count.fetch_add(1 + usize::from(is_interrupt()), Ordering::Relaxed);
    });
    let (resolver, d) = Deferred::<u32, &str>::new();
    let (done, end) = Deferred::<()>::new();
    d.detach();
    let fail = move || {
        resolver.errback("nobody looks").unwrap();
        done.callback(()).unwrap();
    };
    wait_for(end, fail).unwrap();
    reset_unhandled_hook();
    assert_eq!(reports.load(Ordering::Relaxed), 2);
}

/// An interrupt that finds a queue locked would wait for the main loop for ever, which waits for the interrupt.
fn unlocked_in_any_order() {
    let (one, two) = (WaitQueue::<u32>::new(()), WaitQueue::<u32>::new(()));
    let (first, second) = (one.lock(), two.lock());
    assert!(primask::read().is_inactive(), "a lock is held");
    drop(first);
    assert!(primask::read().is_inactive(), "the other lock is still held");
    drop(second);
    assert!(primask::read().is_active(), "nothing is locked");
}

//! Panics in foreign code end where that is called.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use crate::common::{CountWaker, Drops, HookWaker, Trace, allocations, poll_once, poll_with, reports};
use deferred_core::{Clock, Deferred, FailureKind, Outcome, Panic, Resolver, Shared, ThreadClock};

type Chain = Deferred<u32, &'static str>;

fn message(outcome: Option<Outcome<u32, &str>>) -> String {
    match outcome.expect("a result").expect_err("a failure").into_kind() {
        FailureKind::Panicked(panic) => panic.message().to_owned(),
        other => panic!("not a panic: {other:?}"),
    }
}

#[test]
fn a_panic_in_a_callback_goes_to_the_next_errback() {
    let (resolver, d) = Chain::new();
    let trace = Trace::new();
    let seen = trace.clone();
    let mut d = d
        .add_callback(|n| -> Outcome<u32, &str> { panic!("no {n}") })
        .add_callback(|_| -> Outcome<u32, &str> { unreachable!("passed by") })
        .add_errback(move |failure| {
            seen.log(failure.to_string());
            Ok(0)
        });
    resolver.callback(1).unwrap();
    assert_eq!(d.try_take(), Some(Ok(0)));
    let lines = trace.take();
    assert!(lines[0].starts_with("panicked: no 1 (made at "), "{lines:?}");
}

#[test]
fn a_panic_in_any_kind_of_function_becomes_a_failure() {
    let ready = || Chain::succeed(1);
    let failed = || Chain::fail("no");
    assert_eq!(message(ready().add_callback(|_| -> Outcome<u32, &str> { panic!("a") }).try_take()), "a");
    assert_eq!(message(failed().add_errback(|_| -> Outcome<u32, &str> { panic!("b") }).try_take()), "b");
    assert_eq!(message(ready().add_both(|_| -> Outcome<u32, &str> { panic!("c") }).try_take()), "c");
    let left = ready().add_callbacks(|_| -> Outcome<u32, &str> { panic!("d") }, |_| Ok(0));
    assert_eq!(message({ left }.try_take()), "d");
    let right = failed().add_callbacks(|_| Ok(0), |_| -> Outcome<u32, &str> { panic!("e") });
    assert_eq!(message({ right }.try_take()), "e");
    assert_eq!(message(failed().map_err(|_| -> &str { panic!("f") }).try_take()), "f");
}

#[test]
fn a_panic_does_not_reach_whoever_fires_resumes_or_cancels() {
    let bad = |d: Chain| d.add_both(|_| -> Outcome<u32, &str> { panic!("inside") });
    let (resolver, d) = Chain::new();
    let mut d = bad(d);
    resolver.callback(1).unwrap();
    assert_eq!(message(d.try_take()), "inside");
    let (resolver, mut d) = Chain::new();
    let paused = d.pause();
    let mut d = bad(d);
    resolver.callback(1).unwrap();
    drop(paused);
    assert_eq!(message(d.try_take()), "inside");
    let (_resolver, mut d) = Chain::new();
    let handle = d.handle();
    let mut d = bad(d);
    handle.cancel();
    assert_eq!(message(d.try_take()), "inside");
    let (resolver, d) = Chain::new();
    let mut d = bad(d);
    drop(resolver);
    assert_eq!(message(d.try_take()), "inside");
}

#[test]
fn the_message_of_a_panic_is_kept_where_there_is_one() {
    let run = |f: fn()| {
        let mut d = Chain::succeed(1).add_callback(move |n| {
            f();
            Ok(n)
        });
        message(d.try_take())
    };
    assert_eq!(run(|| panic!("literal")), "literal");
    assert_eq!(run(|| panic!("{}", "formatted")), "formatted");
    assert_eq!(run(|| panic_any(5)), "a payload that is not a string");
    assert_eq!(Panic::new("x").to_string(), "x");
}

#[test]
fn a_panic_payload_whose_drop_panics_is_survived() {
    let drops = Drops::new();
    let bomb = Mutex::new(Some(drops.bomb()));
    let mut d = Chain::succeed(1)
        .add_callback(move |_| -> Outcome<u32, &str> { panic_any(bomb.lock().unwrap().take().unwrap()) });
    assert_eq!(message(d.try_take()), "a payload that is not a string");
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_panic_payload_whose_drop_panics_with_text_is_given_back() {
    struct Payload;

    impl Drop for Payload {
        fn drop(&mut self) {
            resume_unwind(Box::new("again".to_string()));
        }
    }
    let panics = || {
        let mut d = Chain::succeed(1).add_callback(|_| -> Outcome<u32, &str> { resume_unwind(Box::new(Payload)) });
        assert_eq!(message(d.try_take()), "a payload that is not a string");
    };
    allocations(panics);
}

#[test]
fn a_waker_that_panics_when_woken_does_not_reach_the_firer() {
    let waker = HookWaker::new().on_wake(|| panic!("waker")).waker();
    let (resolver, mut d) = Chain::new();
    assert!(poll_with(&mut d, &waker).is_pending());
    resolver.callback(1).unwrap();
    assert_eq!(poll_once(&mut d), Poll::Ready(Ok(1)));
}

#[test]
fn a_waker_that_panics_when_cloned_leaves_the_deferred_usable() {
    let waker = HookWaker::new().on_clone(|| panic!("clone")).waker();
    let (count, good) = CountWaker::new();
    let (resolver, mut d) = Chain::new();
    // The panic is the caller's own: it came from its own waker.
    assert!(catch_unwind(AssertUnwindSafe(|| poll_with(&mut d, &waker))).is_err());
    assert!(poll_with(&mut d, &good).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_with(&mut d, &waker))).is_err());
    resolver.callback(1).unwrap();
    assert_eq!(count.count(), 1, "the one that was stored is still there");
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn a_waker_that_panics_when_dropped_is_survived_wherever_that_is() {
    let waker = || HookWaker::new().on_drop(|| panic!("drop")).waker();
    let (count, good) = CountWaker::new();
    let (resolver, mut d) = Chain::new();
    let bad = waker();
    assert!(poll_with(&mut d, &bad).is_pending());
    assert!(poll_with(&mut d, &good).is_pending());
    resolver.callback(1).unwrap();
    assert_eq!((count.count(), d.try_take()), (1, Some(Ok(1))));
    // With the Deferred.
    let (resolver, mut d) = Chain::new();
    assert!(poll_with(&mut d, &bad).is_pending());
    drop(d);
    assert_eq!(resolver.callback(1), Err(1));
    // When it is attached to and waited for.
    let (resolver, mut d) = Chain::new();
    assert!(poll_with(&mut d, &bad).is_pending());
    let mut outer = Chain::succeed(0).add_callback(move |_| d.add_callback(Ok)).add_callback(Ok);
    resolver.callback(1).unwrap();
    assert_eq!(poll_once(&mut outer), Poll::Ready(Ok(1)));
}

#[test]
fn a_closure_that_panics_when_it_is_dropped_unused_does_no_harm() {
    let drops = Drops::new();
    let bomb = drops.bomb();
    let (resolver, d) = Chain::new();
    let mut d = d
        .add_errback(move |_| {
            bomb.defuse();
            Ok(0)
        })
        .add_callback(|n| Ok(n + 1));
    resolver.callback(1).unwrap();
    assert_eq!((d.try_take(), drops.count()), (Some(Ok(2)), 1));
}

#[test]
fn a_canceller_that_panics_when_it_is_dropped_unused_does_no_harm() {
    let drops = Drops::new();
    let bomb = drops.bomb();
    let (resolver, mut d) = Chain::with_canceller(move |c| {
        bomb.defuse();
        c.done()
    });
    resolver.callback(1).unwrap();
    assert_eq!((d.try_take(), drops.count()), (Some(Ok(1)), 1));
}

#[test]
fn a_value_that_panics_when_nobody_takes_it_stops_there() {
    let drops = Drops::new();
    let (resolver, d) = Deferred::<crate::common::DropBomb>::new();
    d.add_callback(Ok).detach();
    resolver.callback(drops.bomb()).unwrap();
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_value_that_panics_in_its_drop_inside_a_callback_is_that_callbacks_failure() {
    let drops = Drops::new();
    let (resolver, d) = Deferred::<crate::common::DropBomb>::new();
    let mut d = d.add_callback(|bomb| {
        drop(bomb);
        Ok(1)
    });
    resolver.callback(drops.bomb()).unwrap();
    assert!(matches!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Panicked(_)));
    assert_eq!(drops.count(), 1);
}

#[test]
fn nothing_is_dropped_twice_when_a_callback_panics() {
    let drops = Drops::new();
    let (held, value) = (drops.value(), drops.value());
    let (resolver, d) = Deferred::<crate::common::DropCount, &str>::new();
    let mut d = d.add_callback(move |value| -> Outcome<u32, &str> {
        let _both = (&held, &value);
        panic!("with both")
    });
    resolver.callback(value).unwrap();
    assert_eq!(drops.count(), 2);
    assert_eq!(message(d.try_take()), "with both");
}

#[test]
fn a_hook_that_panics_does_not_reach_whoever_dropped() {
    struct Rude;
    impl std::fmt::Debug for Rude {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    let ((), _) = reports(|| drop(Deferred::<(), Rude>::fail(Rude)));
    let ((), reported) = reports(|| drop(Deferred::<(), &str>::fail("after that")));
    assert_eq!(reported.len(), 1);
}

#[test]
fn a_subscriber_whose_clone_panics_does_not_cost_the_others_their_value() {
    #[derive(Debug)]
    struct Picky(Arc<Mutex<u32>>);
    impl Clone for Picky {
        fn clone(&self) -> Self {
            let mut left = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *left -= 1;
            let bad = *left == 1;
            drop(left);
            assert!(!bad, "the second");
            Self(self.0.clone())
        }
    }
    let (resolver, d): (Resolver<Picky>, Deferred<Picky>) = Deferred::new();
    let shared: Shared<Picky, _> = d.shared();
    let mut all = [shared.subscribe(), shared.subscribe(), shared.subscribe()];
    resolver.callback(Picky(Arc::new(Mutex::new(3)))).unwrap();
    let fired: Vec<_> = all.iter_mut().map(|d| d.try_take().unwrap().is_ok()).collect();
    assert_eq!(fired, [true, false, true]);
}

#[test]
fn a_ready_value_that_panics_in_its_drop_is_the_droppers_own() {
    let drops = Drops::new();
    let d = Deferred::<crate::common::DropBomb>::succeed(drops.bomb());
    // Nothing of the crate's is in between: it is as if the value had been dropped.
    assert!(catch_unwind(AssertUnwindSafe(|| drop(d))).is_err());
    assert_eq!(drops.count(), 1);
}

/// Runs itself with a stack for each thread that no system has room for.
#[test]
fn a_clock_whose_thread_cannot_start_says_so_each_time() {
    const CHILD: &str = "DEFERRED_TEST_CLOCK_WITHOUT_A_THREAD";
    if std::env::var_os(CHILD).is_some() {
        let clock = ThreadClock::new();
        for _ in 0..2 {
            let timer = AssertUnwindSafe(|| drop(clock.call_later(Duration::from_secs(1), Box::new(|| ()))));
            let panic = catch_unwind(timer).unwrap_err();
            assert!(panic.downcast::<String>().unwrap().contains("cannot start the thread of a ThreadClock"));
            assert!(format!("{clock:?}").contains("pending: 0"), "{clock:?}");
        }
        // Also to who comes while somebody else finds out.
        std::panic::set_hook(Box::new(|_| ()));
        let tries = |clock: &ThreadClock| {
            let call = || drop(clock.call_later(Duration::from_secs(1), Box::new(|| ())));
            (0..1000).filter(|_| catch_unwind(AssertUnwindSafe(call)).is_ok()).count()
        };
        let started = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(1 << 20);
            let other = thread.spawn_scoped(scope, || tries(&clock)).unwrap();
            tries(&clock) + other.join().unwrap()
        });
        assert_eq!(started, 0);
        return;
    }
    let name = "panics::a_clock_whose_thread_cannot_start_says_so_each_time";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name, "--test-threads=1"]).env(CHILD, "1").env("RUST_MIN_STACK", (1_u64 << 50).to_string());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

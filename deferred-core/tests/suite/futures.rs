//! A Deferred as a future, and futures as Deferreds.

use std::future::{Future, pending, poll_fn, ready};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::common::{CountWaker, Drops, Trace, cancel_at, panic_if_woken, poll_once, poll_with, reports, watchdog};
use deferred_core::{Deferred, Failure, FailureKind, Resolver};
use futures_lite::future::{block_on, or, yield_now};

type Chain = Deferred<u32, &'static str>;

fn poll_pinned<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

#[test]
fn awaiting_gives_the_result_of_the_chain() {
    let (resolver, d) = Chain::new();
    let d = d.add_callback(|n| Ok(n + 1));
    resolver.callback(1).unwrap();
    assert_eq!(block_on(d), Ok(2));
    assert_eq!(block_on(Chain::fail("no")), Err("no".into()));
}

#[test]
fn a_task_is_woken_once_when_the_result_comes() {
    let (count, waker) = CountWaker::new();
    let (resolver, d) = Chain::new();
    let mut d = d.add_callback(|n| Ok(n + 1));
    assert_eq!((poll_with(&mut d, &waker), count.count()), (Poll::Pending, 0));
    resolver.callback(1).unwrap();
    assert_eq!(count.count(), 1);
    assert_eq!((poll_with(&mut d, &waker), count.count()), (Poll::Ready(Ok(2)), 1));
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    let ((first, first_waker), (second, second_waker)) = (CountWaker::new(), CountWaker::new());
    let (resolver, mut d) = Chain::new();
    assert!(poll_with(&mut d, &first_waker).is_pending());
    assert!(poll_with(&mut d, &second_waker).is_pending());
    resolver.callback(1).unwrap();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn the_same_waker_is_stored_once_and_let_go_of() {
    let (count, waker) = CountWaker::new();
    let (resolver, mut d) = Chain::new();
    for _ in 0..5 {
        assert!(poll_with(&mut d, &waker).is_pending());
    }
    assert_eq!(Arc::strong_count(&count), 3);
    drop(d);
    assert_eq!(Arc::strong_count(&count), 2);
    assert_eq!(resolver.callback(1), Err(1));
    let (resolver, mut d) = Chain::new();
    assert!(poll_with(&mut d, &waker).is_pending());
    resolver.callback(1).unwrap();
    assert_eq!((Arc::strong_count(&count), count.count()), (2, 1));
    drop(d);
}

#[test]
fn nobody_is_woken_without_a_result() {
    let waker = panic_if_woken();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, d) = Chain::new();
    let mut d = d.add_callback(move |_| inner);
    let paused = d.pause();
    assert!(poll_with(&mut d, &waker).is_pending());
    resolver.callback(1).unwrap();
    drop(paused);
    assert!(poll_with(&mut d, &waker).is_pending());
    drop(d);
    assert!(inner_resolver.is_cancelled());
}

#[test]
fn a_waker_that_was_stored_is_kept_through_attaching() {
    let (count, waker) = CountWaker::new();
    let (resolver, mut d) = Chain::new();
    assert!(poll_with(&mut d, &waker).is_pending());
    let mut d = d.add_callback(|n| Ok(n + 1));
    resolver.callback(1).unwrap();
    assert_eq!((count.count(), d.try_take()), (1, Some(Ok(2))));
}

#[test]
fn dropping_the_future_at_each_of_its_states_cancels_or_finishes() {
    for polls in 0..3 {
        let drops = Drops::new();
        let (resolver, d) = Deferred::<crate::common::DropCount>::new();
        let mut value = Some((resolver, drops.value()));
        let mut refused = false;
        let result = cancel_at(polls, d, |n| {
            if n == 1 {
                let (resolver, value) = value.take().unwrap();
                refused = resolver.callback(value).is_err();
            }
        });
        assert_eq!((result.is_some(), refused), (polls == 2, false));
        drop((result, value));
        assert_eq!(drops.count(), 1);
    }
}

#[test]
#[should_panic(expected = "polled after it returned its result")]
fn polling_after_the_result_is_a_mistake_that_says_so() {
    let mut d = Chain::succeed(1);
    assert!(poll_once(&mut d).is_ready());
    let _ = poll_once(&mut d);
}

#[test]
fn it_is_terminated_once_its_result_was_taken() {
    use futures_core::future::FusedFuture;
    let (resolver, mut d) = Chain::new();
    assert!(!d.is_terminated());
    resolver.callback(1).unwrap();
    assert!(!d.is_terminated());
    assert!(poll_once(&mut d).is_ready());
    assert!(d.is_terminated());
    let mut d = Chain::succeed(1);
    assert!(!d.is_terminated());
    assert!(d.try_take().is_some() && d.is_terminated());
    // That it was cancelled stays true, so this may be polled again and again.
    let (mut resolver, d) = Chain::new();
    assert!(!resolver.cancelled().is_terminated());
    drop(d);
    let mut cancelled = resolver.cancelled();
    assert!((0..2).all(|_| poll_once(&mut cancelled).is_ready()));
    assert!(!cancelled.is_terminated());
}

#[test]
fn reading_a_failure_by_await_handles_it() {
    let (outcome, reported) = reports(|| block_on(Chain::fail("read")));
    assert_eq!((outcome, reported.len()), (Err("read".into()), 0));
}

#[test]
fn a_future_fires_its_deferred_through_its_driver() {
    let (d, driver) = Chain::from_future(async {
        yield_now().await;
        Ok::<_, &str>(7)
    });
    let (count, waker) = CountWaker::new();
    let mut driver = pin!(driver);
    assert!(!d.is_fired());
    assert!(poll_pinned(driver.as_mut(), &waker).is_pending());
    assert_eq!(count.count(), 1);
    assert!(poll_pinned(driver.as_mut(), &waker).is_ready());
    assert_eq!(block_on(d), Ok(7));
    assert!(poll_pinned(driver.as_mut(), &waker).is_ready(), "and it stays ready");
}

#[test]
fn a_future_may_give_an_outcome_or_a_plain_result() {
    let (mut d, driver) = Chain::from_future(ready(Err::<u32, _>(Failure::new(FailureKind::Closed))));
    block_on(driver);
    assert!(d.try_take().unwrap().unwrap_err().is_closed());
    let (mut d, driver) = Chain::from_future(ready(Err::<u32, _>("plain")));
    block_on(driver);
    assert_eq!(d.try_take(), Some(Err("plain".into())));
}

#[test]
fn cancelling_or_dropping_wakes_the_driver_which_drops_the_future() {
    for drop_it in [false, true] {
        let drops = Drops::new();
        let value = drops.value();
        let (mut d, driver) = Chain::from_future(async move {
            let _value = value;
            pending::<Result<u32, &str>>().await
        });
        let (count, waker) = CountWaker::new();
        let mut driver = pin!(driver);
        assert!(poll_pinned(driver.as_mut(), &waker).is_pending());
        if drop_it {
            drop(d);
        } else {
            d.handle().cancel();
            assert!(d.try_take().unwrap().unwrap_err().is_cancelled());
        }
        assert_eq!((count.count(), drops.count()), (1, 0));
        assert!(poll_pinned(driver.as_mut(), &waker).is_ready());
        assert_eq!(drops.count(), 1, "the future is dropped by whoever polls it, not by whoever cancels");
    }
}

#[test]
fn a_deferred_that_was_cancelled_before_the_first_poll_never_runs_its_future() {
    let trace = Trace::new();
    let log = trace.clone();
    let (mut d, driver) = Chain::from_future(async move {
        log.log("ran");
        Ok::<_, &str>(1)
    });
    d.handle().cancel();
    block_on(driver);
    trace.expect([]);
    assert!(d.try_take().unwrap().is_err());
}

#[test]
fn dropping_the_driver_abandons_the_deferred() {
    let (mut d, driver) = Chain::from_future(pending::<Result<u32, &str>>());
    drop(driver);
    assert_eq!(d.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
}

#[test]
fn a_panic_in_the_future_is_the_failure_of_the_deferred() {
    let (mut d, driver) =
        Chain::from_future(poll_fn(|_| -> Poll<Result<u32, &str>> { resume_unwind(Box::new("in the future")) }));
    block_on(driver);
    let failure = d.try_take().unwrap().unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Panicked(panic) if panic.message() == "in the future"));
}

#[test]
fn what_the_future_held_is_free_when_the_callbacks_run() {
    let drops = Drops::new();
    let (value, seen) = (drops.value(), drops.clone());
    let (d, driver) = Chain::from_future(async move {
        let _value = value;
        Ok::<_, &str>(0)
    });
    let mut d = d.add_callback(move |_| Ok(seen.count() as u32));
    block_on(driver);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn async_code_goes_on_inside_the_call_that_fires_where_the_waker_polls() {
    // The nearest thing to a coroutine that is resumed by the firing: a waker that polls on the spot.
    type Task = Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>;
    struct Local(Task);
    impl std::task::Wake for Local {
        fn wake(self: Arc<Self>) {
            let task = self.0.lock().unwrap().take();
            if let Some(mut task) = task {
                if poll_pinned(task.as_mut(), &Waker::from(self.clone())).is_pending() {
                    *self.0.lock().unwrap() = Some(task);
                }
            }
        }
    }
    let trace = Trace::new();
    let (resolver, d) = Chain::new();
    let log = trace.clone();
    let body = async move {
        log.log("begins");
        log.log(format!("{:?}", d.await.unwrap()));
    };
    let local = Arc::new(Local(Mutex::new(Some(Box::pin(body)))));
    Waker::from(local).wake();
    trace.expect(["begins"]);
    resolver.callback(5).unwrap();
    trace.expect(["5"]);
}

#[test]
fn awaiting_thousands_of_ready_deferreds_uses_no_stack() {
    crate::common::small_stack(|| {
        let sum = block_on(async {
            let mut sum = 0;
            for n in 0..5000 {
                sum += Chain::succeed(n).await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 4999 * 5000 / 2);
    });
}

#[test]
fn the_loser_of_a_race_is_cancelled() {
    let (resolver, d) = Chain::new();
    assert_eq!(block_on(or(async { Chain::succeed(1).await }, d)), Ok(1));
    assert_eq!(resolver.callback(2), Err(2));
}

#[test]
fn a_resolver_learns_of_a_cancel_by_waiting_for_it() {
    let (count, waker) = CountWaker::new();
    for drop_it in [false, true] {
        let (mut resolver, mut d) = Chain::new();
        let before = count.count();
        assert!(poll_with(&mut resolver.cancelled(), &waker).is_pending());
        if drop_it {
            drop(d);
        } else {
            d.handle().cancel();
            assert!(d.try_take().unwrap().is_err());
        }
        assert_eq!(count.count() - before, 1);
        assert!(poll_with(&mut resolver.cancelled(), &waker).is_ready());
        assert!(poll_with(&mut resolver.cancelled(), &waker).is_ready(), "again and again");
    }
}

#[test]
fn a_resolver_may_wait_for_a_cancel_and_fire_after_all() {
    let (mut resolver, mut d) = Chain::new();
    let waker = panic_if_woken();
    assert!(poll_with(&mut resolver.cancelled(), &waker).is_pending());
    assert!(poll_with(&mut resolver.cancelled(), &waker).is_pending());
    resolver.callback(1).unwrap();
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn work_stops_when_its_resolver_hears_of_the_cancel() {
    watchdog(|| {
        let (mut resolver, d): (Resolver<u32, &str>, Chain) = Deferred::new();
        let worker = std::thread::spawn(move || {
            block_on(resolver.cancelled());
            resolver.callback(1)
        });
        drop(d);
        assert_eq!(worker.join().unwrap(), Err(1));
    });
}

#[test]
fn an_error_that_panics_on_its_way_fails_the_deferred() {
    struct Bad;
    impl From<Bad> for Failure<&'static str> {
        fn from(_: Bad) -> Self {
            panic!("no way")
        }
    }
    let (mut d, driver) = Deferred::<u8, &'static str>::from_future(async { Err(Bad) });
    futures_lite::future::block_on(driver);
    assert!(matches!(d.try_take().unwrap().unwrap_err().kind(), FailureKind::Panicked(_)));
}

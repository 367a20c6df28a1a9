//! Time limits, and the clocks behind them.

use std::cell::RefCell;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Trace, watchdog};
use deferred_core::{Clock, Deferred, FailureKind, ManualClock, ThreadClock, Timer};

type Chain = Deferred<u32, &'static str>;

const SECOND: Duration = Duration::from_secs(1);

fn timed_out(d: &mut Chain) -> bool {
    d.try_take().unwrap().unwrap_err().is_timed_out()
}

#[test]
fn what_does_not_come_in_time_times_out() {
    let clock = ManualClock::new();
    let (resolver, d) = Chain::new();
    let mut d = d.timeout(&clock, 2 * SECOND);
    clock.advance(SECOND);
    assert_eq!((d.try_take(), clock.pending()), (None, 1));
    clock.advance(SECOND);
    assert!(timed_out(&mut d));
    assert_eq!(clock.pending(), 0);
    assert_eq!(resolver.callback(1), Err(1));
}

#[test]
fn an_owner_who_goes_as_the_time_is_up_is_heard_behind_the_timeout_too() {
    let clock = ManualClock::new();
    let (resolver, d) = Chain::new();
    let (inner_resolver, inner) = Chain::new();
    let place = Arc::new(Mutex::new(None));
    let (ring, owner) = (clock.clone(), place.clone());
    let d = d.add_callback(move |n| {
        ring.advance(SECOND);
        let owned: Option<Chain> = owner.lock().unwrap().take();
        drop(owned);
        Ok(n)
    });
    *place.lock().unwrap() = Some(d.timeout(&clock, SECOND).add_callback(move |_| inner));
    resolver.callback(1).unwrap();
    assert!(inner_resolver.is_cancelled());
}

#[test]
fn what_comes_in_time_frees_the_timer() {
    let clock = ManualClock::new();
    let (resolver, d) = Chain::new();
    let mut d = d.timeout(&clock, SECOND);
    resolver.callback(1).unwrap();
    assert_eq!(clock.pending(), 0);
    clock.advance(2 * SECOND);
    assert_eq!(d.try_take(), Some(Ok(1)));
}

#[test]
fn dropping_or_cancelling_frees_the_timer() {
    let clock = ManualClock::new();
    let (_resolver, d) = Chain::new();
    drop(d.timeout(&clock, SECOND));
    assert_eq!(clock.pending(), 0);
    let (_resolver, d) = Chain::new();
    let mut d = d.timeout(&clock, SECOND);
    d.handle().cancel();
    assert_eq!(clock.pending(), 0);
    assert!(d.try_take().unwrap().unwrap_err().is_cancelled(), "a cancel of the user's is not a timeout");
}

#[test]
fn what_has_fired_needs_no_timer() {
    let clock = ManualClock::new();
    let mut ready = Chain::succeed(1).timeout(&clock, Duration::ZERO);
    let (resolver, d) = Chain::new();
    resolver.callback(2).unwrap();
    let mut fired = d.timeout(&clock, Duration::ZERO);
    assert_eq!(clock.pending(), 0);
    assert_eq!((ready.try_take(), fired.try_take()), (Some(Ok(1)), Some(Ok(2))));
}

#[test]
fn a_limit_of_nothing_still_waits_for_the_clock() {
    let clock = ManualClock::new();
    let (_resolver, d) = Chain::new();
    let mut d = d.timeout(&clock, Duration::ZERO);
    assert_eq!(d.try_take(), None);
    clock.advance(Duration::ZERO);
    assert!(timed_out(&mut d));
}

#[test]
fn a_time_limit_covers_what_was_attached_before_it() {
    let clock = ManualClock::new();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, d) = Chain::new();
    let mut d = d.add_callback(move |_| inner).timeout(&clock, SECOND);
    resolver.callback(1).unwrap();
    clock.advance(SECOND);
    assert!(inner_resolver.is_cancelled());
    assert!(timed_out(&mut d));
}

#[test]
fn a_time_limit_does_not_cover_what_is_attached_after_it() {
    let clock = ManualClock::new();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, d) = Chain::new();
    let mut d = d.timeout(&clock, SECOND).add_callback(move |_| inner);
    resolver.callback(1).unwrap();
    clock.advance(5 * SECOND);
    inner_resolver.callback(2).unwrap();
    assert_eq!(d.try_take(), Some(Ok(2)));
}

#[test]
fn whatever_kind_of_failure_the_time_limit_causes_it_reads_timed_out() {
    let clock = ManualClock::new();
    let (_resolver, d) = Chain::with_canceller(|c| c.fire(Err("torn down".into())));
    let mut d = d.timeout(&clock, SECOND);
    let (_second, e) = Chain::with_canceller(|_| panic!("in the canceller"));
    let mut e = e.timeout(&clock, SECOND);
    let (third, f) = Chain::with_canceller(|c| c.later());
    let mut f = f.timeout(&clock, SECOND);
    clock.advance(SECOND);
    assert!(timed_out(&mut d) && timed_out(&mut e));
    assert_eq!(f.try_take(), None);
    drop(third);
    assert!(timed_out(&mut f));
}

#[test]
fn a_canceller_that_answers_with_a_value_is_taken_at_its_word() {
    let clock = ManualClock::new();
    let (_resolver, d) = Chain::with_canceller(|c| c.fire(Ok(7)));
    let mut d = d.timeout(&clock, SECOND);
    clock.advance(SECOND);
    assert_eq!(d.try_take(), Some(Ok(7)));
}

#[test]
fn a_failure_before_the_time_is_up_stays_what_it_is() {
    let clock = ManualClock::new();
    let (resolver, d) = Chain::new();
    let mut d = d.timeout(&clock, SECOND);
    resolver.errback("own").unwrap();
    assert_eq!(d.try_take(), Some(Err("own".into())));
}

#[test]
fn of_two_time_limits_the_first_to_run_out_decides_and_both_timers_go() {
    for (first, second) in [(1, 5), (5, 1)] {
        let clock = ManualClock::new();
        let (_resolver, d) = Chain::new();
        let mut d = d.timeout(&clock, first * SECOND).timeout(&clock, second * SECOND);
        assert_eq!(clock.pending(), 2);
        clock.advance(SECOND);
        assert!(timed_out(&mut d));
        assert_eq!(clock.pending(), 0);
    }
}

#[test]
fn a_timed_out_failure_tells_where_the_limit_was_set() {
    let clock = ManualClock::new();
    let (_resolver, d) = Chain::new();
    let line = line!() + 1;
    let mut d = d.timeout(&clock, SECOND);
    clock.advance(SECOND);
    assert_eq!(d.try_take().unwrap().unwrap_err().origin().line(), line);
}

#[test]
fn the_manual_clock_makes_its_calls_in_the_order_of_their_times() {
    let (clock, trace) = (ManualClock::new(), Trace::new());
    let at = |seconds: u32, name: &'static str| {
        let log = trace.clone();
        clock.call_later(seconds * SECOND, Box::new(move || log.log(name)))
    };
    let timers = (at(3, "c"), at(1, "a"), at(2, "b"), at(3, "d"), at(9, "never"));
    clock.advance(3 * SECOND);
    trace.expect(["a", "b", "c", "d"]);
    assert_eq!((clock.pending(), clock.now()), (1, 3 * SECOND));
    drop(timers);
    assert_eq!(clock.pending(), 0);
}

#[test]
fn a_call_may_schedule_another_that_is_due_in_the_same_advance() {
    let (clock, trace) = (ManualClock::new(), Trace::new());
    let kept: Arc<Mutex<Vec<Timer>>> = Arc::default();
    let (own, log, keep) = (clock.clone(), trace.clone(), kept.clone());
    let timer = clock.call_later(
        SECOND,
        Box::new(move || {
            log.log("first");
            let second = log.clone();
            keep.lock().unwrap().push(own.call_later(Duration::ZERO, Box::new(move || second.log("second"))));
        }),
    );
    clock.advance(5 * SECOND);
    trace.expect(["first", "second"]);
    drop((timer, kept));
}

#[test]
fn a_call_may_use_the_clock_and_panic_without_harm() {
    watchdog(|| {
        let (clock, trace) = (ManualClock::new(), Trace::new());
        let (own, log) = (clock.clone(), trace.clone());
        let bad = clock.call_later(
            SECOND,
            Box::new(move || {
                log.log(format!("{} pending", own.pending()));
                own.advance(Duration::ZERO);
                panic!("in a call");
            }),
        );
        let log = trace.clone();
        let good = clock.call_later(SECOND, Box::new(move || log.log("good")));
        clock.advance(SECOND);
        trace.expect(["1 pending", "good"]);
        drop((bad, good));
    });
}

#[test]
fn a_call_is_made_at_its_time_and_not_after_it_was_taken_back() {
    let (clock, trace) = (ManualClock::new(), Trace::new());
    let log = trace.clone();
    let timer = clock.call_later(SECOND, Box::new(move || log.log("called")));
    clock.advance(SECOND / 2);
    drop(timer);
    clock.advance(SECOND);
    trace.expect([]);
}

#[test]
fn a_clock_behind_a_reference_or_a_trait_object_will_do() {
    let clock = ManualClock::new();
    let object: &dyn Clock = &clock;
    let (_resolver, d) = Chain::new();
    let mut d = d.timeout(object, SECOND).timeout(&&clock, 2 * SECOND);
    clock.advance(SECOND);
    assert!(timed_out(&mut d));
}

#[test]
fn the_thread_clock_times_out_what_does_not_come() {
    watchdog(|| {
        let clock = ThreadClock::new();
        let (resolver, d) = Chain::new();
        assert!(d.timeout(&clock, Duration::from_millis(2)).wait().unwrap_err().is_timed_out());
        assert_eq!(resolver.callback(1), Err(1));
        let (resolver, d) = Chain::new();
        let d = d.timeout(&clock, 60 * SECOND);
        resolver.callback(1).unwrap();
        assert_eq!(d.wait(), Ok(1));
    });
}

#[test]
fn the_thread_clock_serves_many_timers_in_order() {
    watchdog(|| {
        let clock = ThreadClock::new();
        let (sender, fired) = channel();
        let start = Instant::now();
        let mut timers = Vec::new();
        // When each is due, at the earliest and at the latest: that is between two looks at the clock.
        let mut due = [(Duration::ZERO, Duration::ZERO); 50];
        for n in (0..50_u32).rev() {
            let sender = sender.clone();
            let delay = Duration::from_millis(50) + Duration::from_micros(u64::from(n) * 400);
            let before = start.elapsed() + delay;
            timers.push(clock.call_later(delay, Box::new(move || sender.send(n as usize).unwrap())));
            due[n as usize] = (before, start.elapsed() + delay);
        }
        let order: Vec<usize> = fired.iter().take(50).collect();
        for (place, n) in order.iter().enumerate() {
            assert!(order[place..].iter().all(|later| due[*n].0 <= due[*later].1), "{n} came too early: {order:?}");
        }
    });
}

#[test]
fn a_timer_outlives_the_handles_of_its_thread_clock() {
    watchdog(|| {
        let (resolver, d) = Chain::new();
        let clock = ThreadClock::new();
        let call = Box::new(move || _ = resolver.callback(1));
        let timer = clock.call_later(Duration::from_millis(1), call);
        drop(clock);
        assert_eq!(d.wait(), Ok(1));
        drop(timer);
    });
}

/// Most likely long enough for a thread that was woken to wait again; on a busy machine that has a turn of its own meanwhile.
fn let_others_run() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(200) {
        thread::yield_now();
    }
}

#[test]
fn the_thread_clock_makes_an_earlier_call_before_the_one_it_waits_for() {
    watchdog(|| {
        let clock = ThreadClock::new();
        let (sender, fired) = channel();
        let mut timers = vec![clock.call_later(600 * SECOND, Box::new(|| ()))];
        // By the second round the thread waits for the first of all.
        for n in 0..20 {
            let sender = sender.clone();
            timers.push(clock.call_later(Duration::from_millis(1), Box::new(move || sender.send(n).unwrap())));
            assert_eq!(fired.recv(), Ok(n));
            let_others_run();
        }
    });
}

#[test]
fn the_thread_clock_has_one_thread_until_nobody_can_need_it() {
    /// Tells when its thread ends.
    struct Witness(Sender<()>);

    impl Drop for Witness {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    thread_local!(static WITNESS: RefCell<Option<Witness>> = const { RefCell::new(None) });

    watchdog(|| {
        for late in [false, true] {
            let clock = ThreadClock::new();
            let (ending, ended) = channel();
            let (sender, threads) = channel();
            let witness = move || WITNESS.with(|witness| *witness.borrow_mut() = Some(Witness(ending)));
            let mut timers = vec![clock.call_later(Duration::ZERO, Box::new(witness))];
            let mut next = || {
                let sender = sender.clone();
                let call = Box::new(move || sender.send(thread::current().id()).unwrap());
                timers.push(clock.call_later(Duration::ZERO, call));
                threads.recv().unwrap()
            };
            let first = next();
            for _ in 0..20 {
                let_others_run();
                assert_eq!(next(), first);
            }
            // A timer that is left is the last to need the thread.
            let timer = late.then(|| clock.call_later(600 * SECOND, Box::new(|| ())));
            drop(clock);
            // By now the thread waits for that, and must be told when it need not.
            let_others_run();
            if timer.is_some() {
                assert!(ended.try_recv().is_err());
            }
            drop(timer);
            assert!(ended.recv().is_ok());
        }
    });
}

#[test]
fn a_timeout_of_a_wait_reads_the_same_on_a_plain_thread() {
    let clock = ManualClock::new();
    let (_resolver, d) = Chain::new();
    let d = d.timeout(&clock, SECOND);
    clock.advance(SECOND);
    assert_eq!(d.wait().unwrap_err().into_kind(), FailureKind::TimedOut);
}

#[test]
fn a_time_limit_that_runs_out_during_a_callback_cancels_what_that_returns() {
    let clock = ManualClock::new();
    let (inner_resolver, inner) = Chain::new();
    let (resolver, d) = Chain::new();
    let inside = clock.clone();
    let d = d.add_callback(move |_| {
        inside.advance(SECOND);
        inner
    });
    let mut d = d.timeout(&clock, SECOND);
    resolver.callback(1).unwrap();
    assert!(inner_resolver.is_cancelled());
    assert!(timed_out(&mut d));
}

#[test]
fn what_has_fired_does_not_touch_the_clock() {
    struct Stopped;
    impl Clock for Stopped {
        fn call_later(&self, _: Duration, _: Box<dyn FnOnce() + Send>) -> Timer {
            unreachable!("nothing is to be called")
        }
    }
    assert_eq!(Chain::succeed(1).timeout(&Stopped, SECOND).try_take(), Some(Ok(1)));
}

#[test]
fn a_time_limit_that_runs_out_during_a_callback_does_not_reach_beyond_itself() {
    let clock = ManualClock::new();
    let (later_resolver, later) = Chain::new();
    let (resolver, d) = Chain::new();
    let inside = clock.clone();
    let d = d.add_callback(move |n| {
        inside.advance(SECOND);
        Ok(n)
    });
    let mut d = d.timeout(&clock, SECOND).add_callback(move |_| later);
    resolver.callback(1).unwrap();
    assert!(!later_resolver.is_cancelled());
    later_resolver.callback(5).unwrap();
    assert_eq!(d.try_take(), Some(Ok(5)));
}

#[test]
fn a_timer_that_panics_when_it_goes_does_not_reach_whoever_fires() {
    /// A clock whose timers do that.
    struct Bombs;
    impl Clock for Bombs {
        fn call_later(&self, _: Duration, _: Box<dyn FnOnce() + Send>) -> Timer {
            Timer::new(|| panic!("a timer goes"))
        }
    }
    let (resolver, d) = Chain::new();
    let mut d = d.timeout(&Bombs, SECOND);
    resolver.callback(1).unwrap();
    assert_eq!(d.try_take(), Some(Ok(1)));
}

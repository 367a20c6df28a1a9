//! Blocking waits, and ends that meet from different threads.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::task::Context;
use std::thread;
use std::time::Duration;

use crate::common::{CountWaker, Drops, together, watchdog};
use deferred_core::{Deferred, ManualClock, Outcome, WaitQueue};

type Chain = Deferred<u32, &'static str>;

const ROUNDS: u32 = if cfg!(miri) { 3 } else { 300 };

#[test]
fn a_plain_thread_waits_for_the_result_of_the_chain() {
    watchdog(|| {
        let (resolver, d) = Chain::new();
        let d = d.add_callback(|n| Ok(n + 1));
        let firing = thread::spawn(move || resolver.callback(1).unwrap());
        assert_eq!(d.wait(), Ok(2));
        firing.join().unwrap();
        assert_eq!(Chain::succeed(5).wait(), Ok(5));
        let (resolver, d) = Chain::new();
        resolver.errback("no").unwrap();
        assert_eq!(d.wait(), Err("no".into()));
    });
}

#[test]
fn a_wait_that_times_out_gives_the_deferred_back() {
    watchdog(|| {
        let (resolver, d) = Chain::new();
        let d = d.wait_timeout(Duration::ZERO).unwrap_err();
        let d = d.wait_timeout(Duration::from_millis(1)).unwrap_err();
        assert!(!resolver.is_cancelled());
        resolver.callback(1).unwrap();
        assert_eq!(d.wait_timeout(Duration::MAX).unwrap(), Ok(1));
    });
}

#[test]
fn a_wait_that_may_time_out_ends_when_the_result_comes() {
    watchdog(|| {
        // Most of these are waited for before they fire.
        for n in 0..200 {
            let (resolver, d) = Chain::new();
            let waited = together(|| d.wait_timeout(Duration::from_secs(600)), || resolver.callback(n).unwrap());
            assert_eq!(waited.unwrap(), Ok(n));
        }
    });
}

#[test]
fn a_wait_ends_when_the_resolver_goes() {
    watchdog(|| {
        let (resolver, d) = Chain::new();
        let dropping = thread::spawn(move || drop(resolver));
        assert!(d.wait().is_err());
        dropping.join().unwrap();
    });
}

#[test]
fn callbacks_run_on_the_thread_that_fires() {
    watchdog(|| {
        let (resolver, d) = Chain::new();
        let (sender, receiver) = channel();
        d.add_callback(move |_| sender.send(thread::current().id()).map_err(|_| "nobody listens".into())).detach();
        let firing = thread::spawn(move || {
            resolver.callback(1).unwrap();
            thread::current().id()
        });
        assert_eq!(receiver.recv().unwrap(), firing.join().unwrap());
    });
}

#[test]
fn attaching_meets_firing() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (resolver, mut d) = Chain::new();
            let attach = move || {
                for _ in 0..20 {
                    d = d.add_callback(|n| Ok(n + 1));
                }
                d
            };
            let d = together(attach, move || resolver.callback(0).unwrap());
            assert_eq!(d.wait(), Ok(20));
        }
    });
}

/// The threads meet in relaxed numbers, so that nothing but the chain orders what one writes and the other reads.
#[test]
fn a_callback_that_is_attached_while_others_run_is_seen_whole() {
    watchdog(|| {
        for _ in 0..ROUNDS / 3 {
            let (resolver, d) = Chain::new();
            let stage = Arc::new(AtomicUsize::new(0));
            let reach = |stage: &AtomicUsize, n| {
                while stage.load(Ordering::Relaxed) < n {
                    thread::yield_now();
                }
            };
            let held = stage.clone();
            let mut d = d.add_callback(move |n| {
                held.store(1, Ordering::Relaxed);
                reach(&held, 2);
                Ok(n)
            });
            let firing = thread::spawn(move || resolver.callback(0).unwrap());
            reach(&stage, 1);
            for n in 0..20_u32 {
                let text = n.to_string();
                d = d.add_callback(move |sum| Ok(sum + text.parse::<u32>().unwrap()));
            }
            stage.store(2, Ordering::Relaxed);
            assert_eq!(d.wait(), Ok(190));
            firing.join().unwrap();
        }
    });
}

#[test]
fn dropping_meets_firing_and_the_value_is_dropped_once() {
    watchdog(|| {
        let drops = Drops::new();
        for round in 0..ROUNDS as usize {
            let (resolver, d) = Deferred::<crate::common::DropCount>::new();
            let d = if round % 2 == 0 { d.add_callback(Ok) } else { d };
            let value = drops.value();
            together(move || drop(d), move || drop(resolver.callback(value)));
            assert_eq!(drops.count(), round + 1);
        }
    });
}

#[test]
fn cancelling_meets_firing_and_one_of_them_wins() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (resolver, mut d) = Chain::new();
            let handle = d.handle();
            let ran = Arc::new(AtomicUsize::new(0));
            let count = ran.clone();
            let d = d.add_both(move |outcome| {
                count.fetch_add(1, Ordering::SeqCst);
                outcome
            });
            let fired = together(move || resolver.callback(1).is_ok(), move || handle.cancel());
            assert_eq!(d.wait().is_ok(), fired);
            assert_eq!(ran.load(Ordering::SeqCst), 1);
        }
    });
}

#[test]
fn polling_meets_firing_and_the_wake_is_not_lost() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (resolver, mut d) = Chain::new();
            let (count, waker) = CountWaker::new();
            let polling = move || {
                let ready = Pin::new(&mut d).poll(&mut Context::from_waker(&waker)).is_ready();
                (d, ready)
            };
            let (mut d, ready) = together(polling, move || resolver.callback(1).unwrap());
            if !ready {
                assert_eq!((count.count(), d.try_take()), (1, Some(Ok(1))));
            }
        }
    });
}

#[test]
fn resuming_meets_firing_and_the_callbacks_run_once() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (resolver, mut d) = Chain::new();
            let (first, second) = (d.pause(), d.pause());
            let mut d = d.add_callback(|n| Ok(n + 1));
            let firing = move || {
                resolver.callback(1).unwrap();
                drop(first);
            };
            together(firing, move || drop(second));
            assert_eq!(d.try_take(), Some(Ok(2)));
        }
    });
}

#[test]
fn cancelling_a_waiting_chain_meets_firing_the_inner() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (inner_resolver, inner) = Chain::new();
            let (resolver, mut d) = Chain::new();
            let handle = d.handle();
            let d = d.add_callback(move |_| inner).add_errback(|_| Ok(2));
            resolver.callback(0).unwrap();
            let fired = together(move || inner_resolver.callback(1).is_ok(), move || handle.cancel());
            assert_eq!(d.wait(), Ok(if fired { 1 } else { 2 }));
        }
    });
}

#[test]
fn dropping_a_chain_meets_firing_it_into_a_wait() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (inner_resolver, inner) = Chain::new();
            let (resolver, d) = Chain::new();
            let d = d.add_callback(move |_| inner);
            let _ = together(move || resolver.callback(0), move || drop(d));
            assert!(inner_resolver.is_cancelled(), "whoever came first, nobody wants it");
        }
    });
}

#[test]
fn a_timeout_meets_firing_and_one_of_them_wins() {
    watchdog(|| {
        let clock = ManualClock::new();
        for _ in 0..ROUNDS {
            let (resolver, d) = Chain::new();
            let d = d.timeout(&clock, Duration::from_secs(1));
            let time = clock.clone();
            let fired = together(move || resolver.callback(1).is_ok(), move || time.advance(Duration::from_secs(1)));
            match d.wait() {
                Ok(n) => assert!(fired && n == 1),
                Err(failure) => assert!(!fired && failure.is_timed_out()),
            }
            assert_eq!(clock.pending(), 0);
        }
    });
}

#[test]
fn a_shared_result_reaches_whoever_stays_however_late_they_came() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let (resolver, d) = Deferred::<Vec<u32>>::new();
            let shared = d.shared();
            let early = shared.subscribe();
            let (others, gone) = (shared.clone(), shared.subscribe());
            let late = move || {
                let late: Vec<_> = (0..4).map(|_| others.subscribe()).collect();
                drop(gone);
                late
            };
            let late = together(late, move || resolver.callback(vec![1, 2]).unwrap());
            for d in late.into_iter().chain([early]) {
                assert_eq!(d.wait(), Ok(vec![1, 2]));
            }
        }
    });
}

#[test]
fn the_last_subscriber_to_leave_meets_firing_and_the_value_is_dropped() {
    watchdog(|| {
        for _ in 0..ROUNDS {
            let value = Arc::new(1);
            let (resolver, d) = Deferred::<Arc<u32>>::new();
            let shared = d.shared();
            let only = shared.subscribe();
            let sent = value.clone();
            let leave = move || {
                drop(shared);
                drop(only);
            };
            together(leave, move || drop(resolver.callback(sent)));
            assert_eq!(Arc::strong_count(&value), 1);
        }
    });
}

#[test]
fn a_queue_serves_threads_that_come_and_go() {
    watchdog(|| {
        let queue = WaitQueue::<u32>::new(());
        let served = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..3)
            .map(|n| {
                let (queue, served) = (queue.clone(), served.clone());
                thread::spawn(move || {
                    for round in 0..ROUNDS {
                        let d = queue.push(());
                        if (round + n) % 3 == 0 {
                            drop(d);
                        } else {
                            let served = served.clone();
                            let count = move |n: u32| -> Outcome<u32, _> {
                                served.fetch_add(1, Ordering::SeqCst);
                                Ok(n)
                            };
                            d.add_callback(count).detach();
                        }
                    }
                })
            })
            .collect();
        let mut accepted = 0;
        let all = 3 * ROUNDS as usize * 2 / 3;
        loop {
            let idle = threads.iter().all(thread::JoinHandle::is_finished);
            match queue.pop() {
                Some(resolver) => accepted += usize::from(resolver.callback(1).is_ok()),
                None if idle => break,
                None => thread::yield_now(),
            }
        }
        assert_eq!(served.load(Ordering::SeqCst), all);
        // One that is popped while it is dropped may be served and not wanted any more.
        assert!(accepted >= all);
        assert!(queue.is_empty());
    });
}

//! `DeferredSemaphore`: never more permits than the limit, first come first served, and none is ever lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::{HookWaker, Trace, panic_if_woken, poll_with};
use crate::helpers::{Acquire, at_rest, granted, taken, watched};
use deferred_core::{Deferred, Failure};
use deferred_sync::{DeferredSemaphore, Permit};
use futures_lite::future;

// Smoke.

#[test]
fn permits_are_granted_at_once_up_to_the_limit() {
    let semaphore = DeferredSemaphore::new(2);
    let permits = [semaphore.acquire(), semaphore.acquire()].map(|d| d.wait().unwrap());
    assert_eq!(semaphore.available(), 0);
    let mut third = semaphore.acquire();
    assert!(third.try_take().is_none());
    assert_eq!(semaphore.waiting(), 1);
    drop(permits);
    let third = granted(&mut third);
    assert_eq!(semaphore.available(), 1);
    third.release();
    at_rest(&semaphore, 2);
}

#[test]
fn it_waits_in_every_way() {
    let semaphore = DeferredSemaphore::new(1);
    let in_callback = Arc::new(AtomicUsize::new(0));
    let note = in_callback.clone();
    semaphore
        .acquire()
        .add_callback(move |permit| {
            note.store(permit.count(), Ordering::SeqCst);
            Ok(())
        })
        .detach();
    assert_eq!(in_callback.load(Ordering::SeqCst), 1);
    let permit = future::block_on(semaphore.acquire()).unwrap();
    let blocked = semaphore.acquire();
    let thread = thread::spawn(move || blocked.wait().map(|permit| permit.count()));
    drop(permit);
    assert_eq!(thread.join().unwrap(), Ok(1));
    at_rest(&semaphore, 1);
}

#[test]
fn run_holds_a_permit_until_its_deferred_has_fired() {
    let semaphore = DeferredSemaphore::new(1);
    let (resolver, work) = Deferred::<u8, String>::new();
    let mut first = semaphore.run(move || work);
    assert_eq!(semaphore.available(), 0);
    let mut second = semaphore.run(|| Ok::<_, Failure<String>>(2));
    assert!(second.try_take().is_none());
    resolver.callback(1).unwrap();
    assert_eq!((first.try_take(), second.try_take()), (Some(Ok(1)), Some(Ok(2))));
    at_rest(&semaphore, 1);
}

#[test]
fn run_releases_before_the_callbacks_of_its_result_run() {
    let semaphore = DeferredSemaphore::new(1);
    let (resolver, work) = Deferred::<u8>::new();
    let inner = semaphore.clone();
    let d = semaphore.run(move || work).add_callback(move |_| Ok(inner.available()));
    resolver.callback(1).unwrap();
    assert_eq!(d.wait(), Ok(1));
}

#[test]
fn a_permit_knows_its_semaphore() {
    let (semaphore, all) = taken(3);
    assert_eq!(all.count(), 3);
    all.semaphore().close();
    assert!(semaphore.is_closed());
    assert_eq!(format!("{all:?}"), "Permit { count: 3, .. }");
}

#[test]
fn debug_shows_who_holds_and_who_waits() {
    let semaphore = DeferredSemaphore::new(3);
    let held = semaphore.try_acquire_many(2).unwrap();
    let waiter = semaphore.acquire_many(2);
    assert_eq!(
        format!("{semaphore:?}"),
        "DeferredSemaphore { available: 1, held: 2, limit: 3, waiting: 1, closed: false }"
    );
    drop(waiter);
    semaphore.set_limit(1).unwrap();
    assert_eq!(
        format!("{semaphore:?}"),
        "DeferredSemaphore { available: 0, held: 2, limit: 1, waiting: 0, closed: false }"
    );
    drop(held);
}

// Order and fairness.

#[test]
fn waiters_are_granted_in_the_order_in_which_they_came() {
    let (semaphore, held) = taken(1);
    let mut waiters: Vec<Acquire> = (0..4).map(|_| semaphore.acquire()).collect();
    let mut permit = Some(held);
    for n in 0..4 {
        drop(permit.take());
        assert!(waiters[n + 1..].iter().all(|waiter| !waiter.is_fired()), "after {n}");
        permit = Some(granted(&mut waiters[n]));
    }
    drop(permit);
    at_rest(&semaphore, 1);
}

#[test]
fn k_releases_before_any_poll_wake_k_waiters_once_each() {
    let semaphore = DeferredSemaphore::new(8);
    let mut permits: Vec<Permit> = (0..8).map(|_| semaphore.try_acquire().unwrap()).collect();
    let mut waiters: Vec<Acquire> = (0..8).map(|_| semaphore.acquire()).collect();
    let counts: Vec<_> = waiters.iter_mut().map(watched).collect();
    for _ in 0..5 {
        permits.pop().unwrap().release();
    }
    let counts: Vec<usize> = counts.iter().map(|count| count.count()).collect();
    assert_eq!(counts, [1, 1, 1, 1, 1, 0, 0, 0]);
    assert_eq!(semaphore.available(), 0);
}

#[test]
fn one_release_of_many_permits_wakes_as_many_waiters_once_each() {
    let (semaphore, all) = taken(3);
    let mut waiters: Vec<Acquire> = (0..5).map(|_| semaphore.acquire()).collect();
    let counts: Vec<_> = waiters.iter_mut().map(watched).collect();
    all.release();
    assert_eq!(counts.iter().map(|count| count.count()).collect::<Vec<_>>(), [1, 1, 1, 0, 0]);
}

#[test]
fn a_newcomer_does_not_get_what_was_granted_and_not_polled_yet() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    drop(held);
    assert!(semaphore.try_acquire().is_none());
    let mut late = semaphore.acquire();
    assert!(!late.is_fired());
    drop(granted(&mut waiter));
    drop(granted(&mut late));
    at_rest(&semaphore, 1);
}

#[test]
fn a_large_request_is_not_overtaken() {
    let semaphore = DeferredSemaphore::new(3);
    let (one, two) = (semaphore.try_acquire().unwrap(), semaphore.try_acquire_many(2).unwrap());
    let mut large = semaphore.acquire_many(3);
    let mut small = semaphore.acquire();
    drop(two);
    assert_eq!(semaphore.available(), 2);
    assert!(semaphore.try_acquire().is_none(), "not even by what would fit");
    assert!(!small.is_fired());
    drop(one);
    let large = granted(&mut large);
    assert!(!small.is_fired());
    drop(large);
    drop(granted(&mut small));
    at_rest(&semaphore, 3);
}

#[test]
fn a_newcomer_does_not_overtake_who_still_waits_when_the_one_in_front_is_granted() {
    let semaphore = DeferredSemaphore::new(4);
    let (held, kept) = (semaphore.try_acquire_many(2).unwrap(), semaphore.try_acquire().unwrap());
    let (mut two, mut four) = (semaphore.acquire_many(2), semaphore.acquire_many(4));
    drop(held);
    let two = granted(&mut two);
    assert_eq!(semaphore.available(), 1);
    assert!(semaphore.try_acquire().is_none());
    drop((kept, two));
    drop(granted(&mut four));
    at_rest(&semaphore, 4);
}

#[test]
fn callbacks_finish_in_the_order_in_which_permits_were_granted() {
    let (semaphore, held) = taken(1);
    let trace = Trace::new();
    for n in 0..3 {
        let log = trace.clone();
        let work = move || {
            log.log(format!("run{n}"));
            Ok::<_, Failure<()>>(log)
        };
        semaphore
            .run(work)
            .add_callback(move |log| {
                log.log(format!("done{n}"));
                Ok(())
            })
            .detach();
    }
    drop(held);
    trace.expect(["run0", "done0", "run1", "done1", "run2", "done2"]);
    at_rest(&semaphore, 1);
}

#[test]
fn nobody_is_woken_by_what_is_too_little() {
    let semaphore = DeferredSemaphore::new(2);
    let (first, second) = (semaphore.try_acquire().unwrap(), semaphore.try_acquire().unwrap());
    let mut both = semaphore.acquire_many(2);
    let mut behind = semaphore.acquire();
    assert!(poll_with(&mut both, &panic_if_woken()).is_pending());
    assert!(poll_with(&mut behind, &panic_if_woken()).is_pending());
    drop(first);
    assert_eq!(semaphore.available(), 1);
    drop((behind, both));
    drop(second);
    at_rest(&semaphore, 2);
}

// Cancellation.

#[test]
fn a_waiter_that_is_dropped_gives_up_its_place_wherever_it_stands() {
    for gone in 0..3 {
        let (semaphore, held) = taken(1);
        let mut waiters: Vec<Acquire> = (0..3).map(|_| semaphore.acquire()).collect();
        drop(waiters.remove(gone));
        assert_eq!(semaphore.waiting(), 2);
        let counts: Vec<_> = waiters.iter_mut().map(watched).collect();
        drop(held);
        assert_eq!([counts[0].count(), counts[1].count()], [1, 0], "without number {gone}");
        for mut waiter in waiters {
            drop(granted(&mut waiter));
        }
        at_rest(&semaphore, 1);
    }
}

#[test]
fn a_waiter_that_is_cancelled_fails_with_cancelled() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    let handle = waiter.handle();
    handle.cancel();
    handle.cancel();
    assert!(waiter.try_take().unwrap().unwrap_err().is_cancelled());
    assert_eq!(semaphore.waiting(), 0);
    drop(held);
    at_rest(&semaphore, 1);
}

#[test]
fn a_permit_that_was_granted_and_not_taken_passes_to_the_next() {
    for gone in 0..3 {
        let (semaphore, held) = taken(3);
        let mut waiters: Vec<Acquire> = (0..5).map(|_| semaphore.acquire()).collect();
        let counts: Vec<_> = waiters.iter_mut().map(watched).collect();
        drop(held);
        drop(waiters.remove(gone));
        assert_eq!([counts[3].count(), counts[4].count()], [1, 0], "exactly one new waiter is woken");
        drop(waiters);
        at_rest(&semaphore, 3);
    }
}

#[test]
fn a_permit_whose_taker_was_woken_and_then_cancelled_stays_with_it() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    let count = watched(&mut waiter);
    drop(held);
    waiter.handle().cancel();
    assert_eq!(count.count(), 1);
    drop(granted(&mut waiter));
    at_rest(&semaphore, 1);
}

#[test]
fn a_ready_acquire_that_select_never_polls_gives_its_permit_back() {
    let semaphore = DeferredSemaphore::new(1);
    let first = async { None };
    let second = async { Some(semaphore.acquire().await) };
    assert!(future::block_on(future::or(first, second)).is_none());
    drop(semaphore.acquire());
    at_rest(&semaphore, 1);
}

#[test]
fn a_large_request_in_front_that_leaves_lets_those_behind_it_go_on() {
    let semaphore = DeferredSemaphore::new(3);
    let held = semaphore.try_acquire().unwrap();
    let large = semaphore.acquire_many(3);
    let mut small: Vec<Acquire> = (0..3).map(|_| semaphore.acquire()).collect();
    let counts: Vec<_> = small.iter_mut().map(watched).collect();
    drop(large);
    assert_eq!(counts.iter().map(|count| count.count()).collect::<Vec<_>>(), [1, 1, 0]);
    drop((held, small));
    at_rest(&semaphore, 3);
}

#[test]
fn a_large_request_in_the_middle_that_leaves_wakes_nobody() {
    let semaphore = DeferredSemaphore::new(3);
    let held = semaphore.try_acquire_many(2).unwrap();
    let mut front = semaphore.acquire_many(2);
    let middle = semaphore.acquire_many(3);
    let mut behind = semaphore.acquire();
    let counts = [watched(&mut front), watched(&mut behind)];
    drop(middle);
    assert_eq!(counts.each_ref().map(|count| count.count()), [0, 0]);
    drop(front);
    assert_eq!(counts[1].count(), 1);
    drop((held, behind));
    at_rest(&semaphore, 3);
}

#[test]
fn a_request_for_nothing_goes_on_when_the_one_in_front_leaves() {
    let (semaphore, held) = taken(1);
    let front = semaphore.acquire();
    let mut nothing = semaphore.acquire_many(0);
    let count = watched(&mut nothing);
    drop(front);
    assert_eq!(count.count(), 1, "it needs no free permit");
    assert_eq!(granted(&mut nothing).count(), 0);
    drop(held);
    at_rest(&semaphore, 1);
}

#[test]
fn run_never_calls_its_function_when_it_is_dropped_while_it_waits() {
    let (semaphore, held) = taken(1);
    let called = Arc::new(AtomicUsize::new(0));
    let note = called.clone();
    let waiting = semaphore.run(move || Ok::<_, Failure<()>>(note.fetch_add(1, Ordering::SeqCst)));
    drop(waiting);
    drop(held);
    assert_eq!(called.load(Ordering::SeqCst), 0);
    at_rest(&semaphore, 1);
}

#[test]
fn run_that_is_cancelled_cancels_what_its_function_started_and_releases_after_it() {
    let semaphore = DeferredSemaphore::new(1);
    let (resolver, work) = Deferred::<u8>::with_canceller(|c| c.later());
    let mut running = semaphore.run(move || work);
    running.handle().cancel();
    assert!(resolver.is_cancelled());
    assert_eq!(semaphore.available(), 0, "the work is still cleaning up");
    resolver.callback(1).unwrap();
    assert_eq!(running.try_take(), Some(Ok(1)));
    at_rest(&semaphore, 1);

    let (resolver, work) = Deferred::<u8>::new();
    drop(semaphore.run(move || work));
    assert!(resolver.is_cancelled());
    at_rest(&semaphore, 1);
}

/// Three permits of four come back, of which one was free: the first waiter gets the three, the second the one, and the third
/// what the first releases at once. `first` makes the first, with the log that it writes to.
#[track_caller]
fn released_inside_a_grant<F: 'static>(first: fn(&DeferredSemaphore, Trace) -> F) {
    let semaphore = DeferredSemaphore::new(4);
    let held = semaphore.try_acquire_many(3).unwrap();
    let trace = Trace::new();
    let first = first(&semaphore, trace.clone());
    let [second, third] = [("second", 1), ("third", 3)].map(|(name, n)| {
        let trace = trace.clone();
        semaphore.acquire_many(n).add_callback(move |permits| {
            trace.log(name);
            Ok(permits)
        })
    });
    drop(held);
    trace.expect(["first", "second", "third"]);
    drop((first, second, third));
    assert_eq!(semaphore.available(), 4);
}

#[test]
fn what_a_callback_releases_comes_behind_what_was_granted_with_it() {
    released_inside_a_grant(|semaphore, trace| {
        semaphore.acquire_many(3).add_callback(move |permits| {
            trace.log("first");
            drop(permits);
            Ok(())
        })
    });
}

#[test]
fn what_a_task_releases_on_the_spot_comes_behind_what_was_granted_with_it() {
    released_inside_a_grant(|semaphore, trace| {
        let task = Arc::new(Mutex::new(semaphore.acquire_many(3)));
        let run = task.clone();
        let waker = HookWaker::new().on_wake(move || {
            trace.log("first");
            drop(run.lock().unwrap().try_take());
        });
        assert!(poll_with(&mut *task.lock().unwrap(), &waker.waker()).is_pending());
        task
    });
}

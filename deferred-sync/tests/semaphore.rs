//! `DeferredSemaphore`: never more permits than the limit, first come first served, and none is ever lost.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use common::{CountWaker, HookWaker, Trace, panic_if_woken, poll_once, poll_with, watchdog};
use deferred_core::{Deferred, Failure, FailureKind, Outcome};
use deferred_sync::{DeferredSemaphore, Permit};
use futures_lite::future;

type Acquire = Deferred<Permit>;

/// A semaphore with all its permits held.
fn taken(limit: usize) -> (DeferredSemaphore, Permit) {
    let semaphore = DeferredSemaphore::new(limit);
    let all = semaphore.try_acquire_many(limit).unwrap();
    (semaphore, all)
}

fn granted(acquire: &mut Acquire) -> Permit {
    acquire.try_take().expect("it has fired").expect("a permit was granted")
}

/// Polls it with a waker that counts.
fn watched(acquire: &mut Acquire) -> Arc<CountWaker> {
    let (count, waker) = CountWaker::new();
    assert!(poll_with(acquire, &waker).is_pending());
    count
}

/// Asserts that nothing was lost: all permits are free and nobody waits.
#[track_caller]
fn at_rest(semaphore: &DeferredSemaphore, limit: usize) {
    assert_eq!((semaphore.available(), semaphore.limit(), semaphore.waiting()), (limit, limit, 0));
}

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
    semaphore.acquire().add_callback(move |permit| Ok(note.store(permit.count(), Ordering::SeqCst))).detach();
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
    drop((waiter, held));
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
fn callbacks_finish_in_the_order_in_which_permits_were_granted() {
    let (semaphore, held) = taken(1);
    let trace = Trace::new();
    for n in 0..3 {
        let log = trace.clone();
        let work = move || {
            log.log(format!("run{n}"));
            Ok::<_, Failure<()>>(log)
        };
        semaphore.run(work).add_callback(move |log| Ok(log.log(format!("done{n}")))).detach();
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

// Errors: limits, and closing.

#[test]
fn more_permits_than_there_can_be_are_refused() {
    const MAX: usize = DeferredSemaphore::MAX_PERMITS;
    let semaphore = DeferredSemaphore::new(MAX);
    assert_eq!(semaphore.available(), MAX);
    let all = semaphore.try_acquire_many(MAX).unwrap();
    assert!(semaphore.try_acquire().is_none());
    drop(all);
    for limit in [MAX + 1, usize::MAX] {
        let error = semaphore.set_limit(limit).unwrap_err();
        assert_eq!(error.to_string(), format!("a semaphore cannot have {limit} permits, the most are {MAX}"));
        assert!(catch_unwind(|| DeferredSemaphore::new(limit)).is_err());
    }
    at_rest(&semaphore, MAX);
    semaphore.set_limit(0).unwrap();
    at_rest(&semaphore, 0);
    semaphore.set_limit(MAX).unwrap();
    at_rest(&semaphore, MAX);
}

#[test]
fn a_request_for_more_than_there_can_be_waits_and_can_be_cancelled() {
    let semaphore = DeferredSemaphore::new(2);
    for n in [3, DeferredSemaphore::MAX_PERMITS + 1, usize::MAX] {
        assert!(semaphore.try_acquire_many(n).is_none());
        let mut never = semaphore.acquire_many(n);
        let mut behind = semaphore.acquire();
        assert!(!never.is_fired() && !behind.is_fired());
        never.handle().cancel();
        drop(granted(&mut behind));
        drop(never);
        at_rest(&semaphore, 2);
    }
}

#[test]
fn a_request_for_nothing_waits_its_turn() {
    let semaphore = DeferredSemaphore::new(0);
    assert_eq!(granted(&mut semaphore.acquire_many(0)).count(), 0);
    assert_eq!(semaphore.try_acquire_many(0).unwrap().count(), 0);
    let mut front = semaphore.acquire();
    assert!(semaphore.try_acquire_many(0).is_none());
    let mut nothing = semaphore.acquire_many(0);
    assert!(!nothing.is_fired());
    semaphore.set_limit(1).unwrap();
    assert_eq!((granted(&mut front).count(), granted(&mut nothing).count()), (1, 0));
    at_rest(&semaphore, 1);
}

#[test]
fn permits_are_split_and_merged_without_changing_their_sum() {
    let (semaphore, mut all) = taken(5);
    let mut two = all.split(2).unwrap();
    assert!(all.split(4).is_none());
    assert_eq!((all.count(), two.count(), semaphore.available()), (3, 2, 0));
    let rest = all.split(3).unwrap();
    assert_eq!((all.count(), rest.count()), (0, 3));
    drop(all);
    let none = two.split(0).unwrap();
    two.merge(none).unwrap();
    two.merge(rest).unwrap();
    assert_eq!(two.count(), 5);
    drop(two);
    at_rest(&semaphore, 5);
}

#[test]
fn merging_permits_of_another_semaphore_changes_nothing() {
    let ((semaphore, mut all), (other, of_other)) = (taken(2), taken(3));
    let back = all.merge(of_other).unwrap_err();
    assert_eq!((all.count(), back.count()), (2, 3));
    drop((all, back));
    at_rest(&semaphore, 2);
    at_rest(&other, 3);
}

#[test]
fn a_forgotten_permit_lowers_the_limit() {
    let (semaphore, mut all) = taken(3);
    all.split(1).unwrap().forget();
    assert_eq!((semaphore.limit(), semaphore.available()), (2, 0));
    drop(all);
    at_rest(&semaphore, 2);
    semaphore.try_acquire_many(2).unwrap().forget();
    at_rest(&semaphore, 0);
    let mut waiter = semaphore.acquire();
    semaphore.set_limit(1).unwrap();
    drop(granted(&mut waiter));
    at_rest(&semaphore, 1);
}

#[test]
fn a_lowered_limit_is_reached_as_permits_come_back() {
    let (semaphore, mut all) = taken(4);
    semaphore.set_limit(2).unwrap();
    assert_eq!((semaphore.limit(), semaphore.available()), (2, 0));
    let mut waiter = semaphore.acquire();
    drop(all.split(1));
    drop(all.split(1));
    assert!(!waiter.is_fired(), "two are still held, which is the limit");
    drop(all.split(1));
    let permit = granted(&mut waiter);
    drop(all);
    assert_eq!(semaphore.available(), 1);
    drop(permit);
    at_rest(&semaphore, 2);
}

#[test]
fn a_limit_that_is_raised_again_pays_the_debt_first() {
    let (semaphore, mut all) = taken(4);
    semaphore.set_limit(1).unwrap();
    semaphore.set_limit(3).unwrap();
    let mut waiter = semaphore.acquire();
    drop(all.split(1));
    assert!(!waiter.is_fired());
    semaphore.set_limit(5).unwrap();
    let permits = granted(&mut waiter);
    assert_eq!((semaphore.available(), all.count()), (1, 3));
    drop((permits, all));
    at_rest(&semaphore, 5);
}

#[test]
fn permits_that_are_forgotten_while_the_limit_is_being_lowered_are_counted_once() {
    let (semaphore, all) = taken(4);
    semaphore.set_limit(1).unwrap();
    all.forget();
    at_rest(&semaphore, 0);
    let (semaphore, mut all) = taken(4);
    semaphore.set_limit(3).unwrap();
    all.split(2).unwrap().forget();
    assert_eq!(semaphore.limit(), 1);
    drop(all);
    at_rest(&semaphore, 1);
}

#[test]
fn raising_the_limit_grants_waiters_at_once_and_in_order() {
    let semaphore = DeferredSemaphore::new(0);
    let mut waiters = [semaphore.acquire_many(2), semaphore.acquire(), semaphore.acquire()];
    let counts = waiters.each_mut().map(watched);
    semaphore.set_limit(1).unwrap();
    assert_eq!(counts.each_ref().map(|count| count.count()), [0, 0, 0]);
    semaphore.set_limit(3).unwrap();
    assert_eq!(counts.each_ref().map(|count| count.count()), [1, 1, 0]);
    drop(waiters);
    at_rest(&semaphore, 3);
}

#[test]
fn close_fails_waiters_once_and_every_later_acquire() {
    let (semaphore, held) = taken(2);
    let mut waiters = [semaphore.acquire(), semaphore.acquire_many(2)];
    let counts = waiters.each_mut().map(watched);
    semaphore.close();
    semaphore.close();
    assert_eq!(counts.each_ref().map(|count| count.count()), [1, 1]);
    for waiter in &mut waiters {
        assert!(waiter.try_take().unwrap().unwrap_err().is_closed());
    }
    assert!(semaphore.is_closed());
    drop(held);
    assert_eq!(semaphore.available(), 2);
    assert!(semaphore.try_acquire().is_none() && semaphore.try_acquire_many(0).is_none());
    for n in 0..3 {
        assert!(semaphore.acquire_many(n).wait().unwrap_err().is_closed());
    }
    let mut run = semaphore.run(|| Ok::<u8, Failure<()>>(1));
    assert!(run.try_take().unwrap().unwrap_err().is_closed());
}

#[test]
fn nothing_reopens_a_closed_semaphore() {
    let reopen: [fn(&DeferredSemaphore, Permit); 6] = [
        |_, permit| permit.release(),
        |_, permit| permit.forget(),
        |semaphore, _| semaphore.set_limit(9).unwrap(),
        |semaphore, _| semaphore.set_limit(0).unwrap(),
        |_, mut permit| drop(permit.split(1)),
        |_, mut permit| {
            let half = permit.split(1).unwrap();
            permit.merge(half).unwrap();
        },
    ];
    for reopen in reopen {
        let (semaphore, held) = taken(2);
        semaphore.close();
        reopen(&semaphore, held);
        assert!(semaphore.is_closed());
        assert!(semaphore.try_acquire().is_none());
        assert!(semaphore.acquire().wait().unwrap_err().is_closed());
    }
}

#[test]
fn a_permit_granted_before_close_stays_valid() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    drop(held);
    semaphore.close();
    let permit = granted(&mut waiter);
    assert_eq!(permit.count(), 1);
    drop(permit);
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn who_waits_fails_when_the_last_handle_and_the_last_permit_have_gone() {
    let semaphore = DeferredSemaphore::new(1);
    let mut large = semaphore.acquire_many(2);
    let mut behind = semaphore.acquire();
    drop(semaphore);
    assert!(large.try_take().unwrap().unwrap_err().is_closed());
    assert!(behind.try_take().unwrap().unwrap_err().is_closed());

    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    drop(semaphore);
    assert!(!waiter.is_fired(), "the permit may still come back");
    drop(held);
    drop(granted(&mut waiter));
}

// Panics.

#[test]
fn run_releases_when_its_function_panics() {
    let semaphore = DeferredSemaphore::new(1);
    let mut d = semaphore.run(|| -> Outcome<u8, ()> { panic!("mine") });
    let FailureKind::Panicked(panic) = d.try_take().unwrap().unwrap_err().into_kind() else { panic!() };
    assert_eq!(panic.message(), "mine");
    at_rest(&semaphore, 1);
}

#[test]
fn run_releases_when_its_function_fails() {
    let semaphore = DeferredSemaphore::new(1);
    let mut d = semaphore.run(|| Err::<u8, _>(Failure::from("no")));
    assert_eq!(d.try_take(), Some(Err(Failure::from("no"))));
    at_rest(&semaphore, 1);
}

#[test]
fn a_permit_is_released_by_a_thread_that_panics() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    let thread = thread::spawn(move || {
        let _held = held;
        panic!("while it is held");
    });
    assert!(thread.join().is_err());
    drop(granted(&mut waiter));
    at_rest(&semaphore, 1);
}

#[test]
fn a_panicking_waker_does_not_reach_release_and_those_behind_it_are_woken() {
    let (semaphore, held) = taken(2);
    let mut waiters = [semaphore.acquire(), semaphore.acquire()];
    let waker = HookWaker::new().on_wake(|| panic!("a bad waker")).on_drop(|| panic!("a worse one")).waker();
    assert!(poll_with(&mut waiters[0], &waker).is_pending());
    let count = watched(&mut waiters[1]);
    held.release();
    assert_eq!(count.count(), 1);
    drop(waiters);
    at_rest(&semaphore, 2);
}

#[test]
fn a_panicking_clone_of_a_waker_loses_nothing() {
    let (semaphore, held) = taken(1);
    let mut waiter = semaphore.acquire();
    let waker = HookWaker::new().on_clone(|| panic!("no clones")).waker();
    assert!(catch_unwind(AssertUnwindSafe(|| poll_with(&mut waiter, &waker))).is_err());
    let count = watched(&mut waiter);
    drop(held);
    assert_eq!(count.count(), 1);
    drop(granted(&mut waiter));
    at_rest(&semaphore, 1);
}

// Re-entrancy.

/// Uses every method of a semaphore, and leaves it as it was.
fn use_every_method(semaphore: &DeferredSemaphore) {
    let (limit, _) = (semaphore.limit(), semaphore.available());
    // Permits that nobody waits for would otherwise go to those who do.
    let more = if semaphore.waiting() == 0 { 2 } else { 0 };
    semaphore.set_limit(limit + more).unwrap();
    if let Some(mut permit) = semaphore.try_acquire_many(2) {
        drop(permit.split(1));
        drop(permit.semaphore().acquire());
    }
    drop(semaphore.acquire_many(2));
    drop(semaphore.run(|| Ok::<_, Failure<()>>(1)));
    semaphore.set_limit(limit).unwrap();
    let _ = (semaphore.waiting(), semaphore.is_closed(), format!("{semaphore:?}"));
}

#[test]
fn every_method_may_be_called_from_a_callback() {
    watchdog(|| {
        let (semaphore, held) = taken(1);
        for _ in 0..3 {
            let inner = semaphore.clone();
            let used = move |permit: Permit| {
                use_every_method(&inner);
                drop(permit);
                use_every_method(&inner);
                Ok(())
            };
            semaphore.acquire().add_callback(used).detach();
        }
        drop(held);
        at_rest(&semaphore, 1);
    });
}

#[test]
fn every_method_may_be_called_from_a_waker() {
    watchdog(|| {
        let (semaphore, held) = taken(1);
        let uses = Arc::new(AtomicUsize::new(0));
        let hook = || {
            let (semaphore, uses) = (semaphore.clone(), uses.clone());
            move || {
                if uses.fetch_add(1, Ordering::SeqCst) < 20 {
                    use_every_method(&semaphore);
                }
            }
        };
        let waker = HookWaker::new().on_clone(hook()).on_wake(hook()).on_drop(hook()).waker();
        let other = HookWaker::new().on_clone(hook()).on_wake(hook()).on_drop(hook()).waker();
        let mut waiters = [semaphore.acquire(), semaphore.acquire()];
        for waiter in &mut waiters {
            assert!(poll_with(waiter, &waker).is_pending());
            assert!(poll_with(waiter, &other).is_pending());
        }
        drop(held);
        drop(waiters);
        drop((waker, other));
        assert!(uses.load(Ordering::SeqCst) > 4);
        at_rest(&semaphore, 1);
    });
}

#[test]
fn a_waiter_may_be_dropped_by_the_callback_of_another() {
    watchdog(|| {
        let (semaphore, held) = taken(2);
        let second = Arc::new(Mutex::new(None));
        let gone = second.clone();
        let drop_it = move |permit| {
            drop(gone.lock().unwrap().take());
            Ok(drop(permit))
        };
        semaphore.acquire().add_callback(drop_it).detach();
        // Granted in the same release, and dropped before its turn.
        *second.lock().unwrap() = Some(semaphore.acquire());
        let mut third = semaphore.acquire();
        drop(held);
        drop(granted(&mut third));
        at_rest(&semaphore, 2);
    });
}

#[test]
fn a_canceller_of_what_runs_may_use_the_semaphore() {
    watchdog(|| {
        let semaphore = DeferredSemaphore::new(1);
        let inner = semaphore.clone();
        let (_resolver, work) = Deferred::<u8>::with_canceller(move |c| {
            use_every_method(&inner);
            c.done()
        });
        drop(semaphore.run(move || work));
        at_rest(&semaphore, 1);
    });
}

// Stress.

#[test]
fn threads_that_acquire_cancel_and_change_the_limit_lose_no_permit() {
    const LIMIT: usize = 3;
    let semaphore = DeferredSemaphore::new(LIMIT);
    let inside = AtomicUsize::new(0);
    thread::scope(|scope| {
        for seed in 0..4_usize {
            let (semaphore, inside) = (&semaphore, &inside);
            scope.spawn(move || {
                for round in 0..1500 {
                    let n = 1 + (round + seed) % LIMIT;
                    let mut acquire = semaphore.acquire_many(n);
                    if round % 5 == seed {
                        let _ = poll_once(&mut acquire);
                        continue;
                    }
                    let permit = acquire.wait().unwrap();
                    let before = inside.fetch_add(permit.count(), Ordering::SeqCst);
                    assert!(before + permit.count() <= LIMIT + 1, "the highest limit");
                    inside.fetch_sub(permit.count(), Ordering::SeqCst);
                }
            });
        }
        let semaphore = &semaphore;
        scope.spawn(move || {
            for round in 0..500 {
                semaphore.set_limit(LIMIT + round % 2).unwrap();
                semaphore.set_limit(LIMIT).unwrap();
            }
        });
    });
    at_rest(&semaphore, LIMIT);
}

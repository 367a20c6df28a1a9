//! `DeferredSemaphore` at the bounds of its numbers, and when it is closed.

use std::panic::catch_unwind;

use crate::helpers::{at_rest, granted, taken, watched};
use deferred_core::Failure;
use deferred_sync::{DeferredSemaphore, Permit};

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
fn a_request_for_nothing_does_not_wait_for_a_lowered_limit_to_be_reached() {
    let (semaphore, all) = taken(2);
    semaphore.set_limit(1).unwrap();
    assert_eq!(granted(&mut semaphore.acquire_many(0)).count(), 0);
    assert_eq!(semaphore.try_acquire_many(0).unwrap().count(), 0);
    drop(all);
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
    let (semaphore, mut all) = taken(5);
    semaphore.set_limit(1).unwrap();
    all.split(3).unwrap().forget();
    drop(all);
    semaphore.set_limit(4).unwrap();
    assert_eq!(semaphore.available(), 4, "what was forgotten beyond the limit is not owed any more");
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
    assert!(!semaphore.is_closed());
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

//! What tests of the semaphore say often.

#![allow(dead_code)]

use std::sync::Arc;

use deferred_core::Deferred;
use deferred_sync::{DeferredSemaphore, Permit};

use crate::common::{CountWaker, poll_with};

pub(crate) type Acquire = Deferred<Permit>;

/// A semaphore with all its permits held.
pub(crate) fn taken(limit: usize) -> (DeferredSemaphore, Permit) {
    let semaphore = DeferredSemaphore::new(limit);
    let all = semaphore.try_acquire_many(limit).unwrap();
    (semaphore, all)
}

pub(crate) fn granted(acquire: &mut Acquire) -> Permit {
    acquire.try_take().expect("it has fired").expect("a permit was granted")
}

/// Polls it with a waker that counts.
pub(crate) fn watched(acquire: &mut Acquire) -> Arc<CountWaker> {
    let (count, waker) = CountWaker::new();
    assert!(poll_with(acquire, &waker).is_pending());
    count
}

/// Asserts that nothing was lost: all permits are free and nobody waits.
#[track_caller]
pub(crate) fn at_rest(semaphore: &DeferredSemaphore, limit: usize) {
    assert_eq!((semaphore.available(), semaphore.limit(), semaphore.waiting()), (limit, limit, 0));
}

//! Panics and calls from inside of calls, at every place.

use std::sync::{Arc, Mutex};

use crate::common::{Besieged, Guest, besiege};
use deferred_core::{Deferred, Failure};
use deferred_sync::{DeferredLock, DeferredSemaphore, LockGuard, Permit};

/// A semaphore, and its one permit.
#[derive(Clone)]
struct Gate(DeferredSemaphore, Arc<Mutex<Option<Permit>>>);

impl Besieged for Gate {
    type Value = Permit;
    type Error = std::convert::Infallible;

    fn new() -> Self {
        let semaphore = DeferredSemaphore::new(1);
        let held = semaphore.try_acquire();
        Self(semaphore, Arc::new(Mutex::new(held)))
    }

    fn wait(&self) -> Deferred<Permit> {
        self.0.acquire()
    }

    fn fire(&self, guest: Guest) {
        let held = self.1.lock().unwrap().take();
        drop(held);
        drop(guest);
    }

    fn use_every_method(&self) {
        let semaphore = &self.0;
        drop(semaphore.acquire());
        drop(semaphore.acquire_many(2));
        semaphore.acquire().handle().cancel();
        drop(semaphore.run(|| Ok::<_, Failure<()>>(1)));
        if let Some(mut permit) = semaphore.try_acquire() {
            let part = permit.split(1).expect("it has one");
            permit.merge(part).expect("they are of one semaphore");
            assert_eq!((permit.count(), permit.semaphore().available()), (1, 0));
        }
        // More permits would let those go on who wait.
        semaphore.set_limit(semaphore.limit()).expect("it is what it was");
        let _ = (semaphore.try_acquire_many(2).is_some(), semaphore.available(), semaphore.waiting());
        let _ = (semaphore.is_closed(), format!("{semaphore:?}"));
    }

    fn at_rest(&self) {
        assert_eq!((self.0.available(), self.0.limit(), self.0.waiting()), (1, 1, 0));
    }
}

#[test]
fn a_semaphore_stands_whatever_those_who_wait_for_it_do() {
    besiege::<Gate>();
}

/// A lock, and the guard of whoever holds it.
#[derive(Clone)]
struct Door(DeferredLock<u8>, Arc<Mutex<Option<LockGuard<u8>>>>);

impl Besieged for Door {
    type Value = LockGuard<u8>;
    type Error = std::convert::Infallible;

    fn new() -> Self {
        let lock = DeferredLock::new(7);
        let held = lock.try_acquire();
        Self(lock, Arc::new(Mutex::new(held)))
    }

    fn wait(&self) -> Deferred<LockGuard<u8>> {
        self.0.acquire()
    }

    fn fire(&self, guest: Guest) {
        let held = self.1.lock().unwrap().take();
        drop(held);
        drop(guest);
    }

    fn use_every_method(&self) {
        let lock = &self.0;
        drop(lock.acquire());
        lock.acquire().handle().cancel();
        drop(lock.run(|n| *n));
        if let Some(guard) = lock.try_acquire() {
            assert_eq!(*guard, 7);
            assert!(lock.is_locked());
        }
        let _ = (lock.waiting(), format!("{lock:?}"));
    }

    fn at_rest(&self) {
        assert!(!self.0.is_locked() && self.0.waiting() == 0);
        assert_eq!(self.0.try_acquire().map(|guard| *guard), Some(7));
    }
}

#[test]
fn a_lock_stands_whatever_those_who_wait_for_it_do() {
    besiege::<Door>();
}

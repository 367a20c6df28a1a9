//! Panics and calls from inside of calls, at every place, on everything here that hands out Deferreds.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use crate::common::{Besieged, Guest, besiege};
use deferred_core::{Deferred, Handle, Resolver, Shared, WaitQueue};

/// Plain Deferreds: all that there is beside them.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<VecDeque<Other>>>);

/// What there is beside a Deferred.
type Other = (Resolver<Guest>, Handle);

impl Besieged for Ends {
    type Value = Guest;
    type Error = Infallible;

    fn new() -> Self {
        Self::default()
    }

    fn wait(&self) -> Deferred<Guest> {
        let (resolver, mut d) = Deferred::new();
        self.0.lock().unwrap().push_back((resolver, d.handle()));
        d
    }

    fn fire(&self, mut guest: Guest) {
        loop {
            let next = self.0.lock().unwrap().pop_front();
            let Some((resolver, _)) = next else { return };
            // One that was cancelled gives it back.
            match resolver.callback(guest) {
                Ok(()) => return,
                Err(back) => guest = back,
            }
        }
    }

    fn use_every_method(&self) {
        let handles: Vec<Handle> = self.0.lock().unwrap().iter().map(|(_, handle)| handle.clone()).collect();
        for handle in handles {
            let (outer, inner) = (handle.pause(), handle.pause());
            let _ = (handle.is_fired(), format!("{handle:?}"));
            drop((outer, inner));
        }
        let own = self.wait();
        let last = self.0.lock().unwrap().pop_back();
        if let Some((resolver, handle)) = last {
            handle.cancel();
            assert!(resolver.is_cancelled());
        }
        drop(own);
    }

    fn at_rest(&self) {
        assert!(self.0.lock().unwrap().is_empty());
    }
}

#[test]
fn a_deferred_stands_whatever_its_callbacks_and_wakers_do() {
    besiege::<Ends>();
}

type Line = WaitQueue<Guest>;

impl Besieged for Line {
    type Value = Guest;
    type Error = Infallible;

    fn new() -> Self {
        WaitQueue::new(())
    }

    fn wait(&self) -> Deferred<Guest> {
        self.push(())
    }

    fn fire(&self, guest: Guest) {
        if let Some(resolver) = self.pop() {
            resolver.callback(guest).expect("who was popped has not left");
        }
    }

    fn use_every_method(&self) {
        let (first, second) = (self.push(()), self.push(()));
        let mut kept = self.push(());
        assert!(self.len() >= 3 && !self.is_empty() && self.is_same(&self.clone()));
        drop(first);
        kept.handle().cancel();
        drop((second, kept.wait(), self.ready(None)));
        let _ = (self.free_units(), self.try_take(1).is_some(), format!("{self:?}"));
        let _ = (self.lock().len(), self.try_lock().is_some());
    }

    fn at_rest(&self) {
        assert!(self.is_empty());
    }
}

#[test]
fn a_wait_queue_stands_whatever_those_in_it_do() {
    besiege::<Line>();
}

/// A result for many, and what fires it.
#[derive(Clone)]
struct Spread(Shared<Arc<Guest>, Infallible>, Arc<Mutex<Option<Resolver<Arc<Guest>>>>>);

impl Besieged for Spread {
    type Value = Arc<Guest>;
    type Error = Infallible;

    fn new() -> Self {
        let (resolver, d) = Deferred::new();
        Self(d.shared(), Arc::new(Mutex::new(Some(resolver))))
    }

    fn wait(&self) -> Deferred<Arc<Guest>> {
        self.0.subscribe()
    }

    fn fire(&self, guest: Guest) {
        let resolver = self.1.lock().unwrap().take();
        if let Some(resolver) = resolver {
            // A guest that knows the result which it is in would keep it for ever.
            resolver.callback(Arc::new(None)).expect("a subscriber who goes cancels nothing");
        }
        drop(guest);
    }

    fn use_every_method(&self) {
        drop((self.0.subscribe(), self.0.clone()));
        self.0.subscribe().handle().cancel();
        let _ = format!("{:?}", self.0);
    }

    fn at_rest(&self) {
        assert!(self.1.lock().unwrap().is_none());
    }
}

#[test]
fn a_shared_result_stands_whatever_its_subscribers_do() {
    besiege::<Spread>();
}

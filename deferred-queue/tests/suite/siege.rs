//! Panics and calls from inside of calls, at every place, by those who wait for an item and those who wait for room.

use crate::common::{Besieged, Guest, besiege};
use deferred_core::Deferred;
use deferred_queue::{DeferredQueue, QueueUnderflow, Unsent};

/// Calls every method, and leaves the queue as it was.
fn use_every_method(queue: &DeferredQueue<Guest>) {
    drop(queue.stream());
    if queue.is_empty() {
        // Whoever asks now waits behind those who do already.
        drop(queue.get());
        queue.get().handle().cancel();
        assert!(queue.peek(|item| item.is_none()));
    }
    if queue.waiting() + queue.waiting_for_room() == 0 {
        drop(queue.put(None));
        drop(queue.put_when_room(None));
        queue.put_when_room(None).handle().cancel();
        drop((queue.get(), queue.try_get(), queue.drain()));
    }
    let _ = (queue.len(), queue.is_closed(), queue.clone(), format!("{queue:?}"));
}

fn at_rest(queue: &DeferredQueue<Guest>) {
    drop(queue.drain());
    assert_eq!((queue.len(), queue.waiting(), queue.waiting_for_room()), (0, 0, 0));
}

#[derive(Clone)]
struct Getters(DeferredQueue<Guest>);

impl Besieged for Getters {
    type Value = Guest;
    type Error = QueueUnderflow;

    fn new() -> Self {
        Self(DeferredQueue::new())
    }

    fn wait(&self) -> Deferred<Guest, QueueUnderflow> {
        self.0.get()
    }

    fn fire(&self, guest: Guest) {
        self.0.put(guest).expect("there is room");
    }

    fn use_every_method(&self) {
        use_every_method(&self.0);
    }

    fn at_rest(&self) {
        at_rest(&self.0);
    }
}

#[test]
fn a_queue_stands_whatever_those_who_wait_for_items_do() {
    besiege::<Getters>();
}

#[derive(Clone)]
struct Putters(DeferredQueue<Guest>);

impl Besieged for Putters {
    type Value = ();
    type Error = Unsent<Guest>;

    fn new() -> Self {
        Self(DeferredQueue::builder().size(0).build())
    }

    fn wait(&self) -> Deferred<(), Unsent<Guest>> {
        self.0.put_when_room(None)
    }

    fn fire(&self, guest: Guest) {
        drop(self.0.try_get());
        drop(guest);
    }

    fn use_every_method(&self) {
        // A get would let whoever waits go on.
        if self.0.waiting_for_room() == 0 {
            use_every_method(&self.0);
        } else {
            drop((self.0.put(None), self.0.put_when_room(None)));
            let _ = (self.0.len(), self.0.waiting(), self.0.peek(|item| item.is_none()), format!("{:?}", self.0));
        }
    }

    fn at_rest(&self) {
        at_rest(&self.0);
    }
}

#[test]
fn a_queue_stands_whatever_those_who_wait_for_room_do() {
    besiege::<Putters>();
}

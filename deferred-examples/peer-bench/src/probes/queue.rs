//! Probes of channels.

use std::task::{Poll, Waker};

use super::{Probe, Wakes, reentrant_waker, subjects};
use crate::peers::*;
use crate::pinned::Pinned;

macro_rules! shared {
    ($ask:ident) => {
        subjects!($ask: OurQueue; AsyncbandMpmc; IntrusiveQueue; Kanal; Flume; AsyncChannel; CrossfireQueue;)
    };
}

pub(super) fn probes() -> Vec<Probe> {
    let probe = |title, subjects| Probe { group: "queue", title, subjects };
    vec![
        probe("first come, first served, also after a cancel", shared!(fifo_after_a_cancel)),
        probe("a newcomer does not take a woken getter's item", shared!(no_barging)),
        probe("an item is kept when a served getter is dropped", shared!(item_is_kept)),
        probe("an item goes to the next getter when a served one is dropped", shared!(item_is_passed_on)),
        probe("a waker may call back in", shared!(waker_may_reenter)),
        probe("a burst of puts serves as many getters", shared!(burst)),
    ]
}

/// Getters 0 to 3, of which 1 is cancelled, and then 4: the items must come to them in that order.
fn fifo_after_a_cancel<Q: SharedQueue>() -> bool {
    let (mut sender, receiver) = Q::new(8);
    let mut getters = Pinned::with_capacity(5);
    (0..4).for_each(|_| getters.push_waiting(Q::get_shared(&receiver)));
    getters.drop_at(1);
    getters.push_waiting(Q::get_shared(&receiver));
    let order = [0, 2, 3, 4];
    for item in 0..order.len() as u64 {
        assert!(Q::try_put(&mut sender, item));
    }
    order.iter().zip(0..).all(|(&getter, item)| getters.poll(getter, Waker::noop()) == Poll::Ready(item))
}

fn no_barging<Q: SharedQueue>() -> bool {
    let (mut sender, receiver) = Q::new(8);
    let mut getters = Pinned::with_capacity(1);
    getters.push_waiting(Q::get_shared(&receiver));
    assert!(Q::try_put(&mut sender, 7));
    let barged = Q::try_get_shared(&receiver).is_some();
    !barged && getters.poll(0, Waker::noop()) == Poll::Ready(7)
}

fn item_is_kept<Q: SharedQueue>() -> bool {
    let (mut sender, receiver) = Q::new(8);
    let mut getters = Pinned::with_capacity(1);
    getters.push_waiting(Q::get_shared(&receiver));
    assert!(Q::try_put(&mut sender, 7));
    getters.drop_at(0);
    Q::try_get_shared(&receiver) == Some(7)
}

fn item_is_passed_on<Q: SharedQueue>() -> bool {
    let (mut sender, receiver) = Q::new(8);
    let mut getters = Pinned::with_capacity(2);
    getters.push_waiting(Q::get_shared(&receiver));
    let (woken, waker) = Wakes::new();
    getters.push_waiting_with(Q::get_shared(&receiver), &waker);
    assert!(Q::try_put(&mut sender, 7));
    getters.drop_at(0);
    woken.any() && getters.poll(1, &waker) == Poll::Ready(7)
}

fn waker_may_reenter<Q: SharedQueue>() -> bool {
    let (mut sender, receiver) = Q::new(8);
    let receiver: &'static Q::Receiver = Box::leak(Box::new(receiver));
    let mut getters = Pinned::with_capacity(1);
    // What it takes is not put back: only whether it comes back matters here.
    let waker = reentrant_waker(|| _ = Q::try_get_shared(receiver));
    getters.push_waiting_with(Q::get_shared(receiver), &waker);
    Q::try_put(&mut sender, 7)
}

fn burst<Q: SharedQueue>() -> bool {
    let (mut sender, receiver) = Q::new(8);
    let mut getters = Pinned::with_capacity(5);
    (0..5).for_each(|_| getters.push_waiting(Q::get_shared(&receiver)));
    for item in 0..3 {
        assert!(Q::try_put(&mut sender, item));
    }
    let answers: Vec<_> = (0..5).map(|index| getters.poll(index, Waker::noop())).collect();
    answers == [Poll::Ready(0), Poll::Ready(1), Poll::Ready(2), Poll::Pending, Poll::Pending]
}

//! Probes of semaphores and locks.

use std::task::Waker;

use super::{Probe, Wakes, reentrant_waker, subjects};
use crate::peers::*;
use crate::pinned::Pinned;

macro_rules! semaphores {
    ($ask:ident) => {
        subjects!($ask:
            OurSemaphore; TokioSemaphore; MaitakeSemaphore; AsyncbandSemaphore; IntrusiveSemaphore;
            AsyncLockSemaphore; AsyncSemaphore; UnsyncSemaphore; IntrusiveLocalSemaphore;
        )
    };
}

macro_rules! locks {
    ($ask:ident) => {
        subjects!($ask: OurLock; TokioMutex; MaitakeMutex; AsyncbandMutex; IntrusiveMutex; AsyncLockMutex; FuturesMutex;)
    };
}

macro_rules! probes {
    ($group:literal, $everyone:ident) => {
        vec![
            probe($group, "first come, first served, also after a cancel", $everyone!(fifo_after_a_cancel)),
            probe($group, "a newcomer does not barge in", $everyone!(no_barging)),
            probe($group, "a grant that is dropped untaken is passed on", $everyone!(untaken_is_passed_on)),
            probe($group, "a waker may call back in", $everyone!(waker_may_reenter)),
        ]
    };
}

pub(super) fn semaphore_probes() -> Vec<Probe> {
    let mut probes = probes!("semaphore", semaphores);
    probes.push(probe("semaphore", "a burst of releases serves as many waiters", semaphores!(burst)));
    probes
}

pub(super) fn lock_probes() -> Vec<Probe> {
    probes!("lock", locks)
}

fn probe(group: &'static str, title: &'static str, subjects: Vec<super::Subject>) -> Probe {
    Probe { group, title, subjects }
}

/// Waiters 0 to 3, of which 1 is cancelled, and then 4: they must be served in that order.
fn fifo_after_a_cancel<G: Gate>() -> bool {
    let state = G::new(1);
    let held = G::try_acquire(&state);
    let mut waiters = Pinned::with_capacity(5);
    let (woken, wakers): (Vec<_>, Vec<_>) = (0..5).map(|_| Wakes::new()).unzip();
    let wait = |waiters: &mut Pinned<_>, index: usize| {
        waiters.push_waiting_with(G::acquire(&state), &wakers[index]);
    };
    (0..4).for_each(|index| wait(&mut waiters, index));
    waiters.drop_at(1);
    wait(&mut waiters, 4);
    drop(held);
    let mut left = vec![0, 2, 3, 4];
    let mut served = Vec::new();
    while let Some(place) = left.iter().position(|&index| woken[index].any()) {
        let index = left.remove(place);
        served.push(index);
        drop(waiters.take(index));
    }
    served == [0, 2, 3, 4]
}

fn no_barging<G: Gate>() -> bool {
    let state = G::new(1);
    let held = G::try_acquire(&state);
    let mut waiters = Pinned::with_capacity(1);
    waiters.push_waiting(G::acquire(&state));
    drop(held);
    let barged = G::try_acquire(&state).is_some();
    !barged && waiters.poll(0, Waker::noop()).is_ready()
}

fn untaken_is_passed_on<G: Gate>() -> bool {
    let state = G::new(1);
    let held = G::try_acquire(&state);
    let mut waiters = Pinned::with_capacity(2);
    waiters.push_waiting(G::acquire(&state));
    let (woken, waker) = Wakes::new();
    waiters.push_waiting_with(G::acquire(&state), &waker);
    drop(held);
    waiters.drop_at(0);
    woken.any() && waiters.poll(1, &waker).is_ready()
}

fn waker_may_reenter<G: Gate>() -> bool {
    let state: &'static G::State = Box::leak(Box::new(G::new(1)));
    let held = G::try_acquire(state);
    let mut waiters = Pinned::with_capacity(1);
    let waker = reentrant_waker(|| drop(G::try_acquire(state)));
    waiters.push_waiting_with(G::acquire(state), &waker);
    drop(held);
    waiters.poll(0, &waker).is_ready()
}

/// Three of five waiters must be served by three releases, and be the first three.
fn burst<G: Gate>() -> bool {
    let state = G::new(3);
    let held: Vec<_> = (0..3).map(|_| G::try_acquire(&state).expect("it is free")).collect();
    let mut waiters = Pinned::with_capacity(5);
    (0..5).for_each(|_| waiters.push_waiting(G::acquire(&state)));
    drop(held);
    let answers: Vec<_> = (0..5).map(|index| waiters.poll(index, Waker::noop())).collect();
    answers.iter().map(|answer| answer.is_ready()).eq([true, true, true, false, false])
}

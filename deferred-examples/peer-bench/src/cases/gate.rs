//! Semaphores and locks: the same cases for both.

use std::hint::black_box;

use super::{GROWTH, ONCE, case, contenders, in_sections, shuffled};
use crate::executor::{block_on, run, yield_now};
use crate::harness::{Case, Load, Meter, Unit};
use crate::peers::*;
use crate::pinned::Pinned;

macro_rules! semaphores {
    ($run:ident) => {
        contenders!($run:
            OurSemaphore; TokioSemaphore; MaitakeSemaphore; AsyncbandSemaphore; IntrusiveSemaphore;
            AsyncLockSemaphore; AsyncSemaphore; UnsyncSemaphore; IntrusiveLocalSemaphore;
        )
    };
}

macro_rules! locks {
    ($run:ident) => {
        contenders!($run:
            OurLock; TokioMutex; MaitakeMutex; AsyncbandMutex; IntrusiveMutex;
            AsyncLockMutex; FuturesMutex, <= 1_000;
        )
    };
}

macro_rules! cases {
    ($group:literal, $everyone:ident) => {
        vec![
            case($group, "uncontended acquire and release", Unit::Operation, ONCE, $everyone!(uncontended)),
            case($group, "uncontended try_acquire and release", Unit::Operation, ONCE, $everyone!(tried)),
            case($group, "hand-over between two tasks", Unit::Operation, ONCE, $everyone!(hand_over)),
            case($group, "n waiters, queue and drain, each", Unit::Item, GROWTH, $everyone!(crowd)),
            case($group, "cancel one of n waiters", Unit::Item, &[100, 1_000, 10_000], $everyone!(cancel)),
        ]
    };
}

pub(super) fn semaphore_cases() -> Vec<Case> {
    cases!("semaphore", semaphores)
}

pub(super) fn lock_cases() -> Vec<Case> {
    cases!("lock", locks)
}

fn uncontended<G: Gate>(meter: &mut Meter, load: Load) {
    let state = black_box(G::new(1));
    meter.section(|| {
        block_on(async {
            for _ in 0..load.reps {
                black_box(G::acquire(&state).await);
            }
        });
    });
}

fn tried<G: Gate>(meter: &mut Meter, load: Load) {
    let state = black_box(G::new(1));
    meter.section(|| {
        for _ in 0..load.reps {
            black_box(G::try_acquire(&state).expect("nobody holds it"));
        }
    });
}

fn hand_over<G: Gate>(meter: &mut Meter, load: Load) {
    let state = G::new(1);
    let worker = async |turns: usize| {
        for _ in 0..turns {
            let token = G::acquire(&state).await;
            yield_now().await;
            drop(token);
        }
    };
    let turns = load.reps.div_ceil(2);
    meter.section(|| run([Box::pin(worker(turns)) as _, Box::pin(worker(load.reps - turns)) as _]));
}

/// Every waiter waits, is granted the token by the one before it, and hands it to the one behind it.
fn crowd<G: Gate>(meter: &mut Meter, load: Load) {
    let state = G::new(1);
    let mut waiters = Pinned::with_capacity(load.size);
    meter.section(|| {
        for _ in 0..load.reps {
            let held = G::try_acquire(&state).expect("nobody holds it");
            for _ in 0..load.size {
                waiters.push_waiting(G::acquire(&state));
            }
            drop(held);
            for waiter in 0..load.size {
                drop(waiters.take(waiter));
            }
            waiters.clear();
        }
    });
}

fn cancel<G: Gate>(meter: &mut Meter, load: Load) {
    let order = shuffled(load.size);
    in_sections(meter, load, |meter, reps| {
        let states: Vec<_> = (0..reps).map(|_| G::new(1)).collect();
        let held: Vec<_> = states.iter().map(|state| G::try_acquire(state).expect("nobody holds it")).collect();
        let mut crowds: Vec<_> = states
            .iter()
            .map(|state| {
                let mut waiters = Pinned::with_capacity(load.size);
                (0..load.size).for_each(|_| waiters.push_waiting(G::acquire(state)));
                waiters
            })
            .collect();
        meter.section(|| {
            for waiters in &mut crowds {
                order.iter().for_each(|&waiter| waiters.drop_at(waiter));
            }
        });
        drop(crowds);
        drop(held);
    });
}

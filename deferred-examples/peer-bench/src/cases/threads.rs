//! Two threads, in wall-clock time.
//!
//! A fair hand-over between threads costs the waking of a thread, which dwarfs what any of the contenders does:
//! differences within the spread of the rounds mean nothing here.

use std::thread;

use super::ONCE;
use crate::executor::block_on_parked;
use crate::harness::{Case, Clock, Contender, Load, Meter, Unit};
use crate::peers::*;

use super::contenders;

pub(super) fn cases() -> Vec<Case> {
    let case = |title, contenders: Vec<Contender>| Case {
        group: "two threads",
        title,
        unit: Unit::Operation,
        sizes: ONCE,
        clock: Clock::Wall,
        contenders,
    };
    vec![
        case(
            "semaphore, fought over",
            contenders!(fight:
                TokioSemaphore; MaitakeSemaphore; AsyncbandSemaphore; IntrusiveSemaphore;
                AsyncLockSemaphore; AsyncSemaphore;
            ),
        ),
        case(
            "lock, fought over",
            contenders!(fight:
                TokioMutex; MaitakeMutex; AsyncbandMutex; IntrusiveMutex; AsyncLockMutex; FuturesMutex;
            ),
        ),
        case(
            "queue with room for 1,024",
            contenders!(stream:
                TokioMpsc; AsyncbandMpsc; AsyncbandMpmc; FuturesMpsc; IntrusiveQueue;
                Kanal; Flume; AsyncChannel; CrossfireQueue;
            ),
        ),
        case(
            "one-shot, fired by the other thread",
            contenders!(one_shots:
                TokioOneShot; AsyncbandOneShot; FuturesOneShot; IntrusiveOneShot; OneShotCrate; CrossfireOneShot;
            ),
        ),
    ]
}

/// Both threads acquire and release as fast as they can.
fn fight<G: Gate<State: Send + Sync>>(meter: &mut Meter, load: Load) {
    let state = &G::new(1);
    let work = |turns: usize| {
        block_on_parked(async {
            for _ in 0..turns {
                drop(G::acquire(state).await);
            }
        });
    };
    let turns = load.reps.div_ceil(2);
    meter.section(|| {
        thread::scope(|scope| {
            scope.spawn(move || work(turns));
            work(load.reps - turns);
        });
    });
}

/// One thread puts, the other gets.
fn stream<Q: Queue<Sender: Send, Receiver: Send>>(meter: &mut Meter, load: Load) {
    let (mut sender, mut receiver) = Q::new(1_024);
    let items = load.reps as u64;
    meter.section(|| {
        thread::scope(|scope| {
            scope.spawn(move || {
                block_on_parked(async {
                    for item in 0..items {
                        Q::put(&mut sender, item).await;
                    }
                });
            });
            block_on_parked(async {
                for item in 0..items {
                    assert!(Q::get(&mut receiver).await == item);
                }
            });
        });
    });
}

/// A thousand one-shots a time are handed to the other thread, which fires them in order while this one awaits them.
fn one_shots<P: OneShot<Sender: Send>>(meter: &mut Meter, load: Load) {
    let mut left = load.reps;
    meter.section(|| {
        while left > 0 {
            let now = left.min(1_000);
            let (senders, receivers): (Vec<_>, Vec<_>) = (0..now).map(|_| P::pair()).unzip();
            thread::scope(|scope| {
                scope.spawn(move || senders.into_iter().all(|sender| P::send(sender, 1)));
                block_on_parked(async {
                    for receiver in receivers {
                        assert!(P::receive(receiver).await == 1);
                    }
                });
            });
            left -= now;
        }
    });
}

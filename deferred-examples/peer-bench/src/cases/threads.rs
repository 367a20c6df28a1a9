//! Two threads, in wall-clock time.
//!
//! A fair hand-over between threads costs the waking of a thread, which dwarfs what any of the contenders does:
//! differences within the spread of the rounds mean nothing here.

use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::ONCE;
use crate::executor::block_on_parked;
use crate::harness::{Case, Clock, Contender, Cores, Load, Meter, Unit};
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
                OurSemaphore; TokioSemaphore; MaitakeSemaphore; AsyncbandSemaphore; IntrusiveSemaphore;
                AsyncLockSemaphore; AsyncSemaphore;
            ),
        ),
        case(
            "lock, fought over",
            contenders!(fight:
                OurLock; TokioMutex; MaitakeMutex; AsyncbandMutex; IntrusiveMutex; AsyncLockMutex; FuturesMutex;
            ),
        ),
        case(
            "queue with room for 1,024",
            contenders!(stream:
                OurQueue; OurStream; TokioMpsc; AsyncbandMpsc; AsyncbandMpmc; FuturesMpsc; IntrusiveQueue;
                Kanal; Flume; AsyncChannel; CrossfireQueue;
            ),
        ),
        case(
            "one-shot, fired by the other thread",
            contenders!(one_shots:
                OurOneShot; TokioOneShot; AsyncbandOneShot; FuturesOneShot; IntrusiveOneShot; OneShotCrate; CrossfireOneShot;
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
    together(meter, move || work(turns), move || work(load.reps - turns));
}

/// One thread puts, the other gets.
fn stream<Q: Queue<Sender: Send, Receiver: Send>>(meter: &mut Meter, load: Load) {
    let (mut sender, mut receiver) = Q::new(1_024);
    let items = load.reps as u64;
    let put = move || {
        block_on_parked(async {
            for item in 0..items {
                Q::put(&mut sender, item).await;
            }
        });
    };
    let get = move || {
        block_on_parked(async {
            for item in 0..items {
                assert!(Q::get(&mut receiver).await == item);
            }
        });
    };
    together(meter, put, get);
}

/// The other thread fires one-shots in order while this one awaits them.
fn one_shots<P: OneShot<Sender: Send>>(meter: &mut Meter, load: Load) {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..load.reps).map(|_| P::pair()).unzip();
    let fire = move || {
        for sender in senders {
            P::send(sender, 1);
        }
    };
    let receive = move || {
        block_on_parked(async {
            for receiver in receivers {
                assert!(P::receive(receiver).await == 1);
            }
        });
    };
    together(meter, fire, receive);
}

/// Runs `there` on another thread and `here` on this one, and measures from the moment at which both are there.
///
/// Each has a core of its own, and they wait for each other awake: otherwise one would often have done its part before the
/// other gets in its way.
fn together(meter: &mut Meter, there: impl FnOnce() + Send, here: impl FnOnce()) {
    let arrived = AtomicUsize::new(0);
    let meet = || {
        arrived.fetch_add(1, Ordering::AcqRel);
        while arrived.load(Ordering::Acquire) < 2 {
            hint::spin_loop();
        }
    };
    let cores = Cores::of_this_thread();
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            cores.pin(1);
            meet();
            there();
        });
        cores.pin(0);
        meet();
        meter.section(|| {
            here();
            other.join().expect("the other thread has done its part");
        });
    });
    cores.unpin();
}

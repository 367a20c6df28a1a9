//! Channels.

use std::hint::black_box;

use super::{GROWTH, ONCE, case, contenders, in_sections, shuffled};
use crate::executor::{block_on, run};
use crate::harness::{Case, Load, Meter, Unit};
use crate::peers::*;
use crate::pinned::Pinned;

/// The room in every case that does not name another.
const ROOM: usize = 64;

macro_rules! bounded {
    ($run:ident) => {
        contenders!($run:
            OurQueue; OurStream; TokioMpsc; AsyncbandMpsc; AsyncbandMpmc; FuturesMpsc; IntrusiveQueue;
            Kanal; Flume; AsyncChannel; CrossfireQueue; UnsyncQueue;
        )
    };
}

macro_rules! unbounded {
    ($run:ident) => {
        contenders!($run:
            OurUnbounded; OurUnboundedStream; TokioUnbounded; AsyncbandUnbounded; FuturesUnbounded;
            KanalUnbounded; FlumeUnbounded; AsyncChannelUnbounded; CrossfireUnbounded;
        )
    };
}

/// Those that let many getters wait.
macro_rules! shared {
    ($run:ident) => {
        contenders!($run:
            OurQueue; AsyncbandMpmc; IntrusiveQueue; Kanal, <= 10_000; Flume, <= 10_000; AsyncChannel; CrossfireQueue;
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    let once = |title, contenders| case("queue", title, Unit::Operation, ONCE, contenders);
    vec![
        once("try_put and try_get", bounded!(tried)),
        once("put and get, awaited", bounded!(awaited)),
        once("put and get, awaited, unbounded", unbounded!(awaited)),
        once("ping-pong of two tasks, round trip", bounded!(ping_pong)),
        case("queue", "stream between two tasks with room for n, each", Unit::Item, &[1, 64], bounded!(stream)),
        case("queue", "n getters queued, then n puts, each", Unit::Item, GROWTH, shared!(crowd)),
        case("queue", "cancel one of n getters", Unit::Item, &[100, 1_000, 10_000], shared!(cancel)),
    ]
}

fn tried<Q: Queue>(meter: &mut Meter, load: Load) {
    let (mut sender, mut receiver) = Q::new(ROOM);
    meter.section(|| {
        for item in 0..load.reps as u64 {
            assert!(Q::try_put(&mut sender, black_box(item)));
            assert!(black_box(Q::try_get(&mut receiver)).is_some());
        }
    });
}

fn awaited<Q: Queue>(meter: &mut Meter, load: Load) {
    let (mut sender, mut receiver) = Q::new(ROOM);
    meter.section(|| {
        block_on(async {
            for item in 0..load.reps as u64 {
                Q::put(&mut sender, black_box(item)).await;
                black_box(Q::get(&mut receiver).await);
            }
        });
    });
}

fn ping_pong<Q: Queue>(meter: &mut Meter, load: Load) {
    let (mut ping, mut pinged) = Q::new(1);
    let (mut pong, mut ponged) = Q::new(1);
    let here = async {
        for item in 0..load.reps as u64 {
            Q::put(&mut ping, item).await;
            black_box(Q::get(&mut ponged).await);
        }
    };
    let there = async {
        for _ in 0..load.reps {
            let item = Q::get(&mut pinged).await;
            Q::put(&mut pong, item).await;
        }
    };
    meter.section(|| run([Box::pin(here) as _, Box::pin(there) as _]));
}

fn stream<Q: Queue>(meter: &mut Meter, load: Load) {
    let (mut sender, mut receiver) = Q::new(load.size);
    let items = (load.reps * load.size) as u64;
    let producer = async {
        for item in 0..items {
            Q::put(&mut sender, item).await;
        }
    };
    let consumer = async {
        for item in 0..items {
            assert!(Q::get(&mut receiver).await == item);
        }
    };
    meter.section(|| run([Box::pin(producer) as _, Box::pin(consumer) as _]));
}

fn crowd<Q: SharedQueue>(meter: &mut Meter, load: Load) {
    let (mut sender, receiver) = Q::new(load.size);
    let mut getters = Pinned::with_capacity(load.size);
    meter.section(|| {
        for _ in 0..load.reps {
            for _ in 0..load.size {
                getters.push_waiting(Q::get_shared(&receiver));
            }
            for item in 0..load.size as u64 {
                assert!(Q::try_put(&mut sender, item));
            }
            for getter in 0..load.size {
                black_box(getters.take(getter));
            }
            getters.clear();
        }
    });
}

fn cancel<Q: SharedQueue>(meter: &mut Meter, load: Load) {
    let order = shuffled(load.size);
    in_sections(meter, load, |meter, reps| {
        let queues: Vec<_> = (0..reps).map(|_| Q::new(ROOM)).collect();
        let mut crowds: Vec<_> = queues
            .iter()
            .map(|(_, receiver)| {
                let mut getters = Pinned::with_capacity(load.size);
                (0..load.size).for_each(|_| getters.push_waiting(Q::get_shared(receiver)));
                getters
            })
            .collect();
        meter.section(|| {
            for getters in &mut crowds {
                order.iter().for_each(|&getter| getters.drop_at(getter));
            }
        });
    });
}

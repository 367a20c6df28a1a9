//! One value, sent once.

use std::hint::black_box;
use std::pin::pin;
use std::task::Poll;

use super::{ONCE, case, contenders};
use crate::executor::with_context;
use crate::harness::{Case, Load, Meter, Unit};
use crate::peers::*;

macro_rules! everyone {
    ($run:ident) => {
        contenders!($run:
            OurOneShot; TokioOneShot; AsyncbandOneShot; FuturesOneShot; IntrusiveOneShot; OneShotCrate; CrossfireOneShot;
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    let case = |title, contenders| case("one-shot", title, Unit::Operation, ONCE, contenders);
    vec![
        case("ready when polled", everyone!(ready)),
        case("awaited, then fired", everyone!(awaited)),
        case("receiver dropped while it waits", everyone!(dropped)),
    ]
}

fn ready<P: OneShot>(meter: &mut Meter, load: Load) {
    with_context(|context| {
        meter.section(|| {
            for _ in 0..load.reps {
                let (sender, receiver) = P::pair();
                black_box(P::send(sender, black_box(1)));
                assert!(pin!(P::receive(receiver)).poll(context) == Poll::Ready(1));
            }
        });
    });
}

fn awaited<P: OneShot>(meter: &mut Meter, load: Load) {
    with_context(|context| {
        meter.section(|| {
            for _ in 0..load.reps {
                let (sender, receiver) = P::pair();
                let mut receiving = pin!(P::receive(receiver));
                assert!(receiving.as_mut().poll(context).is_pending());
                black_box(P::send(sender, black_box(1)));
                assert!(receiving.poll(context) == Poll::Ready(1));
            }
        });
    });
}

fn dropped<P: OneShot>(meter: &mut Meter, load: Load) {
    with_context(|context| {
        meter.section(|| {
            for _ in 0..load.reps {
                let (sender, receiver) = P::pair();
                {
                    let receiving = pin!(P::receive(receiver));
                    assert!(receiving.poll(context).is_pending());
                }
                black_box(P::send(sender, black_box(1)));
            }
        });
    });
}

//! Programs on several Deferreds and a wait queue, beside the rules.
#![no_main]

mod bytes;
#[path = "../../../deferred-core/tests/common/mod.rs"]
mod common;
#[path = "../../../deferred-core/tests/programs/mod.rs"]
mod programs;

use std::cell::Cell;

use bytes::{Bytes, without_a_leak};
use libfuzzer_sys::fuzz_target;
use programs::program::{Action, Canceller, End, Op, Out, SLOTS, Side, Verdict};

fuzz_target!(|data: &[u8]| {
    let program = Bytes::new(data).all(40, |bytes| op(bytes, 2));
    let cyclic = Cell::new(false);
    let run = || cyclic.set(programs::run(&program));
    // Deferreds that own one another stay.
    let held = common::held();
    run();
    if !cyclic.get() && common::held() != held {
        without_a_leak(run);
    }
});

fn slot(bytes: &mut Bytes<'_>) -> usize {
    bytes.below(SLOTS)
}

fn number(bytes: &mut Bytes<'_>) -> i64 {
    bytes.below(9) as i64
}

fn out(bytes: &mut Bytes<'_>) -> Out {
    match bytes.below(18) as i64 {
        n @ 0..9 => Out::Value(n),
        n => Out::Error(n - 9),
    }
}

/// Steps inside a callback, of which most have none.
fn ops(bytes: &mut Bytes<'_>, depth: usize) -> Vec<Op> {
    if depth == 0 {
        return Vec::new();
    }
    let count = [0, 0, 0, 0, 1, 1, 2, 3][bytes.below(8)];
    (0..count).map(|_| op(bytes, depth - 1)).collect()
}

fn action(bytes: &mut Bytes<'_>, depth: usize) -> Action {
    let end = match bytes.below(8) {
        0 | 1 => End::Value(number(bytes)),
        2 => End::Error(number(bytes)),
        3 => End::Panic,
        4 | 5 => End::Owned(slot(bytes), number(bytes)),
        _ => End::Found(slot(bytes), number(bytes)),
    };
    let fire = (bytes.below(5) == 4).then(|| (slot(bytes), out(bytes)));
    Action { ops: ops(bytes, depth), fire, end }
}

fn canceller(bytes: &mut Bytes<'_>, depth: usize) -> Option<Canceller> {
    let verdict = match bytes.below(8) {
        0 | 1 => Verdict::Done,
        2 => Verdict::Fire(out(bytes)),
        3 => Verdict::Later,
        4 => Verdict::Panic,
        _ => return None,
    };
    Some(Canceller { ops: ops(bytes, depth), verdict })
}

fn op(bytes: &mut Bytes<'_>, depth: usize) -> Op {
    match bytes.below(28) {
        0..3 => Op::New(canceller(bytes, depth)),
        3 => Op::Ready(out(bytes)),
        4..8 => {
            let side = [Side::Callback, Side::Errback, Side::Both][bytes.below(3)];
            Op::Attach(slot(bytes), side, action(bytes, depth))
        }
        8 => Op::AttachPair(slot(bytes), action(bytes, depth), action(bytes, depth)),
        9..12 => Op::Fire(slot(bytes), out(bytes)),
        12 => Op::DropResolver(slot(bytes)),
        13 => Op::Forward(slot(bytes), slot(bytes)),
        14 => Op::Handle(slot(bytes)),
        15 => Op::DropHandle(slot(bytes)),
        16 | 17 => Op::Cancel(slot(bytes)),
        18 => Op::Pause(slot(bytes)),
        19 => Op::Resume(slot(bytes)),
        20 => Op::TryTake(slot(bytes)),
        21 => Op::Poll(slot(bytes), ops(bytes, depth)),
        22 => Op::Drop(slot(bytes)),
        23 => Op::Detach(slot(bytes)),
        24 => Op::Look(slot(bytes)),
        25 => Op::Push,
        26 => Op::Pop,
        _ => Op::Close,
    }
}

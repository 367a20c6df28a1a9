//! Programs on a queue, first in first out and by priority, beside a plain one.
#![no_main]

mod bytes;
#[path = "../../../deferred-core/tests/common/mod.rs"]
mod common;
#[path = "../../../deferred-queue/tests/programs/mod.rs"]
mod programs;

use bytes::{Bytes, without_a_leak};
use libfuzzer_sys::fuzz_target;
use programs::Step;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::new(data);
    let mut bound = || [None, Some(0), Some(1), Some(2)][bytes.below(4)];
    let (size, backlog) = (bound(), bound());
    if bytes.below(4) == 3 {
        let steps = bytes.all(100, step);
        without_a_leak(|| programs::run_priority_queue(&steps));
    } else {
        let steps = bytes.all(100, step);
        without_a_leak(|| programs::run_queue(size, backlog, &steps));
    }
});

fn step(bytes: &mut Bytes<'_>) -> Step {
    match bytes.below(20) {
        0..3 => Step::Put(bytes.below(3) as u8),
        3..6 => Step::PutWhenRoom(bytes.below(3) as u8, bytes.flag()),
        6..9 => Step::Get(bytes.flag()),
        9 => Step::TryGet,
        10 => Step::Peek,
        11 => Step::TakeGet(bytes.below(64)),
        12 | 13 => Step::DropGet(bytes.below(64)),
        14 => Step::CancelGet(bytes.below(64)),
        15 => Step::TakePut(bytes.below(64)),
        16 | 17 => Step::DropPut(bytes.below(64)),
        18 => Step::Drain,
        _ => Step::Close,
    }
}

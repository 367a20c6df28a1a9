//! Programs on a semaphore and on a lock, beside plain ones.
#![no_main]

mod bytes;
#[path = "../../../deferred-core/tests/common/mod.rs"]
mod common;
#[path = "../../../deferred-sync/tests/programs/mod.rs"]
mod programs;

use bytes::{Bytes, without_a_leak};
use libfuzzer_sys::fuzz_target;
use programs::Step;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::new(data);
    match bytes.below(6) {
        5 => {
            let steps = bytes.all(100, |bytes| (bytes.below(5) as u8, bytes.below(64)));
            without_a_leak(|| programs::run_lock(&steps));
        }
        limit => {
            let steps = bytes.all(100, step);
            without_a_leak(|| programs::run_semaphore(limit, &steps));
        }
    }
});

fn step(bytes: &mut Bytes<'_>) -> Step {
    match bytes.below(20) {
        0..4 => Step::Acquire { n: bytes.below(5), poll: bytes.flag() },
        4 | 5 => Step::TryAcquire(bytes.below(5)),
        6..8 => Step::Take(bytes.below(64)),
        8 => Step::Cancel(bytes.below(64)),
        9 | 10 => Step::Drop(bytes.below(64)),
        11..14 => Step::Release(bytes.below(64)),
        14 => Step::Split(bytes.below(64), bytes.below(5)),
        15 => Step::Merge(bytes.below(64), bytes.below(64)),
        16 => Step::Forget(bytes.below(64)),
        17 | 18 => Step::SetLimit(bytes.below(7)),
        _ => Step::Close,
    }
}

//! Programs for each way of joining, beside plain ones.
#![no_main]

mod bytes;
#[path = "../../../deferred-core/tests/common/mod.rs"]
mod common;
#[path = "../../../deferred-list/tests/programs/mod.rs"]
mod programs;

use bytes::{Bytes, without_a_leak};
use libfuzzer_sys::fuzz_target;
use programs::{Kind, Plan};

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes::new(data);
    let (way, number) = (bytes.below(7), bytes.below(4));
    if way == 6 {
        let plans = bytes.all(20, |bytes| (plan(bytes), bytes.below(3)));
        return without_a_leak(|| programs::stream(&plans));
    }
    let plans = bytes.all(20, plan);
    without_a_leak(|| match way {
        0 => programs::list(&plans),
        1 => programs::gather(&plans, false),
        2 => programs::gather(&plans, true),
        3 => programs::run_race(&plans),
        4 if !plans.is_empty() => programs::first(&plans),
        _ => programs::run_parallel(1 + number, &plans),
    });
});

fn plan(bytes: &mut Bytes<'_>) -> Plan {
    let kind = [Kind::Ready, Kind::Fires, Kind::Fires, Kind::Lingers][bytes.below(4)];
    (kind, bytes.flag(), bytes.below(256) as u8)
}

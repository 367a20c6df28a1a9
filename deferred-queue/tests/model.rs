//! Random programs against a plain model of a queue, first in first out and by priority.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;
mod programs;

use programs::Step;
use proptest::prelude::*;

fn step() -> impl Strategy<Value = Step> {
    let (rank, at) = (0..3_u8, 0..64_usize);
    prop_oneof![
        6 => rank.clone().prop_map(Step::Put),
        5 => (rank, any::<bool>()).prop_map(|(rank, poll)| Step::PutWhenRoom(rank, poll)),
        8 => any::<bool>().prop_map(Step::Get),
        2 => Just(Step::TryGet),
        1 => Just(Step::Peek),
        4 => at.clone().prop_map(Step::TakeGet),
        5 => at.clone().prop_map(Step::DropGet),
        2 => at.clone().prop_map(Step::CancelGet),
        2 => at.clone().prop_map(Step::TakePut),
        3 => at.prop_map(Step::DropPut),
        1 => prop_oneof![2 => Just(Step::Drain), 1 => Just(Step::Close), 7 => Just(Step::TryGet)],
    ]
}

fn bound() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![Just(None), Just(Some(0)), Just(Some(1)), Just(Some(2))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_does_what_the_plain_one_does(
        size in bound(),
        backlog in bound(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        programs::run_queue(size, backlog, &steps);
    }

    #[test]
    fn a_priority_queue_does_what_the_plain_one_does(steps in prop::collection::vec(step(), 0..60)) {
        programs::run_priority_queue(&steps);
    }
}

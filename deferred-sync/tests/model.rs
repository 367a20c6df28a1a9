//! Random programs against a plain model of a semaphore, and of a lock.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;
mod programs;

use programs::Step;
use proptest::prelude::*;

fn step() -> impl Strategy<Value = Step> {
    let n = 0..5_usize;
    let at = 0..64_usize;
    prop_oneof![
        8 => (prop_oneof![5 => Just(1), 3 => n.clone()], any::<bool>()).prop_map(|(n, poll)| Step::Acquire { n, poll }),
        3 => n.clone().prop_map(Step::TryAcquire),
        6 => at.clone().prop_map(Step::Take),
        2 => at.clone().prop_map(Step::Cancel),
        4 => at.clone().prop_map(Step::Drop),
        6 => at.clone().prop_map(Step::Release),
        2 => (at.clone(), n.clone()).prop_map(|(at, n)| Step::Split(at, n)),
        1 => (at.clone(), at.clone()).prop_map(|(a, b)| Step::Merge(a, b)),
        1 => at.prop_map(Step::Forget),
        2 => (0..7_usize).prop_map(Step::SetLimit),
        1 => prop_oneof![9 => Just(Step::SetLimit(3)), 1 => Just(Step::Close)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_semaphore_does_what_the_plain_one_does(limit in 0..5_usize, steps in prop::collection::vec(step(), 0..60)) {
        programs::run_semaphore(limit, &steps);
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time_in_order(steps in prop::collection::vec((0..5_u8, 0..64_usize), 0..60)) {
        programs::run_lock(&steps);
    }
}

//! Random programs against a plain model of each way of joining.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;
mod programs;

use programs::{Kind, Plan};
use proptest::prelude::*;

fn plan() -> impl Strategy<Value = Plan> {
    let kind = prop_oneof![1 => Just(Kind::Ready), 3 => Just(Kind::Fires), 1 => Just(Kind::Lingers)];
    (kind, any::<bool>(), any::<u8>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_list_has_all_outcomes(plans in prop::collection::vec(plan(), 0..8)) {
        programs::list(&plans);
    }

    #[test]
    fn a_gather_has_all_values_or_the_first_failure(plans in prop::collection::vec(plan(), 0..8), cancels: bool) {
        programs::gather(&plans, cancels);
    }

    #[test]
    fn a_race_has_the_first_success_or_all_failures(plans in prop::collection::vec(plan(), 0..8)) {
        programs::run_race(&plans);
    }

    #[test]
    fn the_first_to_fire_is_the_first(plans in prop::collection::vec(plan(), 1..8)) {
        programs::first(&plans);
    }

    #[test]
    fn a_stream_gives_each_once_in_the_order_of_firing(plans in prop::collection::vec((plan(), 0..3_usize), 0..8)) {
        programs::stream(&plans);
    }

    #[test]
    fn parallel_runs_so_many_and_gives_all(limit in 1..5_usize, plans in prop::collection::vec(plan(), 0..12)) {
        programs::run_parallel(limit, &plans);
    }
}

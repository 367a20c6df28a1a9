//! What a join costs, in instructions: in proportion to its children.

#[path = "../../deferred-core/tests/common/mod.rs"]
mod common;

use common::{assert_same, instructions};
use deferred_core::Deferred;
use deferred_list::{DeferredList, race};

const FEW: usize = 1000;
const TIMES: usize = 10;

/// Joins, fires from the back, and takes the outcomes.
fn list(n: usize) {
    let (resolvers, children): (Vec<_>, Vec<_>) = (0..n).map(|_| Deferred::<usize>::new()).unzip();
    let mut list = DeferredList::new(children).into_deferred();
    for resolver in resolvers.into_iter().rev() {
        resolver.callback(1).unwrap();
    }
    assert_eq!(list.try_take().unwrap().unwrap().len(), n);
}

/// Races, and cancels all but one.
fn lose(n: usize) {
    let (mut resolvers, children): (Vec<_>, Vec<_>) = (0..n).map(|_| Deferred::<usize>::new()).unzip();
    let mut d = race(children);
    resolvers.swap_remove(n / 2).callback(1).unwrap();
    assert!(d.try_take().is_some());
}

/// Each a function of its own, so that its cost is found by its name.
macro_rules! counted {
    ($($name:ident = $call:expr;)*) => {
        $(#[inline(never)]
        fn $name() {
            $call
        })*
    };
}

counted! {
    few_in_a_list = list(FEW);
    many_in_a_list = list(FEW * TIMES);
    few_in_a_race = lose(FEW);
    many_in_a_race = lose(FEW * TIMES);
}

#[test]
fn a_list_costs_in_proportion_to_its_children() {
    let names = ["few_in_a_list", "many_in_a_list", "few_in_a_race", "many_in_a_race"];
    let work = || {
        few_in_a_list();
        many_in_a_list();
        few_in_a_race();
        many_in_a_race();
    };
    if let Some(counts) = instructions("a_list_costs_in_proportion_to_its_children", &names, work) {
        assert_same(&[counts[0] * TIMES as u64, counts[1]]);
        assert_same(&[counts[2] * TIMES as u64, counts[3]]);
    }
}

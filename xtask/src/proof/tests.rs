//! What is read from models.

use super::*;

#[test]
fn the_results_of_models_are_among_much_else() {
    let printed = "running 2 tests\ntest cell::a ... model a b: 7 executions, 0.1 s\nok\n ==== more\n\
        model c: 9 executions, 600.0 s, then its time was up\n";
    let (ended, cut) = ("model a b: 7 executions, 0.1 s", "model c: 9 executions, 600.0 s, then its time was up");
    assert_eq!(results(printed), [ended, cut]);
    assert!(!ended.contains(CUT) && cut.contains(CUT));
}

#[test]
fn models_say_it_when_their_time_was_up() {
    assert!(include_str!("../../../deferred-core/tests/common/explore.rs").contains(CUT));
}

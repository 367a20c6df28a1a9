//! Random programs on several Deferreds at once, run on the crate and on a plain model of the rules.
//!
//! What happens is compared as a whole: each call with its input, each wake, each report, each value given back.

mod plain;
mod program;
mod real;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 40 } else { 3000 },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/model/regressions.txt"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn programs_do_what_the_rules_say(program in program::program()) {
        deferred_core::set_unhandled_hook(|report| {
            let failure = format!("{:?}", report.failure());
            let kind = failure.split(" (made at").next().unwrap_or_default();
            real::log(format!("report {}", kind.split("(\"").next().unwrap_or_default()));
        });
        prop_assert_eq!(real::run(&program), plain::run(&program));
    }
}

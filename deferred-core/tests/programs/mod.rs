//! Programs on several Deferreds at once, run on the crate and on a plain model of the rules.

mod plain;
pub(crate) mod program;
mod real;

use program::Op;

/// Runs a program on both; what happens is compared as a whole: each call with its input, each wake, each report, each
/// value given back. Returns whether closures are left, in Deferreds that own one another.
#[track_caller]
pub(crate) fn run(program: &[Op]) -> bool {
    deferred_core::set_unhandled_hook(|report| {
        let failure = format!("{:?}", report.failure());
        let kind = failure.split(" (made at").next().unwrap_or_default();
        real::log(format!("report {}", kind.split("(\"").next().unwrap_or_default()));
    });
    let (real, plain) = (real::run(program), plain::run(program));
    assert_eq!(real, plain);
    real.1
}

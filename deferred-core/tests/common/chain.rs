//! Chains of numbers that say what they come to.

use deferred_core::{Deferred, Outcome};

use super::Trace;

pub(crate) type Chain = Deferred<u32, &'static str>;

/// Logs what a chain came to.
pub(crate) fn logged(d: Chain, trace: &Trace, name: &'static str) -> Chain {
    let trace = trace.clone();
    d.add_both(move |outcome| {
        trace.log(match &outcome {
            Ok(n) => format!("{name} {n}"),
            Err(failure) => format!("{name} {failure}"),
        });
        outcome
    })
}

/// Attaches what a chain needs to be quiet when it ends.
pub(crate) fn handled(d: Chain) -> Chain {
    d.add_errback(|_| Ok(0))
}

/// A callback that logs its input and passes it on.
pub(crate) fn log(
    trace: &Trace,
    name: &'static str,
) -> impl FnOnce(u32) -> Outcome<u32, &'static str> + Send + 'static {
    let trace = trace.clone();
    move |n| {
        trace.log(format!("{name} {n}"));
        Ok(n)
    }
}

//! Collecting the failures that nobody handled.

/// Runs `f` and returns, in order, the failures that were reported as unhandled on this thread meanwhile.
#[cfg(feature = "std")]
pub(crate) fn reports<R>(f: impl FnOnce() -> R) -> (R, Vec<String>) {
    let (result, unhandled) = deferred_core::catch_unhandled(f);
    (result, unhandled.into_iter().map(|unhandled| unhandled.failure).collect())
}

/// Runs `f` and returns, in order, the failures that were reported as unhandled meanwhile, by the hook of the program:
/// without `std` there is no other way, and such tests run one at a time.
#[cfg(not(feature = "std"))]
pub(crate) fn reports<R>(f: impl FnOnce() -> R) -> (R, Vec<String>) {
    use std::sync::{Arc, Mutex};

    let reported = Arc::new(Mutex::new(Vec::new()));
    let sink = reported.clone();
    deferred_core::set_unhandled_hook(move |report| sink.lock().unwrap().push(format!("{:?}", report.failure())));
    let result = f();
    deferred_core::reset_unhandled_hook();
    let reported = std::mem::take(&mut *reported.lock().unwrap());
    (result, reported)
}

//! Collecting the failures that nobody handled.

/// Runs `f` and returns, in order, the failures that were reported as unhandled on this thread meanwhile.
pub(crate) fn reports<R>(f: impl FnOnce() -> R) -> (R, Vec<String>) {
    let (result, unhandled) = deferred_core::catch_unhandled(f);
    (result, unhandled.into_iter().map(|unhandled| unhandled.failure).collect())
}

//! Collecting the failures that nobody handled.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// The collections that are open on this thread, the innermost last.
    static OPEN: RefCell<Vec<Vec<String>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` and returns, in order, what was reported as unhandled on this thread meanwhile.
///
/// The hook of the program is global and tests run side by side, so each thread sees its own reports only.
pub(crate) fn reports<R>(f: impl FnOnce() -> R) -> (R, Vec<String>) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        deferred_core::set_unhandled_hook(|report| {
            let text = format!("{report}");
            let _ = OPEN.try_with(|open| open.borrow_mut().last_mut().map(|reports| reports.push(text)));
        });
    });
    OPEN.with(|open| open.borrow_mut().push(Vec::new()));
    let result = f();
    let reports = OPEN.with(|open| open.borrow_mut().pop());
    (result, reports.expect("the collection was opened above"))
}

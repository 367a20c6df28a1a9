//! The hook for failures that nobody handled. It is that of the whole program, so these tests have one of their own.

mod common;

use std::sync::{Arc, Mutex, PoisonError};

use deferred_core::{Deferred, Report, reset_unhandled_hook, set_unhandled_hook};

type Chain = Deferred<u32, &'static str>;

/// Runs `f` with a hook for unhandled failures: one test at a time, and the hook hears of what others do, too.
fn hooked<R>(hook: impl Fn(&Report<'_>) + Send + Sync + 'static, f: impl FnOnce() -> R) -> R {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    set_unhandled_hook(hook);
    let result = f();
    reset_unhandled_hook();
    result
}

#[test]
fn a_report_names_what_failed_and_both_places() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let hook = move |report: &Report<'_>| {
        let places = (report.created().line(), report.origin().line());
        log.lock().unwrap().push((report.to_string(), format!("{report:?}"), places));
    };
    let (created, (resolver, d)) = (line!(), Chain::new());
    let (origin, ()) = (line!(), resolver.errback("lost here").unwrap());
    hooked(hook, || drop(d));
    let seen = seen.lock().unwrap();
    // The hook is that of the whole program.
    let [(report, debug, places)] = &seen.iter().filter(|seen| seen.0.contains("lost here")).collect::<Vec<_>>()[..]
    else {
        panic!("{seen:?}")
    };
    assert_eq!((debug, *places), (report, (created, origin)));
    let start = format!("unhandled failure in a Deferred created at {}:{created}:", file!());
    assert!(report.starts_with(&start) && report.contains(&format!("made at {}:{origin}:", file!())), "{report}");
}

#[test]
fn the_hook_can_be_replaced_and_reset_from_anywhere() {
    // The hook is that of the whole program, so this looks for its own failures only.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let push = seen.clone();
    let hook = move |report: &Report<'_>| {
        let text = report.to_string();
        if text.contains("for the hook") {
            push.lock().unwrap().push(text);
        }
    };
    hooked(hook, || drop(Chain::fail("for the hook")));
    drop(Chain::fail("for the hook, but too late"));
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("unhandled failure in a Deferred created at "), "{seen:?}");
    // From inside it, too.
    common::watchdog(|| {
        let hook = |report: &Report<'_>| {
            if report.to_string().contains("replace yourself") {
                reset_unhandled_hook();
            }
        };
        hooked(hook, || {
            drop(Chain::fail("replace yourself"));
            drop(Chain::fail("for stderr"));
        });
    });
}

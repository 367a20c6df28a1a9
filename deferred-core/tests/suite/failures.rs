//! What a failure says, and who hears of one that nobody handled.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use crate::common::reports;
use deferred_core::{Deferred, Failure, FailureKind, Panic, WaitQueue, catch_unhandled};

type Chain = Deferred<u32, &'static str>;

#[derive(Debug)]
struct Outer(ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a port")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn a_question_mark_makes_a_failure_with_its_place() {
    let line = line!() + 2;
    let mut d = Deferred::<&str, ParseIntError>::succeed("x").add_callback(|text| {
        let n = text.parse::<u32>()?;
        Ok(n)
    });
    let failure = d.try_take().unwrap().unwrap_err();
    assert!(matches!(failure.kind(), FailureKind::Error(_)));
    assert_eq!((failure.origin().file(), failure.origin().line()), (file!(), line));
}

#[test]
fn a_failure_reads_as_its_error_and_has_its_source() {
    let error = Outer("x".parse::<u32>().unwrap_err());
    let failure = Failure::from(error);
    assert_eq!(failure.to_string(), "not a port");
    assert_eq!(failure.source().unwrap().to_string(), "invalid digit found in string");
    let none: Failure<Outer> = Failure::new(FailureKind::Cancelled);
    assert!(none.source().is_none());
}

#[test]
fn each_kind_reads_as_a_clause() {
    let read = |kind: FailureKind<&'static str>| Failure::new(kind).to_string();
    assert_eq!(read(FailureKind::Error("disk full")), "disk full");
    assert_eq!(read(FailureKind::Cancelled), "cancelled");
    assert_eq!(read(FailureKind::TimedOut), "timed out");
    assert_eq!(read(FailureKind::Closed), "closed while waiting");
    assert!(read(FailureKind::Abandoned).starts_with("abandoned"));
    assert!(read(FailureKind::Cycle).contains("waits for this one"));
    assert!(read(FailureKind::Panicked(Panic::new("oh"))).starts_with("panicked: oh (made at "));
}

#[test]
fn debug_shows_the_kind_and_the_place() {
    let failure = Failure::from(7);
    let text = format!("{failure:?}");
    assert!(text.starts_with("Error(7) (made at ") && text.contains(file!()), "{text}");
    assert_eq!(format!("{:?}", Panic::new("oh")), "\"oh\"");
}

#[test]
fn a_kind_goes_in_and_comes_out() {
    for kind in [
        FailureKind::Error(1),
        FailureKind::Cancelled,
        FailureKind::TimedOut,
        FailureKind::Closed,
        FailureKind::Abandoned,
        FailureKind::Cycle,
        FailureKind::Panicked(Panic::new("p")),
    ] {
        let failure = Failure::new(kind.clone());
        assert_eq!(failure.clone(), failure);
        assert_eq!(
            (failure.is_cancelled(), failure.is_timed_out(), failure.is_closed()),
            (kind == FailureKind::Cancelled, kind == FailureKind::TimedOut, kind == FailureKind::Closed)
        );
        assert_eq!(failure.into_kind(), kind);
    }
}

#[test]
fn outcomes_are_small() {
    assert!(size_of::<deferred_core::Outcome<u64, std::convert::Infallible>>() <= 2 * size_of::<u64>());
    assert!(size_of::<Failure<u64>>() <= 3 * size_of::<u64>());
}

#[test]
fn a_failure_at_the_end_of_a_dropped_chain_is_reported_once() {
    let ((), reported) = reports(|| {
        let (resolver, d) = Chain::new();
        let d = d.add_callback(|_| Err::<u32, _>("in the middle".into())).add_callback(Ok);
        resolver.callback(1).unwrap();
        drop(d);
    });
    assert_eq!(reported.len(), 1);
}

#[test]
fn a_failure_at_the_end_of_a_detached_chain_is_reported_at_that_moment() {
    let (resolver, reported) = reports(|| {
        let (resolver, d) = Chain::new();
        d.add_callback(|_| Err::<u32, _>("later".into())).detach();
        resolver
    });
    assert_eq!(reported.len(), 0);
    let ((), reported) = reports(|| resolver.callback(1).unwrap());
    assert_eq!(reported.len(), 1);
}

#[test]
fn a_failure_that_was_taken_is_not_reported() {
    let ((), reported) = reports(|| {
        assert!(Chain::fail("taken").try_take().is_some());
        assert!(Chain::fail("waited for").wait().is_err());
        let (resolver, mut d) = Chain::new();
        resolver.errback("taken").unwrap();
        assert!(d.try_take().is_some());
    });
    assert_eq!(reported, [""; 0]);
}

#[test]
fn values_and_quiet_cancels_are_not_reported() {
    let ((), reported) = reports(|| {
        drop(Chain::succeed(1));
        let (_resolver, d) = Chain::new();
        drop(d);
        let (_resolver, d) = Chain::new();
        drop(d.add_callback(Ok));
    });
    assert_eq!(reported, [""; 0]);
}

#[test]
fn a_cancel_by_a_handle_that_nobody_looks_at_is_reported() {
    let ((), reported) = reports(|| {
        let (_resolver, mut d) = Chain::new();
        let handle = d.handle();
        d.detach();
        handle.cancel();
    });
    assert_eq!(reported.len(), 1);
    assert!(reported[0].starts_with("Cancelled"));
}

#[test]
fn a_report_tells_where_it_failed_and_where_the_deferred_was_created() {
    let ((created, origin), unhandled) = catch_unhandled(|| {
        let (resolver, d) = Chain::new();
        let created = line!() - 1;
        d.detach();
        resolver.errback("no").unwrap();
        (created, line!() - 1)
    });
    let [unhandled] = &unhandled[..] else { panic!("{unhandled:?}") };
    assert_eq!((unhandled.created.line(), unhandled.origin.line()), (created, origin));
    assert_eq!((unhandled.created.file(), unhandled.origin.file()), (file!(), file!()));
    assert!(unhandled.failure.starts_with("Error(\"no\")"));
}

#[test]
fn a_caught_report_does_not_reach_the_hook_and_calls_nest() {
    let ((), outer) = catch_unhandled(|| {
        drop(Chain::fail("first"));
        let ((), inner) = catch_unhandled(|| drop(Chain::fail("inner")));
        assert_eq!(inner.len(), 1);
        drop(Chain::fail("second"));
    });
    assert_eq!(outer.len(), 2);
}

#[test]
fn failures_are_told_apart_by_their_kind_alone() {
    assert_eq!(Failure::from(1), Failure::from(1));
    assert_ne!(Failure::from(1), Failure::from(2));
    assert_ne!(Failure::<u8>::new(FailureKind::Cancelled), Failure::new(FailureKind::Closed));
}

/// Looked at from outside, in a process of its own.
#[cfg(feature = "std")]
#[test]
fn without_a_hook_a_report_is_written_to_stderr() {
    use std::env;
    use std::process::Command;

    const INSIDE: &str = "WITHOUT_A_HOOK";
    if env::var_os(INSIDE).is_some() {
        return drop(Deferred::<u8, &str>::fail("nobody wants this"));
    }
    let name = "failures::without_a_hook_a_report_is_written_to_stderr";
    let mut inside = Command::new(env::current_exe().unwrap());
    let output = inside.args([name, "--exact", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let start = format!("unhandled failure in a Deferred created at {}:", file!());
    assert!(output.status.success() && stderr.contains(&start) && stderr.contains("nobody wants this"), "{stderr}");
}

#[test]
fn what_closing_causes_names_where_the_waiter_was_created() {
    let queue = WaitQueue::<u32>::new(());
    let (mut d, line) = (queue.push(()), line!());
    drop(queue);
    let failure = d.try_take().unwrap().unwrap_err();
    assert_eq!((failure.origin().file(), failure.origin().line()), (file!(), line));
}

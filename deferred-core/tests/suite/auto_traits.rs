//! Which types may go where: `Send`, `Sync`, `Unpin`, `UnwindSafe`, with the cases that must not.

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::common::{Both, NO, Neither, SendOnly, SyncOnly, YES, has, table, threads};
use deferred_core::{
    Cancel, Cancelled, Deferred, Driver, Failure, FailureKind, Handle, ManualClock, Panic, Paused, Progress, Report,
    Resolver, Shared, ThreadClock, Timer, Verdict, WaitQueue,
};

#[test]
fn the_four_types_are_what_they_are_taken_for() {
    assert_eq!(
        [threads!(Both), threads!(SendOnly), threads!(SyncOnly), threads!(Neither)],
        [YES, [true, false], [false, true], NO]
    );
}

#[test]
fn the_two_ends_go_where_their_content_can_be_sent() {
    type Of<T> = Deferred<T>;
    type Failing<T> = Deferred<u8, T>;
    type Firing<T> = Resolver<T>;
    type FiringError<T> = Resolver<u8, T>;
    // Both are shared without giving anything out by reference, so `Send` is all that they ask for.
    let expected = [YES, YES, NO, NO];
    assert_eq!(table!(Of), expected);
    assert_eq!(table!(Failing), expected);
    assert_eq!(table!(Firing), expected);
    assert_eq!(table!(FiringError), expected);
}

#[test]
fn waiting_for_a_cancel_goes_where_the_resolver_goes() {
    type Waiting<T> = Cancelled<'static, T>;
    assert_eq!(table!(Waiting), [YES, YES, NO, NO]);
}

#[test]
fn a_failure_is_like_its_error() {
    type Kind<T> = FailureKind<T>;
    assert_eq!(table!(Failure), [YES, [true, false], [false, true], NO]);
    assert_eq!(table!(Kind), [YES, [true, false], [false, true], NO]);
    assert_eq!(threads!(Panic), YES);
}

#[test]
fn a_driver_is_like_its_future_where_its_content_can_be_sent() {
    type Polls<T> = Driver<T, u8, u8>;
    type Fires<T> = Driver<u8, T, u8>;
    assert_eq!(table!(Polls), [YES, [true, false], [false, true], NO]);
    assert_eq!(table!(Fires), [YES, YES, NO, NO]);
}

#[test]
fn handles_and_clocks_go_anywhere() {
    assert_eq!(
        [
            threads!(Handle),
            threads!(Paused),
            threads!(ManualClock),
            threads!(ThreadClock),
            threads!(Timer),
            threads!(Progress)
        ],
        [YES; 6]
    );
}

#[test]
fn a_shared_result_goes_anywhere() {
    // It cannot be made of what is not `Send` and `Sync`.
    assert_eq!(threads!(Shared<u8, u8>), YES);
}

#[test]
fn a_wait_queue_goes_where_its_content_can_be_sent() {
    type Of<T> = WaitQueue<T>;
    type Failing<T> = WaitQueue<u8, T>;
    let expected = [YES, YES, NO, NO];
    assert_eq!(table!(Of), expected);
    assert_eq!(table!(Failing), expected);
}

#[test]
fn a_verdict_carries_its_outcome() {
    type Of<T> = Verdict<T, u8>;
    assert_eq!(table!(Of), [YES, [true, false], [false, true], NO]);
    // What a canceller is called with holds nothing.
    assert_eq!(threads!(Cancel<Neither, Neither>), YES);
}

#[test]
fn a_report_stays_on_its_thread() {
    assert_eq!(threads!(Report<'static>), NO);
}

#[test]
fn everything_but_a_driver_is_unpin_whatever_it_holds() {
    use std::marker::PhantomPinned;
    assert!(has!(Deferred<PhantomPinned>, Unpin));
    assert!(has!(Resolver<PhantomPinned>, Unpin));
    assert!(has!(Cancelled<'static, PhantomPinned>, Unpin));
    assert!(has!(Handle, Unpin) && has!(Paused, Unpin));
    assert!(has!(Driver<u8, u8, u8>, Unpin));
    assert!(!has!(Driver<PhantomPinned, u8, u8>, Unpin));
}

#[test]
fn handles_survive_a_panic_around_them() {
    assert!(has!(Handle, UnwindSafe) && has!(Handle, RefUnwindSafe));
    assert!(has!(Paused, UnwindSafe) && has!(Paused, RefUnwindSafe));
    assert!(has!(Panic, UnwindSafe) && has!(Panic, RefUnwindSafe));
}

#[test]
fn the_two_ends_survive_a_panic_around_them() {
    assert!(has!(Deferred<u8, u8>, UnwindSafe) && has!(Deferred<u8, u8>, RefUnwindSafe));
    assert!(has!(Resolver<u8, u8>, UnwindSafe) && has!(Resolver<u8, u8>, RefUnwindSafe));
    // What they hold may not.
    assert!(!has!(Deferred<&'static mut u8>, UnwindSafe) && !has!(Resolver<&'static mut u8>, UnwindSafe));
}

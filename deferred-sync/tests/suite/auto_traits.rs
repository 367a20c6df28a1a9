//! Which types may go where.
//!
//! What a lock guards must be `Send`, so that is asked of the types themselves.

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::common::{Both, SendOnly, YES, has, threads};
use deferred_sync::{DeferredLock, DeferredSemaphore, LimitOverflow, LockGuard, MappedGuard, Permit};

#[test]
fn a_lock_is_shared_by_threads_when_its_value_may_be_sent() {
    assert_eq!([threads!(DeferredLock<Both>), threads!(DeferredLock<SendOnly>)], [YES, YES]);
}

#[test]
fn a_guard_gives_out_references_so_it_is_shared_only_when_its_value_may_be() {
    assert_eq!([threads!(LockGuard<Both>), threads!(LockGuard<SendOnly>)], [YES, [true, false]]);
    assert_eq!(threads!(MappedGuard<Both, u8>), YES);
    assert_eq!(threads!(MappedGuard<SendOnly, u8>), [true, false]);
}

#[test]
fn semaphores_and_permits_go_everywhere() {
    assert_eq!([threads!(DeferredSemaphore), threads!(Permit), threads!(LimitOverflow)], [YES; 3]);
    assert!(has!(DeferredSemaphore, Unpin) && has!(Permit, Unpin) && has!(DeferredLock<Both>, Unpin));
}

#[test]
fn semaphores_and_permits_pass_through_a_caught_panic() {
    assert!(has!(DeferredSemaphore, UnwindSafe) && has!(DeferredSemaphore, RefUnwindSafe));
    assert!(has!(Permit, UnwindSafe) && has!(Permit, RefUnwindSafe));
}

#[test]
fn a_lock_does_not_as_it_has_no_poison_and_a_panic_may_leave_its_value_half_changed() {
    assert!(!has!(DeferredLock<Both>, RefUnwindSafe) && !has!(LockGuard<Both>, UnwindSafe));
}

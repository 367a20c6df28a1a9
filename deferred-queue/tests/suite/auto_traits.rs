//! Which types may go where.
//!
//! Items must be `Send`, so that is asked of the types themselves.

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::common::{Both, Neither, SendOnly, YES, has, threads};
use deferred_queue::{
    Builder, DeferredPriorityQueue, DeferredQueue, Priority, QueueOverflow, QueueStream, QueueUnderflow, Unsent,
};

#[test]
fn a_queue_gives_items_to_one_only_so_it_is_shared_when_they_may_be_sent() {
    assert_eq!([threads!(DeferredQueue<Both>), threads!(DeferredQueue<SendOnly>)], [YES, YES]);
    assert_eq!([threads!(DeferredPriorityQueue<Both>), threads!(DeferredPriorityQueue<SendOnly>)], [YES, YES]);
    assert_eq!([threads!(QueueStream<Both>), threads!(QueueStream<SendOnly>)], [YES, YES]);
    assert!(has!(QueueStream<Both>, Unpin) && has!(DeferredQueue<Both>, Unpin));
}

#[test]
fn a_queue_passes_through_a_caught_panic() {
    assert!(has!(DeferredQueue<SendOnly>, UnwindSafe) && has!(DeferredQueue<SendOnly>, RefUnwindSafe));
    assert!(has!(QueueStream<Both>, UnwindSafe) && has!(QueueStream<Both>, RefUnwindSafe));
}

#[test]
fn errors_and_stores_are_as_their_items() {
    assert_eq!(threads!(QueueOverflow<SendOnly>), [true, false]);
    assert_eq!(threads!(Unsent<SendOnly>), [true, false]);
    assert_eq!(threads!(Unsent<Neither>), [false, false]);
    assert_eq!(threads!(Priority<SendOnly>), [true, false]);
    assert_eq!([threads!(QueueUnderflow), threads!(Builder<Neither>)], [YES, YES]);
}

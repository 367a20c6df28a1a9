//! Which types may go where.

use crate::common::{Both, NO, Neither, SendOnly, YES, has, threads};
use deferred_list::{AsCompleted, DeferredList, FailureGroup, FirstError, GatherOptions, NothingToJoin, Progress};

#[test]
fn a_join_goes_where_its_outcomes_may_be_sent() {
    assert_eq!([threads!(DeferredList<Both>), threads!(DeferredList<SendOnly>)], [YES, YES]);
    assert_eq!([threads!(DeferredList<Neither>), threads!(DeferredList<u8, Neither>)], [NO, NO]);
    assert_eq!([threads!(AsCompleted<Both>), threads!(AsCompleted<SendOnly>)], [YES, YES]);
    assert!(has!(DeferredList<Both>, Unpin) && has!(AsCompleted<Both>, Unpin));
}

#[test]
fn errors_are_as_what_they_hold() {
    assert_eq!([threads!(FirstError<Both>), threads!(FailureGroup<Both>)], [YES, YES]);
    assert_eq!([threads!(FirstError<SendOnly>), threads!(FailureGroup<SendOnly>)], [[true, false], [true, false]]);
    assert_eq!([threads!(Progress), threads!(NothingToJoin), threads!(GatherOptions)], [YES; 3]);
}

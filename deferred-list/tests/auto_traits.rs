//! Which types may go where.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use deferred_list::{AsCompleted, DeferredList, FailureGroup, FirstError, GatherOptions, NothingToJoin, Progress};

/// Tells whether a type has a trait: the inherent constant is found first, and exists only where the bound holds.
macro_rules! has {
    ($t:ty, $bound:path) => {{
        #[allow(dead_code)] // Where the bound holds.
        trait Not {
            const HAS: bool = false;
        }
        struct Test<T: ?Sized>(PhantomData<T>);
        impl<T: ?Sized> Not for Test<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $bound> Test<T> {
            const HAS: bool = true;
        }
        <Test<$t>>::HAS
    }};
}

/// `[Send, Sync]` of a type.
macro_rules! threads {
    ($t:ty) => {
        [has!($t, Send), has!($t, Sync)]
    };
}

type Both = u8;
type SendOnly = Cell<u8>;
type Neither = Rc<u8>;

const YES: [bool; 2] = [true, true];
const NO: [bool; 2] = [false, false];

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

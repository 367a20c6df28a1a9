//! A joiner that panics fails its parent, and nobody else.

use std::convert::Infallible;
use std::sync::Arc;

use crate::common::{DropBomb, Drops};
use deferred_core::{Deferred, FailureKind, Fired, Joiner, Outcome, Outcomes, join};

/// Panics at the first child, or at the end.
struct Panics {
    early: bool,
}

impl Joiner<u8, Infallible> for Panics {
    type Output = u8;
    type Error = Infallible;
    const REPORTS_LATE: bool = true;

    fn fired(&self, _: Fired<'_, u8, Infallible>) -> Option<Outcome<u8, Infallible>> {
        assert!(!self.early, "at a child");
        None
    }

    fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<u8, Infallible> {
        panic!("at the end")
    }
}

fn message(outcome: Option<Outcome<u8, Infallible>>) -> String {
    match outcome.unwrap().unwrap_err().into_kind() {
        FailureKind::Panicked(panic) => panic.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_joiner_that_panics_at_a_child_fails_the_parent_and_not_whoever_fires() {
    let ((first, a), (second, b)) = (Deferred::<u8>::new(), Deferred::<u8>::new());
    let (mut parent, progress) = join([a, b], Panics { early: true });
    first.callback(1).unwrap();
    assert!(message(parent.try_take()).contains("at a child"));
    // The other child was cancelled, and nothing is left to wait for.
    assert_eq!(second.callback(2), Err(2));
    assert_eq!(progress.get(), (2, 2));
}

#[test]
fn a_joiner_that_panics_at_the_end_fails_the_parent() {
    let (resolver, child) = Deferred::<u8>::new();
    let (mut parent, _) = join([child], Panics { early: false });
    resolver.callback(1).unwrap();
    assert!(message(parent.try_take()).contains("at the end"));
}

/// A joiner that panics when it goes.
struct Bomb(#[expect(dead_code, reason = "it is there to be dropped")] DropBomb);

impl Joiner<u8, Infallible> for Bomb {
    type Output = u8;
    type Error = Infallible;
    const REPORTS_LATE: bool = true;

    fn all_fired(&self, outcomes: Outcomes<'_, u8, Infallible>) -> Outcome<u8, Infallible> {
        Ok(outcomes.flatten().sum())
    }
}

#[test]
fn a_joiner_whose_drop_panics_does_not_reach_whoever_fires() {
    let drops = Drops::new();
    let (resolver, child) = Deferred::<u8>::new();
    let (mut parent, _) = join([child], Bomb(drops.bomb()));
    resolver.callback(1).unwrap();
    assert_eq!((parent.try_take(), drops.count()), (Some(Ok(1)), 1));
}

#[test]
fn a_joiner_that_panics_at_ready_children_fails_the_parent() {
    for early in [true, false] {
        let (mut parent, _) = join([Deferred::succeed(1)], Panics { early });
        assert!(message(parent.try_take()).contains("at "));
    }
}

/// Promises an end that it does not make.
struct Breaks;

impl Joiner<u8, Infallible> for Breaks {
    type Output = u8;
    type Error = Infallible;
    const REPORTS_LATE: bool = true;

    fn ends(&self, child: &Fired<'_, u8, Infallible>) -> bool {
        assert!(child.index() < 2, "at the question");
        child.index() == 1
    }

    fn all_fired(&self, outcomes: Outcomes<'_, u8, Infallible>) -> Outcome<u8, Infallible> {
        Ok(outcomes.flatten().sum())
    }
}

#[test]
fn a_joiner_that_does_not_make_the_end_it_promised_fails_the_parent() {
    let children = |n: usize| (0..n).map(|_| Deferred::<u8>::new()).unzip::<_, _, Vec<_>, Vec<_>>();
    let (resolvers, all) = children(3);
    let (mut parent, _) = join(all, Breaks);
    for (n, resolver) in resolvers.into_iter().enumerate() {
        // The first does not end it, the second does, and the third is cancelled by that.
        assert_eq!(resolver.callback(1).is_ok(), n < 2);
        assert_eq!(parent.is_fired(), n > 0);
    }
    assert_eq!(parent.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
    let (mut parent, _) = join((0..2).map(Deferred::succeed), Breaks);
    assert_eq!(parent.try_take().unwrap().unwrap_err().into_kind(), FailureKind::Abandoned);
    let (mut resolvers, all) = children(3);
    let (mut parent, _) = join(all, Breaks);
    resolvers.pop().unwrap().callback(1).unwrap();
    assert!(message(parent.try_take()).contains("at the question"));
}

/// Panics at the second outcome.
struct PanicsMidway {
    one_by_one: bool,
}

impl Joiner<Arc<u8>, Infallible> for PanicsMidway {
    type Output = ();
    type Error = Infallible;
    const REPORTS_LATE: bool = true;

    fn all_fired(&self, mut outcomes: Outcomes<'_, Arc<u8>, Infallible>) -> Outcome<(), Infallible> {
        let look = |outcome: Outcome<Arc<u8>, Infallible>| assert_eq!(*outcome.unwrap(), 1, "midway");
        if self.one_by_one {
            for outcome in outcomes.by_ref() {
                look(outcome);
            }
        } else {
            outcomes.for_each(look);
        }
        Ok(())
    }
}

#[test]
fn a_joiner_that_panics_midway_leaves_nothing_behind() {
    for one_by_one in [true, false] {
        let values = [1, 2, 3].map(Arc::new);
        let (resolver, pending) = Deferred::new();
        let children = [Deferred::succeed(values[0].clone()), Deferred::succeed(values[1].clone()), pending];
        let (mut parent, _) = join(children, PanicsMidway { one_by_one });
        resolver.callback(values[2].clone()).unwrap();
        let failure = parent.try_take().unwrap().unwrap_err();
        assert!(failure.to_string().contains("midway"), "{failure}");
        assert!(values.iter().all(|value| Arc::strong_count(value) == 1));
    }
}

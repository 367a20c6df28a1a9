//! The first one.

use core::fmt::Debug;

use deferred_core::{Deferred, Failure, Fired, Joiner, Outcome, Outcomes, join};

use crate::error::{FailureGroup, NothingToJoin};
use crate::list::collect;

/// Waits for the first success and gives its place and value; fails when all have failed.
///
/// The losers are cancelled before the result fires, and what they come to afterwards is dropped.
///
/// # Errors
///
/// [`FailureGroup`] with all failures, in their order; an empty one, at once, when there is nothing to race.
/// `Cancelled` when the result is cancelled.
///
/// # Cancel safety
///
/// Dropping the result cancels every Deferred in it that is pending.
/// Once it has fired, what it fired with is taken: an item of a queue does not go back any more.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::race;
///
/// let (slow, first) = Deferred::<&str, &str>::new();
/// let (fast, second) = Deferred::new();
/// let mut d = race([first, second, Deferred::fail("broken")]);
/// fast.callback("here").unwrap();
/// assert_eq!(d.try_take(), Some(Ok((1, "here"))));
/// assert!(slow.is_cancelled());
/// ```
#[track_caller]
pub fn race<T, E>(deferreds: impl IntoIterator<Item = Deferred<T, E>>) -> Deferred<(usize, T), FailureGroup<E>>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    join(deferreds, Race).0
}

/// Ends with the first success.
struct Race;

impl<T: Send + 'static, E: Debug + Send + 'static> Joiner<T, E> for Race {
    type Output = (usize, T);
    type Error = FailureGroup<E>;

    const REPORTS_LATE: bool = false;

    fn ends(&self, child: &Fired<'_, T, E>) -> bool {
        child.is_success()
    }

    fn fired(&self, child: Fired<'_, T, E>) -> Option<Outcome<(usize, T), FailureGroup<E>>> {
        if !child.is_success() {
            return None;
        }
        let index = child.index();
        child.take().ok().map(|value| Ok((index, value)))
    }

    fn all_fired(&self, outcomes: Outcomes<'_, T, E>) -> Outcome<(usize, T), FailureGroup<E>> {
        Err(Failure::from(FailureGroup { failures: collect(outcomes, Outcome::err) }))
    }
}

/// Waits for whichever fires first and gives its place and outcome, success or failure.
///
/// The others are cancelled before the result fires, and what they come to afterwards is dropped.
///
/// # Errors
///
/// [`NothingToJoin`], at once, when there is nothing; `Cancelled` when the result is cancelled.
///
/// # Cancel safety
///
/// Dropping the result cancels every Deferred in it that is pending.
/// Once it has fired, what it fired with is taken: an item of a queue does not go back any more.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::first_fired;
///
/// let (resolver, pending) = Deferred::<u8, &str>::new();
/// let mut d = first_fired([pending, Deferred::fail("no")]);
/// assert_eq!(d.try_take(), Some(Ok((1, Err("no".into())))));
/// assert!(resolver.is_cancelled());
/// ```
#[track_caller]
pub fn first_fired<T, E>(
    deferreds: impl IntoIterator<Item = Deferred<T, E>>,
) -> Deferred<(usize, Outcome<T, E>), NothingToJoin>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    join(deferreds, First).0
}

/// Ends with the first child.
struct First;

impl<T: Send + 'static, E: Debug + Send + 'static> Joiner<T, E> for First {
    type Output = (usize, Outcome<T, E>);
    type Error = NothingToJoin;

    const REPORTS_LATE: bool = false;

    fn ends(&self, _: &Fired<'_, T, E>) -> bool {
        true
    }

    fn fired(&self, child: Fired<'_, T, E>) -> Option<Outcome<(usize, Outcome<T, E>), NothingToJoin>> {
        Some(Ok((child.index(), child.take())))
    }

    fn all_fired(&self, _: Outcomes<'_, T, E>) -> Outcome<(usize, Outcome<T, E>), NothingToJoin> {
        Err(Failure::from(NothingToJoin))
    }
}

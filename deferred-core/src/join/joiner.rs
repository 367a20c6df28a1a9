//! What somebody who joins Deferreds says of them.

use core::fmt::Debug;

use super::{Fired, Outcomes};
use crate::failure::Outcome;

/// What becomes of the outcomes of many Deferreds.
///
/// Its methods are called on the threads that fire the children, several at once perhaps, with no lock held.
pub trait Joiner<T: Send + 'static, E: Debug + Send + 'static>: Send + Sync + 'static {
    /// The value of the parent.
    type Output: Send + 'static;
    /// The error of the parent.
    type Error: Debug + Send + 'static;

    /// Whether failures that come after the parent has fired are reported as unhandled.
    /// Those of children that were cancelled because of it never are.
    const REPORTS_LATE: bool;

    /// Tells whether the other children are cancelled when [`fired`](Self::fired) ends the parent early.
    fn cancels(&self) -> bool {
        true
    }

    /// Looks at a child that has fired.
    ///
    /// With `Some` the parent fires with it, if it has not fired yet, after the other children have been cancelled.
    fn fired(&self, child: Fired<'_, T, E>) -> Option<Outcome<Self::Output, Self::Error>> {
        let _ = child;
        None
    }

    /// Makes the outcome of the parent when all children have fired and none has ended it early.
    fn all_fired(&self, outcomes: Outcomes<'_, T, E>) -> Outcome<Self::Output, Self::Error>;
}

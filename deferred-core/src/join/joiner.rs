//! What somebody who joins Deferreds says of them.

use core::fmt::Debug;

use super::{Fired, Outcomes};
use crate::failure::Outcome;

/// What becomes of the outcomes of many Deferreds.
///
/// Its methods are called on the threads that fire the children, several at once perhaps, with no lock held.
/// With `std` a panic in [`ends`](Self::ends), [`fired`](Self::fired) or [`all_fired`](Self::all_fired) fails the parent with
/// `Panicked`, and one in [`cancels`](Self::cancels) counts as yes.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
/// use std::convert::Infallible;
///
/// /// Ends with the first that is big enough, or else with nothing.
/// struct AtLeast(u8);
///
/// impl Joiner<u8, Infallible> for AtLeast {
///     type Output = Option<u8>;
///     type Error = Infallible;
///     const REPORTS_LATE: bool = false;
///
///     fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<Option<u8>, Infallible>> {
///         child.take().ok().filter(|n| *n >= self.0).map(|n| Ok(Some(n)))
///     }
///
///     fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<Option<u8>, Infallible> {
///         Ok(None)
///     }
/// }
///
/// let (mut d, _) = join([1, 5, 3].map(Deferred::succeed), AtLeast(4));
/// assert_eq!(d.try_take(), Some(Ok(Some(5))));
/// let (mut d, _) = join([1, 2].map(Deferred::succeed), AtLeast(4));
/// assert_eq!(d.try_take(), Some(Ok(None)));
/// ```
pub trait Joiner<T: Send + 'static, E: Debug + Send + 'static>: Send + Sync + 'static {
    /// The value of the parent.
    type Output: Send + 'static;
    /// The error of the parent.
    type Error: Debug + Send + 'static;

    /// Whether failures that the joiner did not take are reported as unhandled when the parent has ended early or was
    /// cancelled, whenever they came. `Cancelled` never is.
    const REPORTS_LATE: bool;

    /// Tells whether the other children are cancelled when [`fired`](Self::fired) ends the parent early.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
    /// # use std::convert::Infallible;
    /// # struct J;
    /// # impl Joiner<u8, Infallible> for J {
    /// #     type Output = u8;
    /// #     type Error = Infallible;
    /// #     const REPORTS_LATE: bool = false;
    /// fn cancels(&self) -> bool {
    ///     false
    /// }
    ///
    /// fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<u8, Infallible>> {
    ///     Some(child.take())
    /// }
    /// #     fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<u8, Infallible> {
    /// #         Ok(0)
    /// #     }
    /// # }
    ///
    /// let (resolver, pending) = Deferred::<u8>::new();
    /// let (mut d, _) = join([pending, Deferred::succeed(5)], J);
    /// assert_eq!(d.try_take(), Some(Ok(5)));
    /// assert!(!resolver.is_cancelled(), "it runs on");
    /// ```
    fn cancels(&self) -> bool {
        true
    }

    /// Tells whether a child that has fired ends the parent early.
    ///
    /// [`fired`](Self::fired) is then called for the first such child alone, and must return `Some`: else the parent
    /// fails with `Abandoned`. What others came to at the same moment is not taken, so an item goes back to its queue.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
    /// # use std::convert::Infallible;
    /// # struct J;
    /// # impl Joiner<u8, Infallible> for J {
    /// #     type Output = u8;
    /// #     type Error = Infallible;
    /// #     const REPORTS_LATE: bool = false;
    /// fn ends(&self, child: &Fired<'_, u8, Infallible>) -> bool {
    ///     child.is_success()
    /// }
    ///
    /// fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<u8, Infallible>> {
    ///     child.is_success().then(|| child.take())
    /// }
    /// #     fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<u8, Infallible> {
    /// #         Ok(0)
    /// #     }
    /// # }
    ///
    /// let (resolver, pending) = Deferred::<u8>::new();
    /// let (mut d, _) = join([pending, Deferred::succeed(5)], J);
    /// assert_eq!(d.try_take(), Some(Ok(5)));
    /// # drop(resolver);
    /// ```
    fn ends(&self, child: &Fired<'_, T, E>) -> bool {
        let _ = child;
        false
    }

    /// Looks at a child that has fired.
    ///
    /// With `Some` the parent fires with it, if it has not fired yet, after the other children have been cancelled.
    /// What was taken from a child that is too late is lost, which [`ends`](Self::ends) prevents.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
    /// # use std::convert::Infallible;
    /// # struct J;
    /// # impl Joiner<u8, Infallible> for J {
    /// #     type Output = u8;
    /// #     type Error = Infallible;
    /// #     const REPORTS_LATE: bool = false;
    /// fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<u8, Infallible>> {
    ///     Some(child.take())
    /// }
    /// #     fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<u8, Infallible> {
    /// #         Ok(0)
    /// #     }
    /// # }
    ///
    /// let (resolver, pending) = Deferred::<u8>::new();
    /// let (mut d, _) = join([pending, Deferred::succeed(5)], J);
    /// assert_eq!(d.try_take(), Some(Ok(5)));
    /// assert!(resolver.is_cancelled());
    /// ```
    fn fired(&self, child: Fired<'_, T, E>) -> Option<Outcome<Self::Output, Self::Error>> {
        let _ = child;
        None
    }

    /// Makes the outcome of the parent when all children have fired and none has ended it early.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Deferred, Joiner, Outcome, Outcomes, join};
    /// # use std::convert::Infallible;
    /// # struct J;
    /// # impl Joiner<u8, Infallible> for J {
    /// #     type Output = u8;
    /// #     type Error = Infallible;
    /// #     const REPORTS_LATE: bool = true;
    /// fn all_fired(&self, outcomes: Outcomes<'_, u8, Infallible>) -> Outcome<u8, Infallible> {
    ///     Ok(outcomes.flatten().sum())
    /// }
    /// # }
    ///
    /// let (mut d, _) = join([1, 2, 3].map(Deferred::succeed), J);
    /// assert_eq!(d.try_take(), Some(Ok(6)));
    /// ```
    fn all_fired(&self, outcomes: Outcomes<'_, T, E>) -> Outcome<Self::Output, Self::Error>;
}

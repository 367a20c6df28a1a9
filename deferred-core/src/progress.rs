//! How far a join has come.

use core::fmt::{self, Debug};

use crate::sync::{Arc, AtomicUsize, Ordering};

/// Tells how many of the Deferreds in a join have fired.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// # use deferred_core::{Joiner, Outcome, Outcomes, join};
/// # struct Sum;
/// # impl Joiner<u8, std::convert::Infallible> for Sum {
/// #     type Output = u8;
/// #     type Error = std::convert::Infallible;
/// #     const REPORTS_LATE: bool = true;
/// #     fn all_fired(&self, outcomes: Outcomes<'_, u8, Self::Error>) -> Outcome<u8, Self::Error> {
/// #         Ok(outcomes.flatten().sum())
/// #     }
/// # }
///
/// let (resolver, pending) = Deferred::<u8>::new();
/// let (sum, progress) = join([Deferred::succeed(1), pending], Sum);
/// assert_eq!(format!("{progress:?}"), "Progress { 1 of 2 }");
/// resolver.callback(2).unwrap();
/// assert_eq!(format!("{progress:?}"), "Progress { 2 of 2 }");
/// # drop(sum);
/// ```
#[derive(Clone)]
pub struct Progress {
    /// How many have not fired; `None` when all had fired from the start.
    pub(crate) left: Option<Arc<AtomicUsize>>,
    /// How many there are.
    pub(crate) total: usize,
}

impl Progress {
    /// Returns that of a join in which all had fired from the start.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_core::Progress::complete(3).get(), (3, 3));
    /// ```
    pub fn complete(total: usize) -> Self {
        Self { left: None, total }
    }

    /// Returns how many have fired, and how many there are.
    ///
    /// One counts when the join has dealt with it, which other threads may see late. While a cancel goes over the
    /// Deferreds one less is counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// # use deferred_core::{Joiner, Outcome, Outcomes, join};
    /// # struct Sum;
    /// # impl Joiner<u8, std::convert::Infallible> for Sum {
    /// #     type Output = u8;
    /// #     type Error = std::convert::Infallible;
    /// #     const REPORTS_LATE: bool = true;
    /// #     fn all_fired(&self, outcomes: Outcomes<'_, u8, Self::Error>) -> Outcome<u8, Self::Error> {
    /// #         Ok(outcomes.flatten().sum())
    /// #     }
    /// # }
    ///
    /// let (_sum, progress) = join([Deferred::<u8>::succeed(1), Deferred::succeed(2)], Sum);
    /// assert_eq!(progress.get(), (2, 2));
    /// ```
    pub fn get(&self) -> (usize, usize) {
        let left = self.left.as_ref().map_or(0, |left| left.load(Ordering::Acquire));
        (self.total.saturating_sub(left), self.total)
    }
}

impl Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, total) = self.get();
        write!(f, "Progress {{ {done} of {total} }}")
    }
}

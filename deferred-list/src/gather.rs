//! All values, or the first failure.

use alloc::vec::Vec;
use core::fmt::Debug;

use deferred_core::{Deferred, Failure, Fired, Joiner, Outcome, Outcomes, join};

use crate::error::FirstError;
use crate::list::{collect, values};

/// Waits for the values of many Deferreds, in their order; fails as soon as one fails.
///
/// The others are cancelled then. Their failures other than `Cancelled`, also those that were there before, are reported
/// as unhandled. [`GatherOptions`] can let them run instead.
///
/// # Errors
///
/// [`FirstError`] with the first failure in time; `Cancelled` when the result is cancelled.
///
/// # Cancel safety
///
/// Dropping the result cancels every Deferred in it that is pending.
/// Once all have fired, what came is taken: an item of a queue does not go back any more.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::gather_results;
///
/// let mut d = gather_results((1..=3).map(Deferred::<i32>::succeed));
/// assert_eq!(d.try_take(), Some(Ok(vec![1, 2, 3])));
///
/// let (resolver, pending) = Deferred::<i32, &str>::new();
/// let d = gather_results([pending, Deferred::fail("no")]);
/// assert!(resolver.is_cancelled() && d.is_fired());
/// # d.wait().unwrap_err();
/// ```
#[doc(alias = "gatherResults")]
#[doc(alias = "try_join_all")]
#[track_caller]
pub fn gather_results<T, E>(deferreds: impl IntoIterator<Item = Deferred<T, E>>) -> Deferred<Vec<T>, FirstError<E>>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    GatherOptions::new().gather_results(deferreds)
}

/// What [`gather_results`] does with the others when one has failed.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::GatherOptions;
///
/// let (resolver, pending) = Deferred::<i32, &str>::new();
/// let d = GatherOptions::new().keep_running().gather_results([pending, Deferred::fail("no")]);
/// assert!(d.wait().is_err());
/// assert!(!resolver.is_cancelled(), "it runs on");
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "options do nothing until `gather_results`"]
pub struct GatherOptions {
    keep_running: bool,
}

impl GatherOptions {
    /// Makes the options of [`gather_results`]: the others are cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::GatherOptions;
    ///
    /// let (resolver, pending) = Deferred::<u8, &str>::new();
    /// let d = GatherOptions::new().gather_results([pending, Deferred::fail("no")]);
    /// assert!(d.wait().is_err() && resolver.is_cancelled());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the others run; those that fail later are reported as unhandled.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::GatherOptions;
    ///
    /// let (resolver, pending) = Deferred::<u8, &str>::new();
    /// let d = GatherOptions::new().keep_running().gather_results([pending, Deferred::fail("no")]);
    /// assert!(d.wait().is_err() && !resolver.is_cancelled());
    /// ```
    pub fn keep_running(mut self) -> Self {
        self.keep_running = true;
        self
    }

    /// As the function [`gather_results`], with these options.
    ///
    /// # Errors
    ///
    /// [`FirstError`] with the first failure in time; `Cancelled` when the result is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels every Deferred in it that is pending, whatever the options say, unless one has failed:
    /// then nothing cancels those that are kept running, and the values that came are kept until all have ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::GatherOptions;
    ///
    /// let mut d = GatherOptions::new().gather_results([1, 2].map(Deferred::<u8>::succeed));
    /// assert_eq!(d.try_take(), Some(Ok(vec![1, 2])));
    /// ```
    #[track_caller]
    pub fn gather_results<T, E>(
        self,
        deferreds: impl IntoIterator<Item = Deferred<T, E>>,
    ) -> Deferred<Vec<T>, FirstError<E>>
    where
        T: Send + 'static,
        E: Debug + Send + 'static,
    {
        match values(deferreds, |value| value, Deferred::succeed) {
            Ok(all) => Deferred::succeed(all),
            Err(deferreds) => join(deferreds, Gathering { cancels: !self.keep_running }).0,
        }
    }
}

/// Ends with the first failure.
struct Gathering {
    cancels: bool,
}

impl<T: Send + 'static, E: Debug + Send + 'static> Joiner<T, E> for Gathering {
    type Output = Vec<T>;
    type Error = FirstError<E>;

    const REPORTS_LATE: bool = true;

    fn cancels(&self) -> bool {
        self.cancels
    }

    fn ends(&self, child: &Fired<'_, T, E>) -> bool {
        !child.is_success()
    }

    fn fired(&self, child: Fired<'_, T, E>) -> Option<Outcome<Vec<T>, FirstError<E>>> {
        if child.is_success() {
            return None;
        }
        let index = child.index();
        child.take().err().map(|failure| Err(Failure::from(FirstError { index, failure })))
    }

    fn all_fired(&self, outcomes: Outcomes<'_, T, E>) -> Outcome<Vec<T>, FirstError<E>> {
        // Only successes are left: the first failure would have ended this.
        Ok(collect(outcomes, Outcome::ok))
    }
}

//! All outcomes.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::future::Future;
use core::iter::once;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use deferred_core::{Deferred, Joiner, Outcome, Outcomes, Progress, join};

/// Waits for many Deferreds and gives the outcomes of all, in their order.
///
/// The failure of one is not a failure of the list.
/// It is a future; [`into_deferred`](Self::into_deferred) makes a Deferred of it, for callbacks, timeouts and handles.
///
/// # Cancel safety
///
/// Dropping it cancels every Deferred in it that is pending.
/// Once all have fired, what came is taken: an item of a queue does not go back any more.
///
/// # Complexity
///
/// Linear in the number of Deferreds, with a fixed number of allocations beside theirs. None is polled.
///
/// # Differences from Twisted
///
/// Twisted's flags are functions here: [`race`](crate::race), [`first_fired`](crate::first_fired) and
/// [`gather_results`](crate::gather_results).
/// The list owns its Deferreds, so no failure in it is reported as unhandled.
/// Cancelled as a whole it fails with `Cancelled`, when all in it have ended.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::DeferredList;
///
/// let (resolver, pending) = Deferred::<u8>::new();
/// let mut list = DeferredList::new([pending, Deferred::succeed(2)]).into_deferred();
/// assert_eq!(list.try_take(), None);
/// resolver.callback(1).unwrap();
/// assert_eq!(list.try_take(), Some(Ok(vec![Ok(1), Ok(2)])));
/// ```
#[must_use = "dropping a list cancels what is in it"]
pub struct DeferredList<T, E: Debug = Infallible> {
    deferred: Deferred<Vec<Outcome<T, E>>>,
    progress: Progress,
}

/// Collects whatever comes.
struct Collect;

impl<T: Send + 'static, E: Debug + Send + 'static> Joiner<T, E> for Collect {
    type Output = Vec<Outcome<T, E>>;
    type Error = Infallible;

    const REPORTS_LATE: bool = false;

    fn all_fired(&self, outcomes: Outcomes<'_, T, E>) -> Outcome<Self::Output, Infallible> {
        Ok(collect(outcomes, Some))
    }
}

/// Collects the values of Deferreds when all have nothing else, so that there is nothing to join; otherwise returns the
/// Deferreds. `back` undoes what `keep` makes of a value.
pub(crate) fn values<T, E: Debug, U, I: Iterator<Item = Deferred<T, E>>>(
    deferreds: impl IntoIterator<IntoIter = I>,
    keep: fn(T) -> U,
    back: fn(U) -> Deferred<T, E>,
) -> Result<Vec<U>, impl Iterator<Item = Deferred<T, E>>> {
    let mut deferreds = deferreds.into_iter();
    let mut all = Vec::new();
    let other = 'look: loop {
        let Some(deferred) = deferreds.next() else { return Ok(all) };
        match deferred.into_value() {
            Ok(value) => {
                all.reserve(deferreds.size_hint().0.saturating_add(1));
                all.extend(once(value).map(keep));
            }
            Err(other) => break 'look other,
        }
        // As in `collect`: there is room, so what is kept is put together where it is to stay.
        while all.len() < all.capacity() {
            let Some(deferred) = deferreds.next() else { return Ok(all) };
            match deferred.into_value() {
                Ok(value) => all.push(keep(value)),
                Err(other) => break 'look other,
            }
        }
    };
    Err(all.into_iter().map(back).chain(once(other)).chain(deferreds))
}

/// Collects what is made of outcomes, in one allocation.
pub(crate) fn collect<T, E, U>(outcomes: Outcomes<'_, T, E>, mut f: impl FnMut(Outcome<T, E>) -> Option<U>) -> Vec<U>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    let mut all = Vec::with_capacity(outcomes.size_hint().1.unwrap_or(0));
    // There is room for all, and a closure that asks for it needs no way to grow: so what is kept is put together where it
    // is to stay. Reading in one piece what was just written in several would make the processor wait.
    outcomes.for_each(|outcome| {
        if all.len() < all.capacity() {
            all.extend(f(outcome));
        } else {
            debug_assert!(false, "there are no more than were announced");
        }
    });
    all
}

impl<T: Send + 'static, E: Debug + Send + 'static> DeferredList<T, E> {
    /// Makes a list of Deferreds.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::DeferredList;
    ///
    /// # futures_lite::future::block_on(async {
    /// assert_eq!(DeferredList::new((1..=3).map(Deferred::<i32>::succeed)).await, [Ok(1), Ok(2), Ok(3)]);
    /// # });
    /// ```
    #[track_caller]
    pub fn new(deferreds: impl IntoIterator<Item = Deferred<T, E>>) -> Self {
        match values(deferreds, Ok, Deferred::from_outcome) {
            Ok(all) => Self { progress: Progress::complete(all.len()), deferred: Deferred::succeed(all) },
            Err(deferreds) => {
                let (deferred, progress) = join(deferreds, Collect);
                Self { deferred, progress }
            }
        }
    }

    /// Returns a handle that tells how many have fired, for a progress bar.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::DeferredList;
    ///
    /// let list = DeferredList::new([Deferred::<u8>::succeed(1), Deferred::new().1]);
    /// assert_eq!(list.progress().get(), (2, 2), "the second was abandoned at once");
    /// # drop(list);
    /// ```
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Makes a Deferred of it.
    ///
    /// Cancelling that cancels every Deferred in the list; when all have ended it fails with `Cancelled`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it cancels every Deferred in the list that is pending.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::DeferredList;
    ///
    /// let (resolver, pending) = Deferred::<u8>::new();
    /// let mut list = DeferredList::new([pending]).into_deferred();
    /// list.handle().cancel();
    /// assert!(resolver.is_cancelled());
    /// assert!(list.try_take().unwrap().unwrap_err().is_cancelled());
    /// ```
    pub fn into_deferred(self) -> Deferred<Vec<Outcome<T, E>>> {
        self.deferred
    }
}

/// # Panics
///
/// When it is polled again after it has returned the outcomes.
impl<T: Send + 'static, E: Debug + Send + 'static> Future for DeferredList<T, E> {
    type Output = Vec<Outcome<T, E>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(Pin::new(&mut self.deferred).poll(cx)) {
            Ok(outcomes) => Poll::Ready(outcomes),
            Err(failure) => unreachable!("a list fails by a handle only, and as a future it has none: {failure:?}"),
        }
    }
}

/// Shows how many have fired.
impl<T, E: Debug> Debug for DeferredList<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeferredList").field("progress", &self.progress).field("deferred", &self.deferred).finish()
    }
}

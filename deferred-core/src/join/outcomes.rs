//! What a joiner sees of the children.

use core::fmt::{self, Debug};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;

use super::Slot;
use crate::cell::{current, read_outcome};
use crate::ending::Reports;
use crate::failure::{Failure, FailureKind, Outcome};
use crate::state::State;
use crate::unwind::catch;

/// A child that has fired; see [`Joiner::fired`](crate::Joiner::fired).
///
/// # Examples
///
/// ```
/// # use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
/// # use std::convert::Infallible;
/// # struct J;
/// # impl Joiner<u8, Infallible> for J {
/// #     type Output = String;
/// #     type Error = Infallible;
/// #     const REPORTS_LATE: bool = false;
/// fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<String, Infallible>> {
///     Some(Ok(format!("{child:?}")))
/// }
/// #     fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<String, Infallible> {
/// #         Ok(String::new())
/// #     }
/// # }
///
/// let (_resolver, pending) = Deferred::<u8>::new();
/// let (mut d, _) = join([pending, Deferred::succeed(5)], J);
/// assert_eq!(d.try_take(), Some(Ok("Fired { index: 1, success: true }".to_string())));
/// ```
pub struct Fired<'a, T, E: Debug> {
    pub(super) slot: &'a Slot<T, E>,
    pub(super) index: usize,
}

impl<T, E: Debug> Fired<'_, T, E> {
    /// Returns its place among the children.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
    /// # use std::convert::Infallible;
    /// # struct J;
    /// # impl Joiner<u8, Infallible> for J {
    /// #     type Output = usize;
    /// #     type Error = Infallible;
    /// #     const REPORTS_LATE: bool = false;
    /// fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<usize, Infallible>> {
    ///     Some(Ok(child.index()))
    /// }
    /// #     fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<usize, Infallible> {
    /// #         Ok(0)
    /// #     }
    /// # }
    ///
    /// let (_resolver, pending) = Deferred::<u8>::new();
    /// let (mut d, _) = join([pending, Deferred::succeed(5)], J);
    /// assert_eq!(d.try_take(), Some(Ok(1)));
    /// ```
    pub fn index(&self) -> usize {
        self.index
    }

    /// Tells whether it succeeded.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
    /// # use std::convert::Infallible;
    /// # struct J;
    /// # impl Joiner<u8, Infallible> for J {
    /// #     type Output = bool;
    /// #     type Error = Infallible;
    /// #     const REPORTS_LATE: bool = false;
    /// fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<bool, Infallible>> {
    ///     Some(Ok(child.is_success()))
    /// }
    /// #     fn all_fired(&self, _: Outcomes<'_, u8, Infallible>) -> Outcome<bool, Infallible> {
    /// #         Ok(true)
    /// #     }
    /// # }
    ///
    /// let (resolver, pending) = Deferred::<u8>::new();
    /// let (mut d, _) = join([pending], J);
    /// drop(resolver);
    /// assert_eq!(d.try_take(), Some(Ok(false)), "it was abandoned");
    /// ```
    pub fn is_success(&self) -> bool {
        // SAFETY: the child has fired, and until its part of `left` is given up the outcome is this thread's.
        unsafe {
            match self.slot.cell {
                Some(cell) => {
                    let s = cell.as_ref().load();
                    !s.has(State::VOID) && (*current(cell, s.has(State::RAN)).cast::<Outcome<T, E>>()).is_ok()
                }
                None => self.slot.ready.with(|ready| (*ready).is_success()),
            }
        }
    }

    /// Takes its outcome, which then is not among those of [`Joiner::all_fired`](crate::Joiner::all_fired).
    ///
    /// # Errors
    ///
    /// What the child failed with; `Cancelled` when it was cancelled before it had an outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Deferred, Fired, Joiner, Outcome, Outcomes, join};
    /// # use std::convert::Infallible;
    /// # struct J;
    /// # impl Joiner<u8, Infallible> for J {
    /// #     type Output = usize;
    /// #     type Error = Infallible;
    /// #     const REPORTS_LATE: bool = true;
    /// fn fired(&self, child: Fired<'_, u8, Infallible>) -> Option<Outcome<usize, Infallible>> {
    ///     if child.index() == 0 {
    ///         let _ = child.take();
    ///     }
    ///     None
    /// }
    ///
    /// fn all_fired(&self, outcomes: Outcomes<'_, u8, Infallible>) -> Outcome<usize, Infallible> {
    ///     Ok(outcomes.count())
    /// }
    /// # }
    ///
    /// let (mut d, _) = join([1, 2, 3].map(Deferred::succeed), J);
    /// assert_eq!(d.try_take(), Some(Ok(2)), "one was taken");
    /// ```
    pub fn take(self) -> Outcome<T, E> {
        // SAFETY: as for `is_success`; this consumes the only way to it.
        unsafe {
            let Some(cell) = self.slot.cell else {
                let outcome = self.slot.ready.with_mut(|ready| (*ready).take_ready());
                return outcome.unwrap_or_else(|| Err(Failure::new(FailureKind::Abandoned)));
            };
            self.slot.taken.with_mut(|taken| *taken = true);
            read_outcome(cell)
        }
    }
}

impl<T, E: Debug> Debug for Fired<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fired").field("index", &self.index).field("success", &self.is_success()).finish()
    }
}

/// The outcomes of all children that were not taken, in order; see [`Joiner::all_fired`](crate::Joiner::all_fired).
///
/// # Examples
///
/// ```
/// # use deferred_core::{Deferred, Joiner, Outcome, Outcomes, join};
/// # use std::convert::Infallible;
/// # struct J;
/// # impl Joiner<u8, Infallible> for J {
/// #     type Output = Vec<u8>;
/// #     type Error = Infallible;
/// #     const REPORTS_LATE: bool = true;
/// fn all_fired(&self, outcomes: Outcomes<'_, u8, Infallible>) -> Outcome<Vec<u8>, Infallible> {
///     outcomes.map(|outcome| outcome.map(|n| 2 * n)).collect()
/// }
/// # }
///
/// let (mut d, _) = join([1, 2, 3].map(Deferred::succeed), J);
/// assert_eq!(d.try_take(), Some(Ok(vec![2, 4, 6])));
/// ```
pub struct Outcomes<'a, T: Send + 'static, E: Debug + Send + 'static> {
    /// Those not moved out yet; this owns them.
    pub(super) slots: core::slice::Iter<'a, Slot<T, E>>,
    /// Slots are owned by one thread.
    pub(super) lives: PhantomData<*const ()>,
}

impl<T: Send + 'static, E: Debug + Send + 'static> Outcomes<'_, T, E> {
    /// Ends all that are left; what was granted goes back to where it came from.
    pub(super) fn abandon(self, reports: Reports) {
        let slots = ManuallyDrop::new(self).slots.clone();
        for slot in slots {
            // A hook of one's primitive may panic, which costs the others nothing.
            // SAFETY: the iterator owned the slots that are left.
            let _ = catch(|| unsafe { slot.abandon(reports) });
        }
    }
}

impl<T: Send + 'static, E: Debug + Send + 'static> Iterator for Outcomes<'_, T, E> {
    type Item = Outcome<T, E>;

    fn next(&mut self) -> Option<Outcome<T, E>> {
        // SAFETY: the iterator owns the slots that are left, and gives each out once.
        self.slots.by_ref().find_map(|slot| unsafe { slot.end() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Those that were taken are still counted.
        (0, Some(self.slots.len()))
    }

    /// Values go to `f` apart from failures, so that none is put together in memory with them before.
    #[inline]
    fn fold<B, F: FnMut(B, Outcome<T, E>) -> B>(mut self, init: B, mut f: F) -> B {
        let mut all = init;
        for slot in self.slots.by_ref() {
            // SAFETY: the iterator owns the slots that are left, and gives each out once.
            match unsafe { slot.end() } {
                Some(Ok(value)) => all = f(all, Ok(value)),
                Some(failure) => all = f(all, failure),
                None => {}
            }
        }
        all
    }
}

impl<T: Send + 'static, E: Debug + Send + 'static> Drop for Outcomes<'_, T, E> {
    fn drop(&mut self) {
        for slot in self.slots.by_ref() {
            // SAFETY: the iterator owns the slots that are left.
            unsafe { slot.abandon(Reports::None) }
        }
    }
}

impl<T: Send + 'static, E: Debug + Send + 'static> Debug for Outcomes<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").field("left", &self.slots.len()).finish()
    }
}

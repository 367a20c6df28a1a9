//! Deferreds and futures, in both directions.

use core::fmt::{self, Debug};
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::future::FusedFuture;
use pin_project_lite::pin_project;

use crate::attach::{IntoDeferred, call};
use crate::cell::{take_any, take_value};
use crate::deferred::Deferred;
use crate::failure::{Failure, FailureKind, Outcome};
use crate::postpone::drop_value;
use crate::repr::Repr;
use crate::resolver::Resolver;
use crate::unwind::catch;

/// Waits for the result: fired, all callbacks run, not paused.
///
/// Dropping it cancels, see [`Deferred`]. Polling a result that is there costs no wake-up, and a waker that is the same
/// from poll to poll is stored once.
///
/// # Panics
///
/// When polled again after it returned the result.
impl<T, E: Debug> Future for Deferred<T, E> {
    type Output = Outcome<T, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Each way returns by itself, so that no result is put together in memory twice.
        match self.repr() {
            Repr::Ready(Ok(value)) => {
                // SAFETY: it is written over before anything else can look at it.
                let value = unsafe { core::ptr::read(value) };
                self.set_taken();
                Poll::Ready(Ok(value))
            }
            Repr::Cell(cell) => {
                // SAFETY: a Deferred is the consumer of its cell, and its type is that of the outcome.
                unsafe {
                    // Seen in one look: finished, or which waker is set.
                    let s = cell.as_ref().load();
                    if !s.is_takeable() && cell.as_ref().register(s, cx.waker()) {
                        return Poll::Pending;
                    }
                    self.set_taken();
                    match take_value::<T, E>(cell) {
                        Some(value) => Poll::Ready(Ok(value)),
                        None => Poll::Ready(take_any(cell)),
                    }
                }
            }
            _ => match self.take_ready() {
                Some(outcome) => Poll::Ready(outcome),
                None => polled_again(),
            },
        }
    }
}

/// The end of a poll for which there is no result any more.
#[cold]
#[track_caller]
fn polled_again() -> ! {
    panic!("a Deferred was polled after it returned its result")
}

impl<T, E: Debug> FusedFuture for Deferred<T, E> {
    fn is_terminated(&self) -> bool {
        matches!(self.repr(), Repr::Taken)
    }
}

impl<T, E: Debug> Deferred<T, E> {
    /// Makes a Deferred of a future, and a driver to be spawned on any executor.
    ///
    /// The future's output may be an [`Outcome`] or a plain `Result<T, E>`.
    /// The driver polls it and fires the Deferred with what it returns; a panic in it becomes `Panicked` (with `std`).
    /// Cancelling or dropping the Deferred wakes the driver, which then drops the future.
    /// Dropping the driver fails the Deferred with `Abandoned`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred drops the future, when the driver is polled next; dropping the driver does so at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (d, driver) = Deferred::<u8, String>::from_future(async { Ok::<_, String>(7) });
    /// std::thread::spawn(move || futures_lite::future::block_on(driver));
    /// assert_eq!(d.wait(), Ok(7));
    /// ```
    #[track_caller]
    pub fn from_future<F, X>(future: F) -> (Self, Driver<F, T, E>)
    where
        F: Future<Output = Result<T, X>>,
        X: Into<Failure<E>>,
    {
        let (resolver, deferred) = Self::new();
        (deferred, Driver { future: Some(future), resolver: Some(resolver) })
    }
}

pin_project! {
    /// Polls the future of [`Deferred::from_future`] and fires the Deferred. Spawn it on any executor.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future and fails the Deferred with `Abandoned`.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    ///
    /// let (mut d, driver) = Deferred::<u8, String>::from_future(async { Ok::<_, String>(7) });
    /// futures_lite::future::block_on(driver);
    /// assert_eq!(d.try_take(), Some(Ok(7)));
    /// ```
    #[must_use = "the future runs only when its driver is polled"]
    pub struct Driver<F, T, E: Debug> {
        // Until it has finished or was cancelled.
        #[pin]
        future: Option<F>,
        // As long as there is a future.
        resolver: Option<Resolver<T, E>>,
    }
}

impl<F, T, E, X> Future for Driver<F, T, E>
where
    F: Future<Output = Result<T, X>>,
    E: Debug,
    X: Into<Failure<E>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let (Some(future), Some(resolver)) = (this.future.as_mut().as_pin_mut(), this.resolver.as_mut()) else {
            return Poll::Ready(());
        };
        let outcome = if Pin::new(&mut resolver.cancelled()).poll(cx).is_ready() {
            None
        } else {
            match catch(|| future.poll(cx).map_err(Into::into)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(outcome)) => Some(outcome),
                Err(panic) => Some(Err(Failure::new(FailureKind::Panicked(panic)))),
            }
        };
        // The future goes first, so that what it holds is free when the callbacks run.
        let _ = catch(|| this.future.set(None));
        if let (Some(resolver), Some(outcome)) = (this.resolver.take(), outcome) {
            if let Err(unwanted) = resolver.fire(outcome) {
                drop_value(unwanted);
            }
        }
        Poll::Ready(())
    }
}

impl<F, T, E: Debug> Debug for Driver<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("resolver", &self.resolver).finish_non_exhaustive()
    }
}

/// Runs `f` and returns a Deferred of what comes of it: what it returns, or a failure if it panics (with `std`).
///
/// # Cancel safety
///
/// Dropping the result cancels the Deferred that `f` returned, if that is pending.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, maybe_deferred};
///
/// let mut d: Deferred<u8> = maybe_deferred(|| Ok(1));
/// assert_eq!(d.try_take(), Some(Ok(1)));
/// let mut d: Deferred<u8> = maybe_deferred(|| Deferred::succeed(2));
/// assert_eq!(d.try_take(), Some(Ok(2)));
/// ```
#[doc(alias = "maybeDeferred")]
#[doc(alias = "execute")]
#[track_caller]
pub fn maybe_deferred<R, E>(f: impl FnOnce() -> R) -> Deferred<R::Value, E>
where
    R: IntoDeferred<E>,
    E: Debug,
{
    call(f, Location::caller())
}

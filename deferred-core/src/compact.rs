//! A Deferred in one word.

use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::cell::Header;
use crate::deferred::Deferred;

/// A [`Deferred`] in one word, for the rare ways of a primitive.
///
/// A Deferred that is ready holds its result, so it is several words, and what is several words is returned in memory.
/// A primitive whose short way is inlined and gives a ready Deferred should have its long way, which is a function of
/// its own and gives a pending one, return this: then the short way stays in registers.
/// Making one of a ready Deferred allocates.
///
/// # Cancel safety
///
/// Dropping it cancels, as dropping the Deferred does.
///
/// # Examples
///
/// ```
/// use deferred_core::{Compact, Deferred, WaitQueue};
///
/// #[inline(never)]
/// fn wait(queue: &WaitQueue<u8>) -> Compact<u8> {
///     queue.push(()).into()
/// }
///
/// let queue = WaitQueue::new(());
/// let mut d = Deferred::from(wait(&queue));
/// queue.pop().unwrap().callback(5).unwrap();
/// assert_eq!(d.try_take(), Some(Ok(5)));
/// ```
#[must_use = "dropping a pending Deferred cancels it"]
pub struct Compact<T, E: Debug = Infallible> {
    /// The consumer's side of a cell.
    cell: NonNull<Header>,
    types: PhantomData<Deferred<T, E>>,
}

// SAFETY: it is a Deferred.
unsafe impl<T: Send, E: Debug + Send> Send for Compact<T, E> {}
// SAFETY: it is a Deferred.
unsafe impl<T: Send, E: Debug + Send> Sync for Compact<T, E> {}

impl<T, E: Debug> Unpin for Compact<T, E> {}

// As for the Deferred.
impl<T: UnwindSafe, E: Debug + UnwindSafe> UnwindSafe for Compact<T, E> {}
impl<T: UnwindSafe, E: Debug + UnwindSafe> RefUnwindSafe for Compact<T, E> {}

impl<T, E: Debug> From<Deferred<T, E>> for Compact<T, E> {
    /// Makes it smaller.
    ///
    /// # Panics
    ///
    /// When the result was taken.
    #[inline(always)]
    #[track_caller]
    fn from(deferred: Deferred<T, E>) -> Self {
        // Not by `unwrap_or_else`, which would pass for the caller.
        let cell = match deferred.into_cell() {
            Ok(cell) => cell,
            Err(ready) => make_cell(ready),
        };
        Self { cell, types: PhantomData }
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn make_cell<T, E: Debug>(mut ready: Deferred<T, E>) -> NonNull<Header> {
    let Some(cell) = ready.cell() else { panic!("there is no result any more: it was taken") };
    core::mem::forget(ready);
    cell
}

impl<T, E: Debug> From<Compact<T, E>> for Deferred<T, E> {
    #[inline(always)]
    fn from(compact: Compact<T, E>) -> Self {
        Self::from_cell(ManuallyDrop::new(compact).cell)
    }
}

impl<T, E: Debug> Drop for Compact<T, E> {
    fn drop(&mut self) {
        drop(Deferred::<T, E>::from_cell(self.cell));
    }
}

/// Shows the Deferred.
impl<T, E: Debug> Debug for Compact<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Deferred::fmt(&ManuallyDrop::new(Deferred::<T, E>::from_cell(self.cell)), f)
    }
}

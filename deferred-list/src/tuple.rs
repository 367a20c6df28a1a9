//! Deferreds of different types.

use core::convert::Infallible;
use core::fmt::Debug;

use deferred_core::{Deferred, Failure, FailureKind, Primitive, WaitQueue};

use crate::error::FirstError;
use crate::gather::gather_results;

/// Waits for the values of a few Deferreds of different types; implemented for tuples of 1 to 8.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::Gather;
///
/// let (resolver, name) = Deferred::<&str, &str>::new();
/// let mut all = (Deferred::succeed(1), name, Deferred::succeed(2.5)).gather();
/// resolver.callback("one").unwrap();
/// assert_eq!(all.try_take(), Some(Ok((1, "one", 2.5))));
/// ```
pub trait Gather {
    /// The values, as a tuple.
    type Values;
    /// The error that the Deferreds share.
    type Error: Debug;

    /// Waits for all values; fails as soon as one fails, and cancels the others, as
    /// [`gather_results`](crate::gather_results) does.
    ///
    /// # Errors
    ///
    /// [`FirstError`] with the first failure in time; `Cancelled` when the result is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the result cancels every Deferred in it that is pending. As with a callback, what one of them has come
    /// to is taken: an item of a queue does not go back when another one fails.
    ///
    /// # Panics
    ///
    /// When the result of one of them was taken before.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_list::Gather;
    ///
    /// let mut both = (Deferred::<u8>::succeed(1), Deferred::succeed("one")).gather();
    /// assert_eq!(both.try_take(), Some(Ok((1, "one"))));
    /// ```
    fn gather(self) -> Deferred<Self::Values, FirstError<Self::Error>>;
}

/// The values that are there so far.
struct Values<V>(V);

impl<V: Send + 'static> Primitive<()> for Values<V> {
    type Request = ();
    type Guarded = ();
}

macro_rules! gather {
    ($($T:ident $place:tt),+) => {
        impl<Error, $($T),+> Gather for ($(Deferred<$T, Error>,)+)
        where
            Error: Debug + Send + 'static,
            $($T: Send + 'static),+
        {
            type Values = ($($T,)+);
            type Error = Error;

            #[track_caller]
            fn gather(self) -> Deferred<Self::Values, FirstError<Error>> {
                let values = WaitQueue::<(), Infallible, _>::new(Values(($(None::<$T>,)+)));
                let children = [$({
                    let values = values.clone();
                    self.$place.add_callback(move |value| {
                        values.lock().0.$place = Some(value);
                        Ok(())
                    })
                }),+];
                gather_results(children).add_callback(move |_| {
                    let mut locked = values.lock();
                    match ($(locked.0.$place.take(),)+) {
                        ($(Some($T),)+) => Ok(($($T,)+)),
                        // Every child has succeeded, so every value is there.
                        _ => Err(Failure::new(FailureKind::Abandoned)),
                    }
                })
            }
        }
    };
}

#[allow(non_snake_case)] // The types' names serve for the values, too.
mod tuples {
    use super::*;

    gather!(A 0);
    gather!(A 0, B 1);
    gather!(A 0, B 1, C 2);
    gather!(A 0, B 1, C 2, D 3);
    gather!(A 0, B 1, C 2, D 3, E 4);
    gather!(A 0, B 1, C 2, D 3, E 4, F 5);
    gather!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    gather!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}

//! Why a join failed.

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use deferred_core::Failure;

/// The first failure among Deferreds that all had to succeed.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, FailureKind};
/// use deferred_list::gather_results;
///
/// let d = gather_results([Deferred::<u8, &str>::succeed(1), Deferred::fail("no")]);
/// let Err(FailureKind::Error(first)) = d.wait().map_err(|failure| failure.into_kind()) else { panic!() };
/// assert_eq!((first.index, first.failure.kind()), (1, FailureKind::Error(&"no")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstError<E> {
    /// The place of the Deferred that failed.
    pub index: usize,
    /// What it failed with.
    pub failure: Failure<E>,
}

impl<E: fmt::Display> fmt::Display for FirstError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "number {} failed: {}", self.index, self.failure)
    }
}

impl<E: Error + 'static> Error for FirstError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.failure)
    }
}

/// The failures of Deferreds of which one had to succeed, in their order.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, FailureKind};
/// use deferred_list::race;
///
/// let d = race([Deferred::<u8, &str>::fail("a"), Deferred::fail("b")]);
/// let Err(FailureKind::Error(group)) = d.wait().map_err(|failure| failure.into_kind()) else { panic!() };
/// assert_eq!(group.failures, ["a".into(), "b".into()]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup<E> {
    /// One for each Deferred; empty when there was none.
    pub failures: Vec<Failure<E>>,
}

impl<E: fmt::Display> fmt::Display for FailureGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.failures {
            [] => f.write_str("there was nothing to race"),
            [only] => write!(f, "the only one failed: {only}"),
            [first, rest @ ..] => write!(f, "all {} failed, the first with: {first}", rest.len() + 1),
        }
    }
}

impl<E: Error + 'static> Error for FailureGroup<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failures.first().map(|failure| failure as _)
    }
}

/// There was no Deferred of which one could have been the first.
///
/// # Examples
///
/// ```
/// use deferred_core::Deferred;
/// use deferred_list::first_fired;
///
/// let mut d = first_fired(Vec::<Deferred<u8>>::new());
/// assert_eq!(d.try_take().unwrap().unwrap_err().to_string(), "there was nothing that could fire first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NothingToJoin;

impl fmt::Display for NothingToJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there was nothing that could fire first")
    }
}

impl Error for NothingToJoin {}

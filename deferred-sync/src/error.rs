//! What a semaphore refuses.

use core::error::Error;
use core::fmt;

use crate::semaphore::DeferredSemaphore;

/// A limit was more than [`DeferredSemaphore::MAX_PERMITS`].
///
/// # Examples
///
/// ```
/// use deferred_sync::DeferredSemaphore;
///
/// let overflow = DeferredSemaphore::new(1).set_limit(usize::MAX).unwrap_err();
/// assert!(overflow.to_string().starts_with("a semaphore cannot have"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitOverflow {
    /// What was asked for.
    pub(crate) limit: usize,
}

impl fmt::Display for LimitOverflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, max) = (self.limit, DeferredSemaphore::MAX_PERMITS);
        write!(f, "a semaphore cannot have {limit} permits, the most are {max}")
    }
}

impl Error for LimitOverflow {}

//! What a semaphore grants.

use core::fmt::{self, Debug};
use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::semaphore::{DeferredSemaphore, PermitUnits};

/// Some permits of a [`DeferredSemaphore`]. Dropping it releases them.
///
/// It is `'static`, so it can go along with the work, to another task or thread.
///
/// # Examples
///
/// ```
/// use deferred_sync::DeferredSemaphore;
///
/// let semaphore = DeferredSemaphore::new(1);
/// let permit = semaphore.try_acquire().unwrap();
/// std::thread::spawn(move || drop(permit)).join().unwrap();
/// assert_eq!(semaphore.available(), 1);
/// ```
#[must_use = "dropping a permit releases it"]
pub struct Permit {
    /// As many units of the semaphore's queue as this has permits.
    units: PermitUnits,
}

impl Permit {
    #[inline]
    pub(crate) fn new(units: PermitUnits) -> Self {
        Self { units }
    }

    /// Releases it, as dropping it does.
    ///
    /// A waiter that is granted it runs its callbacks before this returns, unless this is called from inside such a
    /// callback: then it comes next.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(1);
    /// semaphore.try_acquire().unwrap().release();
    /// assert_eq!(semaphore.available(), 1);
    /// ```
    pub fn release(self) {}

    /// Takes its permits out of the semaphore for good: the limit is lower by them afterwards, down to 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(3);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert_eq!((semaphore.available(), semaphore.limit()), (2, 2));
    /// ```
    pub fn forget(mut self) {
        let n = self.units.count();
        let _ = self.units.forget(n);
        DeferredSemaphore::forgotten(self.units.queue(), n);
    }

    /// Returns how many permits it holds.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_sync::DeferredSemaphore::new(3).try_acquire_many(2).unwrap().count(), 2);
    /// ```
    pub fn count(&self) -> usize {
        self.units.count()
    }

    /// Takes `n` permits out into one of their own; `None`, changing nothing, if it holds fewer.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(3);
    /// let mut three = semaphore.try_acquire_many(3).unwrap();
    /// assert!(three.split(4).is_none());
    /// drop(three.split(1));
    /// assert_eq!((three.count(), semaphore.available()), (2, 1));
    /// ```
    #[must_use = "dropping the result releases it"]
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.units.split(n).map(Self::new)
    }

    /// Adds the permits of another one of the same semaphore.
    ///
    /// # Errors
    ///
    /// `other`, unchanged, when it is of another semaphore.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(3);
    /// let mut permit = semaphore.try_acquire().unwrap();
    /// permit.merge(semaphore.try_acquire().unwrap()).unwrap();
    /// assert_eq!(permit.count(), 2);
    /// let other = DeferredSemaphore::new(1).try_acquire().unwrap();
    /// assert!(permit.merge(other).is_err());
    /// ```
    pub fn merge(&mut self, other: Self) -> Result<(), Self> {
        self.units.merge(other.units).map_err(Self::new)
    }

    /// Returns a handle of its semaphore.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let permit = DeferredSemaphore::new(3).try_acquire().unwrap();
    /// assert_eq!(permit.semaphore().limit(), 3);
    /// ```
    pub fn semaphore(&self) -> DeferredSemaphore {
        DeferredSemaphore::from_queue(self.units.queue().clone())
    }
}

// As its semaphore.
impl UnwindSafe for Permit {}
impl RefUnwindSafe for Permit {}

/// Shows how many permits it holds.
impl Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("count", &self.count()).finish_non_exhaustive()
    }
}

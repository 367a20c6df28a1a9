//! What a lock grants.

use core::fmt::{self, Debug};
use core::ops::{Deref, DerefMut};

use crate::lock::{DeferredLock, GuardUnits};

/// The right to use the value of a [`DeferredLock`]. Dropping it releases the lock.
///
/// It is `'static`, so it can go along with the work, to another task or thread.
///
/// # Examples
///
/// ```
/// use deferred_sync::DeferredLock;
///
/// let lock = DeferredLock::new(1);
/// let mut guard = lock.try_acquire().unwrap();
/// *guard += 1;
/// std::thread::spawn(move || drop(guard)).join().unwrap();
/// assert_eq!(lock.into_inner().unwrap(), 2);
/// ```
#[must_use = "dropping a guard releases the lock"]
pub struct LockGuard<T: Send + 'static> {
    /// The one unit of the lock's queue.
    unit: GuardUnits<T>,
}

impl<T: Send + 'static> LockGuard<T> {
    #[inline]
    pub(crate) fn new(unit: GuardUnits<T>) -> Self {
        Self { unit }
    }

    /// Returns a handle of its lock. An associated function, as a method would hide one of the value's.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::{DeferredLock, LockGuard};
    ///
    /// let guard = DeferredLock::new(1).try_acquire().unwrap();
    /// assert!(LockGuard::lock(&guard).is_locked());
    /// ```
    pub fn lock(guard: &Self) -> DeferredLock<T> {
        DeferredLock::from_queue(guard.unit.queue().clone())
    }

    /// Makes a guard of a part of the value.
    ///
    /// The two functions name the same part, once to read and once to write.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::{DeferredLock, LockGuard};
    ///
    /// let lock = DeferredLock::new((1, "one"));
    /// let mut number = LockGuard::map(lock.try_acquire().unwrap(), |pair| &pair.0, |pair| &mut pair.0);
    /// *number += 1;
    /// drop(number);
    /// assert_eq!(lock.into_inner().unwrap(), (2, "one"));
    /// ```
    pub fn map<U: ?Sized>(guard: Self, get: fn(&T) -> &U, get_mut: fn(&mut T) -> &mut U) -> MappedGuard<T, U> {
        MappedGuard { guard, get, get_mut }
    }
}

impl<T: Send + 'static> Deref for LockGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.unit.guarded()
    }
}

impl<T: Send + 'static> DerefMut for LockGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.unit.guarded_mut()
    }
}

impl<T: Send + Debug + 'static> Debug for LockGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Send + fmt::Display + 'static> fmt::Display for LockGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to use a part of the value of a [`DeferredLock`]; see [`LockGuard::map`]. Dropping it releases the lock.
///
/// # Examples
///
/// ```
/// use deferred_sync::{DeferredLock, LockGuard};
///
/// let lock = DeferredLock::new(vec![1, 2]);
/// let slice = LockGuard::map(lock.try_acquire().unwrap(), |v| &v[..1], |v| &mut v[..1]);
/// assert_eq!(*slice, [1]);
/// ```
#[must_use = "dropping a guard releases the lock"]
pub struct MappedGuard<T: Send + 'static, U: ?Sized> {
    /// Keeps the lock.
    guard: LockGuard<T>,
    /// Names the part to read it.
    get: fn(&T) -> &U,
    /// Names the same part to write it.
    get_mut: fn(&mut T) -> &mut U,
}

impl<T: Send + 'static, U: ?Sized> Deref for MappedGuard<T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        (self.get)(&self.guard)
    }
}

impl<T: Send + 'static, U: ?Sized> DerefMut for MappedGuard<T, U> {
    fn deref_mut(&mut self) -> &mut U {
        (self.get_mut)(&mut self.guard)
    }
}

impl<T: Send + 'static, U: Debug + ?Sized> Debug for MappedGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

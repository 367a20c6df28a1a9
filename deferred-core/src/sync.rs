//! The one place that names atomics, cells, locks and `Arc`.
//!
//! Three sets of them exist: loom's under `--cfg loom`, portable-atomic's with that feature, and core's otherwise.
//! Everything else in the crate takes them from here, so a model sees what a release runs.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

#[cfg(all(not(loom), feature = "portable-atomic"))]
pub(crate) use portable_atomic::{AtomicPtr, AtomicUsize, Ordering};

#[cfg(all(not(loom), not(feature = "portable-atomic")))]
pub(crate) use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

#[cfg(feature = "portable-atomic")]
pub(crate) use portable_atomic_util::Arc;

#[cfg(not(feature = "portable-atomic"))]
pub(crate) use alloc::sync::Arc;

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// `core::cell::UnsafeCell` with loom's interface, so that a model can follow each access.
#[cfg(not(loom))]
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    #[inline(always)]
    pub(crate) const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }

    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Stands for data that a model follows although it lies in raw memory; nothing outside of models.
pub(crate) struct Track {
    #[cfg(loom)]
    cell: UnsafeCell<()>,
}

impl Track {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(loom)]
            cell: UnsafeCell::new(()),
        }
    }

    /// Says that the data is read or written now, by the only thread that may.
    #[inline(always)]
    pub(crate) fn touch(&self) {
        #[cfg(loom)]
        self.cell.with_mut(|_| ());
    }
}

/// Declares a variable of each thread, of a model's threads in a model.
#[cfg(any(loom, feature = "std"))]
macro_rules! local {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        #[cfg(loom)]
        loom::thread_local! { $($(#[$attribute])* static $name: $type = $value;)* }
        #[cfg(not(loom))]
        std::thread_local! { $($(#[$attribute])* static $name: $type = const { $value };)* }
    };
}
#[cfg(any(loom, feature = "std"))]
pub(crate) use local;

pub(crate) use lock::{Lock, LockGuard};

#[cfg(loom)]
mod lock {
    /// A mutex that cannot be poisoned: no foreign code runs while it is held.
    #[derive(Debug)]
    pub(crate) struct Lock<T>(loom::sync::Mutex<T>);

    pub(crate) use loom::sync::MutexGuard as LockGuard;

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> LockGuard<'_, T> {
            self.0.lock().unwrap()
        }

        pub(crate) fn try_lock(&self) -> Option<LockGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

#[cfg(all(not(loom), feature = "std"))]
mod lock {
    pub(crate) use std::sync::MutexGuard as LockGuard;
    use std::sync::{Mutex, PoisonError, TryLockError};

    /// A mutex that cannot be poisoned: no foreign code runs while it is held.
    #[derive(Debug)]
    pub(crate) struct Lock<T>(Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }

        #[inline]
        pub(crate) fn lock(&self) -> LockGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn try_lock(&self) -> Option<LockGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        }
    }
}

#[cfg(all(not(loom), not(feature = "std")))]
mod lock {
    use core::ops::{Deref, DerefMut};

    use super::{AtomicUsize, Ordering, UnsafeCell};

    /// A lock for short sections of our own code.
    ///
    /// With `critical-section` it also keeps interrupts out while it is held, so an interrupt never finds it taken.
    /// Without, it spins: use it from threads, not from an interrupt of a thread that may hold it.
    #[derive(Debug)]
    pub(crate) struct Lock<T> {
        /// 1 while a guard exists.
        taken: AtomicUsize,
        /// Touched only through the guard.
        value: UnsafeCell<T>,
    }

    // SAFETY: the guard gives out one `&mut T` at a time, on whichever thread holds it, so `T: Send` is enough.
    unsafe impl<T: Send> Sync for Lock<T> {}

    pub(crate) struct LockGuard<'a, T> {
        lock: &'a Lock<T>,
        #[cfg(feature = "critical-section")]
        interrupts: critical_section::RestoreState,
    }

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self { taken: AtomicUsize::new(0), value: UnsafeCell::new(value) }
        }

        pub(crate) fn try_lock(&self) -> Option<LockGuard<'_, T>> {
            // SAFETY: released below, or once, by the guard's drop.
            #[cfg(feature = "critical-section")]
            let interrupts = unsafe { critical_section::acquire() };
            if self.taken.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Some(LockGuard {
                    lock: self,
                    #[cfg(feature = "critical-section")]
                    interrupts,
                });
            }
            // SAFETY: this is the token from above.
            #[cfg(feature = "critical-section")]
            unsafe {
                critical_section::release(interrupts);
            }
            None
        }

        pub(crate) fn lock(&self) -> LockGuard<'_, T> {
            // SAFETY: released once, by the guard's drop.
            // Guards live for one section of our own code and sections do not overlap, so the releases nest.
            #[cfg(feature = "critical-section")]
            let interrupts = unsafe { critical_section::acquire() };
            while self.taken.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
                core::hint::spin_loop();
            }
            LockGuard {
                lock: self,
                #[cfg(feature = "critical-section")]
                interrupts,
            }
        }
    }

    impl<T> Deref for LockGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: `taken` is 1 and this guard is the one that set it.
            self.lock.value.with(|value| unsafe { &*value })
        }
    }

    impl<T> DerefMut for LockGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: `taken` is 1 and this guard, borrowed mutably, is the one that set it.
            self.lock.value.with_mut(|value| unsafe { &mut *value })
        }
    }

    impl<T> Drop for LockGuard<'_, T> {
        fn drop(&mut self) {
            self.lock.taken.store(0, Ordering::Release);
            // SAFETY: this is the token of the `acquire` in `lock`, given back once.
            #[cfg(feature = "critical-section")]
            unsafe {
                critical_section::release(self.interrupts);
            }
        }
    }
}

//! The one place that names atomics, cells, locks and `Arc`, for whatever a model covers.
//!
//! Four sets of them exist: loom's under `--cfg loom`, shuttle's under `--cfg shuttle`, portable-atomic's with that
//! feature, and core's otherwise.
//! What may meet another thread takes them from here, so a model sees what a release runs. Blocking waits, `ThreadClock`
//! and the hook for failures are left out of models and take the standard library's.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

#[cfg(shuttle)]
pub(crate) use shuttle::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

#[cfg(all(not(any(loom, shuttle)), feature = "portable-atomic"))]
pub(crate) use portable_atomic::{AtomicPtr, AtomicUsize, Ordering};

#[cfg(all(not(any(loom, shuttle)), not(feature = "portable-atomic")))]
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

/// Returns another number each time. Nothing else hangs on it, so models need not follow it.
pub(crate) fn number() -> usize {
    #[cfg(not(feature = "portable-atomic"))]
    use core::sync::atomic::{AtomicUsize, Ordering};
    #[cfg(feature = "portable-atomic")]
    use portable_atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
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

/// Lies in what has to be freed, so that a model can count what is there; nothing outside of models.
pub(crate) struct Live(());

#[cfg(any(loom, shuttle))]
std::thread_local! {
    /// Of the model that runs on this thread, with all of its own threads.
    static LIVE: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// Returns how many cells and queues there are, in the model that runs.
#[cfg(any(loom, shuttle))]
pub fn live() -> usize {
    LIVE.get()
}

impl Live {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        #[cfg(any(loom, shuttle))]
        LIVE.set(LIVE.get() + 1);
        Self(())
    }
}

#[cfg(any(loom, shuttle))]
impl Drop for Live {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
    }
}

/// Declares a variable of each thread, of a model's threads in a model.
#[cfg(any(loom, feature = "std"))]
macro_rules! local {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;)*) => {
        #[cfg(loom)]
        loom::thread_local! { $($(#[$attribute])* static $name: $type = $value;)* }
        #[cfg(shuttle)]
        shuttle::thread_local! { $($(#[$attribute])* static $name: $type = $value;)* }
        #[cfg(not(any(loom, shuttle)))]
        std::thread_local! { $($(#[$attribute])* static $name: $type = const { $value };)* }
    };
}
#[cfg(any(loom, feature = "std"))]
pub(crate) use local;

#[cfg(not(loom))]
pub(crate) use crate::lock::{Lock, LockGuard};
#[cfg(loom)]
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

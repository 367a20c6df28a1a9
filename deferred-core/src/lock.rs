//! A lock for short sections of our own code, in which nothing waits and nothing foreign runs.
//!
//! It is taken by one exchange and released by one store, where a mutex of the operating system takes two locked
//! operations; sections are a few dozen instructions, so there is nearly never anything to wait for.
//! Whoever finds it taken spins a little, then lets other threads run, then sleeps: the holder may have been interrupted.
//!
//! The release is the last that its holder does with the memory of the lock, so whoever locks it next may free it.
//!
//! With `critical-section` and without `std` it also keeps interrupts out while it is held, so an interrupt never finds
//! it taken. With neither, use it from threads, not from an interrupt of a thread that may hold it.

use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::sync::{AtomicUsize, Ordering, UnsafeCell};

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
    _interrupts: interrupts::Off,
    /// Stays on the thread, and with it the interrupts that are off.
    thread: PhantomData<*const ()>,
}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { taken: AtomicUsize::new(0), value: UnsafeCell::new(value) }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        let interrupts = interrupts::Off::new();
        let free = self.taken.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Not `then_some`: a guard that is made and dropped would free the lock of whoever holds it.
        let free = free || cfg!(canary = "open_lock");
        free.then(|| LockGuard { lock: self, _interrupts: interrupts, thread: PhantomData })
    }

    #[inline]
    pub(crate) fn lock(&self) -> LockGuard<'_, T> {
        match self.try_lock() {
            Some(guard) => guard,
            None => self.lock_taken(),
        }
    }

    #[cold]
    fn lock_taken(&self) -> LockGuard<'_, T> {
        let mut tries = 0;
        loop {
            relax(tries);
            tries += 1;
            // Looking is cheaper than trying while it is taken.
            if self.taken.load(Ordering::Relaxed) == 0 {
                if let Some(guard) = self.try_lock() {
                    return guard;
                }
            }
        }
    }
}

/// Passes the time after a number of tries in vain.
#[cfg(all(feature = "std", not(shuttle)))]
fn relax(tries: u32) {
    match tries {
        // Longer each time: whoever has the lock's cache line may do several things with it before it goes to another core.
        0..7 => (0..1 << tries).for_each(|_| core::hint::spin_loop()),
        7..71 => std::thread::yield_now(),
        // The holder may have a lower priority than whoever yields to it.
        _ => std::thread::sleep(core::time::Duration::from_micros(50)),
    }
}

/// In a model the holder goes on only when somebody lets it.
#[cfg(shuttle)]
fn relax(_: u32) {
    shuttle::thread::yield_now();
}

#[cfg(all(not(feature = "std"), not(shuttle)))]
fn relax(_: u32) {
    core::hint::spin_loop();
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `taken` is 1 and this guard is the one that set it.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `taken` is 1 and this guard, borrowed mutably, is the one that set it.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.taken.store(0, if cfg!(canary = "relaxed_unlock") { Ordering::Relaxed } else { Ordering::Release });
    }
}

#[cfg(all(feature = "critical-section", not(feature = "std")))]
mod interrupts {
    use critical_section::RestoreState;

    use crate::sync::UnsafeCell;

    /// Interrupts are off while one of these exists.
    ///
    /// Sections have to nest, and guards need not be dropped in the reverse order of their making: all of them share one
    /// section, from the first one's making to the last one's drop.
    pub(super) struct Off(());

    struct Section {
        /// How many guards share it.
        guards: usize,
        /// What ends it, while there are guards.
        end: RestoreState,
    }

    struct Shared(UnsafeCell<Section>);

    // SAFETY: touched inside a critical section only.
    unsafe impl Sync for Shared {}

    static SHARED: Shared = Shared(UnsafeCell::new(Section { guards: 0, end: RestoreState::invalid() }));

    impl Off {
        pub(super) fn new() -> Self {
            // SAFETY: released right here when there is a section around it, else by the last guard.
            let token = unsafe { critical_section::acquire() };
            SHARED.0.with_mut(|section| {
                // SAFETY: `acquire` began a section, and nothing foreign is called in here.
                let section = unsafe { &mut *section };
                if section.guards == 0 {
                    section.end = token;
                } else {
                    // SAFETY: acquired just now, inside the section of the guards that there are.
                    unsafe { critical_section::release(token) };
                }
                section.guards += 1;
            });
            Self(())
        }
    }

    impl Drop for Off {
        fn drop(&mut self) {
            let end = SHARED.0.with_mut(|section| {
                // SAFETY: this guard keeps the section.
                let section = unsafe { &mut *section };
                section.guards -= 1;
                (section.guards == 0).then_some(section.end)
            });
            if let Some(end) = end {
                // SAFETY: this is the token of the `acquire` that began the section, given back once.
                unsafe { critical_section::release(end) }
            }
        }
    }
}

#[cfg(not(all(feature = "critical-section", not(feature = "std"))))]
mod interrupts {
    /// Without critical sections there is nothing to do.
    pub(super) struct Off;

    impl Off {
        #[inline(always)]
        pub(super) fn new() -> Self {
            Self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_in_vain_does_not_free_the_lock() {
        let lock = Lock::new(());
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        assert!(lock.try_lock().is_none());
        drop(guard);
        assert!(lock.try_lock().is_some());
    }
}

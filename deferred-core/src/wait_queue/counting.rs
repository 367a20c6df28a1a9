//! The units that a queue counts.

use core::fmt::Debug;

use super::shared::Core;
use super::word::Word;
use super::{Primitive, Units, WaitQueue};

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E, Guarded = ()>> WaitQueue<T, E, P> {
    /// Makes an empty queue with `units` free units; `None` when they are more than [`MAX_UNITS`](Self::MAX_UNITS).
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// assert_eq!(queue.free_units(), 3);
    /// assert!(WaitQueue::<u8>::with_units((), usize::MAX).is_none());
    /// ```
    pub fn with_units(primitive: P, units: usize) -> Option<Self> {
        (units <= Word::MAX_UNITS).then(|| Self { core: Core::new(primitive, units, ()) })
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> WaitQueue<T, E, P> {
    /// The most units that a queue can have: 2³¹ − 1 on 64-bit targets, 2¹⁵ − 1 on 32-bit ones.
    pub const MAX_UNITS: usize = Word::MAX_UNITS;

    /// Takes `n` free units, if there are so many and nobody waits. Does not lock, unless `n` is 0.
    ///
    /// So it must not be called with 0 while the caller has the queue locked.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// let units = queue.try_take(2).unwrap();
    /// assert!(queue.try_take(2).is_none());
    /// # drop(units);
    /// ```
    #[inline]
    pub fn try_take(&self, n: usize) -> Option<Units<T, E, P>> {
        let queued = if cfg!(canary = "newcomer_overtakes") { 0 } else { Word::LISTED };
        let free = |w: Word| if w.has(queued | Word::SLOW) { None } else { w.take(n) };
        if self.core().update(free).is_none() {
            return if n == 0 { self.try_take_none() } else { None };
        }
        // SAFETY: the update moved a handle and the units from the word to us.
        Some(unsafe { Units::from_core(self.core, n) })
    }

    /// Whoever takes none may do so where no unit is free, and there the word does not tell whether somebody waits.
    #[cold]
    fn try_take_none(&self) -> Option<Units<T, E, P>> {
        let locked = self.lock();
        if locked.is_empty() && !self.core().load().has(Word::SLOW) { self.take_units(0) } else { None }
    }

    #[inline]
    pub(super) fn take_units(&self, n: usize) -> Option<Units<T, E, P>> {
        self.core().update(|w| w.take(n))?;
        // SAFETY: the update moved a handle and the units from the word to us.
        Some(unsafe { Units::from_core(self.core, n) })
    }

    /// Makes units free that were taken from this queue; the lock may be held.
    #[inline]
    pub(super) fn put_back(&self, mut units: Units<T, E, P>) {
        self.add_back(if cfg!(canary = "lost_permit") { 0 } else { units.take_count() });
        // Not the last handle: whoever holds the lock has another, or handed it on with units, which cannot go before the lock
        // is released or leave a spare one. So nothing more happens than a count going down.
        units.drop_handle();
    }

    #[inline]
    pub(super) fn add_back(&self, n: usize) {
        if n > 0 {
            let added = self.core().update(|w| w.add_units(n));
            debug_assert!(added.is_some(), "a queue never has more units than fit");
        }
    }

    /// Returns how many units are free.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_core::WaitQueue::<u8>::with_units((), 3).unwrap().free_units(), 3);
    /// ```
    #[inline]
    pub fn free_units(&self) -> usize {
        self.core().load().units()
    }
}

//! Units of a primitive, held by somebody.

use core::fmt::{self, Debug};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::returned::give_back;
use super::shared::Core;
use super::word::Word;
use super::{Primitive, WaitQueue};

/// Some of the units that a [`WaitQueue`] counts, with a handle of it. Dropping it gives them back.
///
/// A semaphore's permit and a lock's guard are made of this.
/// Taking it and giving it back costs one locked operation each while nobody waits; the first that comes back after
/// somebody has waited takes the lock besides.
///
/// # Examples
///
/// ```
/// use deferred_core::WaitQueue;
///
/// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
/// let units = queue.try_take(2).unwrap();
/// assert_eq!(queue.free_units(), 1);
/// drop(units);
/// assert_eq!(queue.free_units(), 3);
/// ```
pub struct Units<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    queue: ManuallyDrop<WaitQueue<T, E, P>>,
    n: usize,
}

// SAFETY: units move a handle, and with it the right to the guarded value, to another thread.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, P: Primitive<T, E>> Send for Units<T, E, P> where
    P::Guarded: Send
{
}
// SAFETY: shared units give out `&Guarded`.
unsafe impl<T: Send + 'static, E: Debug + Send + 'static, P: Primitive<T, E>> Sync for Units<T, E, P> where
    P::Guarded: Send + Sync
{
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Units<T, E, P> {
    /// # Safety
    ///
    /// The caller must own a handle and `n` units, which the result takes over.
    #[inline]
    pub(super) unsafe fn from_core(core: NonNull<Core<T, E, P>>, n: usize) -> Self {
        // SAFETY: as promised.
        Self { queue: ManuallyDrop::new(unsafe { WaitQueue::from_core(core) }), n }
    }

    /// Returns the queue that counts them.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// let units = queue.try_take(2).unwrap();
    /// assert!(units.queue().is_same(&queue));
    /// ```
    #[inline]
    pub fn queue(&self) -> &WaitQueue<T, E, P> {
        &self.queue
    }

    /// Returns how many they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// assert_eq!(queue.try_take(2).unwrap().count(), 2);
    /// ```
    #[inline]
    pub fn count(&self) -> usize {
        self.n
    }

    /// Takes `n` of them out; `None` if there are fewer than that.
    ///
    /// # Panics
    ///
    /// With too many handles of the queue, see [`WaitQueue::clone`].
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// let mut units = queue.try_take(3).unwrap();
    /// let one = units.split(1).unwrap();
    /// assert_eq!((units.count(), one.count()), (2, 1));
    /// assert!(units.split(3).is_none());
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self> {
        if n > self.n {
            return None;
        }
        let queue = self.queue().clone();
        self.n -= n;
        Some(Self { queue: ManuallyDrop::new(queue), n })
    }

    /// Adds those of `other`.
    ///
    /// # Errors
    ///
    /// `other`, unchanged, when it is of another queue.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// let mut units = queue.try_take(2).unwrap();
    /// units.merge(queue.try_take(1).unwrap()).unwrap();
    /// assert_eq!(units.count(), 3);
    /// ```
    pub fn merge(&mut self, mut other: Self) -> Result<(), Self> {
        if self.queue().is_same(other.queue()) {
            // One queue never has more units than fit.
            self.n += core::mem::take(&mut other.n);
            Ok(())
        } else {
            Err(other)
        }
    }

    /// Makes `n` of them cease to exist; `None`, changing nothing, if there are fewer than that.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// let mut units = queue.try_take(2).unwrap();
    /// assert_eq!(units.forget(1), Some(()));
    /// assert_eq!(units.forget(2), None);
    /// drop(units);
    /// assert_eq!(queue.free_units(), 2);
    /// ```
    pub fn forget(&mut self, n: usize) -> Option<()> {
        self.n = self.n.checked_sub(n)?;
        Some(())
    }

    /// Returns the guarded value of an exclusive queue.
    ///
    /// # Panics
    ///
    /// When no unit is held.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    /// # struct Locking;
    /// # impl deferred_core::Primitive<()> for Locking {
    /// #     type Request = ();
    /// #     type Guarded = String;
    /// # }
    ///
    /// let queue = WaitQueue::<(), std::convert::Infallible, _>::exclusive(Locking, "value".to_string());
    /// let unit = queue.try_take(1).unwrap();
    /// assert_eq!(unit.guarded(), "value");
    /// ```
    #[inline]
    #[track_caller]
    pub fn guarded(&self) -> &P::Guarded {
        assert!(self.n > 0, "these units are empty");
        // SAFETY: a queue whose guarded value is of interest has one unit, which is here.
        self.queue.core().guarded.with(|value| unsafe { &*value })
    }

    /// Returns the guarded value of an exclusive queue.
    ///
    /// # Panics
    ///
    /// When no unit is held.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    /// # struct Locking;
    /// # impl deferred_core::Primitive<()> for Locking {
    /// #     type Request = ();
    /// #     type Guarded = String;
    /// # }
    ///
    /// let queue = WaitQueue::<(), std::convert::Infallible, _>::exclusive(Locking, "value".to_string());
    /// let mut unit = queue.try_take(1).unwrap();
    /// unit.guarded_mut().push('s');
    /// drop(unit);
    /// assert_eq!(queue.into_guarded().ok(), Some("values".to_string()));
    /// ```
    #[inline]
    #[track_caller]
    pub fn guarded_mut(&mut self) -> &mut P::Guarded {
        assert!(self.n > 0, "these units are empty");
        // SAFETY: as for `guarded`, and this borrows the unit mutably.
        self.queue.core().guarded.with_mut(|value| unsafe { &mut *value })
    }

    /// Takes the count out, to be free again; the handle stays.
    #[inline]
    pub(super) fn take_count(&mut self) -> usize {
        core::mem::take(&mut self.n)
    }

    /// Gives the handle up, without the units, which must have been taken out.
    pub(super) fn drop_handle(self) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: moved out once, as `this` is not dropped.
        drop(unsafe { ManuallyDrop::take(&mut this.queue) });
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Drop for Units<T, E, P> {
    #[inline]
    fn drop(&mut self) {
        let core = self.queue.core_ptr();
        // SAFETY: the handle keeps the core until the exchange, or until `release`.
        unsafe {
            let this = core.as_ref();
            let mut w = this.load();
            while !w.has(Word::LISTED | Word::SLOW) {
                let Some(more) = w.add_units(self.n) else { break };
                let left = more.drop_handle();
                match this.exchange(w, left) {
                    Ok(()) if left.handles() == 0 => return Core::free(core),
                    Ok(()) => return,
                    Err(now) => w = now,
                }
            }
            give_back(ManuallyDrop::take(&mut self.queue), self.n);
        }
    }
}

/// Shows how many they are.
impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Units<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Units").field("count", &self.n).finish_non_exhaustive()
    }
}

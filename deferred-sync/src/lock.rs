//! Mutual exclusion around a value.

use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::marker::PhantomData;

use deferred_core::{Compact, Deferred, Grants, Locked, Primitive, Returned, Units, WaitQueue};

use crate::guard::LockGuard;

type Queue<T> = WaitQueue<LockGuard<T>, Infallible, State<T>>;
pub(crate) type GuardUnits<T> = Units<LockGuard<T>, Infallible, State<T>>;

/// A value that one at a time may use, the others wait in line. `T` may be `()`.
///
/// It is a handle: clones share one lock.
/// A guard counts as one, so whoever waits when the last clone goes is still served.
///
/// There is no poisoning. When a callback or a task panics while it holds the guard, the guard's drop releases the lock,
/// and the next one sees the value as the panic left it.
///
/// # Fairness
///
/// Strict first in, first out; [`try_acquire`](Self::try_acquire) never goes ahead of a waiter.
/// It follows that a granted Deferred which is kept and never polled keeps the lock; drop it to pass it on.
///
/// # Complexity
///
/// Every operation takes constant time, whatever waits.
/// As long as nobody waits, acquiring and releasing take one locked operation each and allocate nothing; the first release
/// after somebody has waited takes a lock besides.
///
/// # Panics
///
/// Clones and the guard count as handles, of which a lock may have 2³⁰ − 1 on 64-bit targets and 2¹⁴ − 1 on 32-bit ones:
/// [`try_acquire`](Self::try_acquire) finds nothing then, and whatever else would make one more panics.
///
/// # Differences from Twisted
///
/// It holds a value, and a guard that releases on drop, so releasing what one does not hold cannot be written.
///
/// # Examples
///
/// ```
/// use deferred_sync::DeferredLock;
///
/// let lock = DeferredLock::new(vec![1]);
/// let mut guard = lock.try_acquire().unwrap();
/// let mut waiter = lock.run(|values| values.len());
/// guard.push(2);
/// drop(guard);
/// assert_eq!(waiter.try_take(), Some(Ok(2)));
/// ```
pub struct DeferredLock<T: Send + 'static> {
    /// Its one unit is the right to use the value.
    queue: Queue<T>,
}

/// A lock has no state beside its queue, whose one unit is the right to use the value.
pub(crate) struct State<T>(PhantomData<fn() -> T>);

impl<T: Send + 'static> Primitive<LockGuard<T>> for State<T> {
    type Request = ();
    type Guarded = T;

    #[inline]
    fn returned(
        locked: &mut Locked<'_, LockGuard<T>, Infallible, Self>,
        returned: &mut Returned<LockGuard<T>, Infallible, Self>,
        _: &mut Grants<LockGuard<T>, Infallible, Self>,
    ) {
        returned.hand_on(locked, |()| true, LockGuard::new);
    }
}

/// The end of an acquire of a lock that has become free meanwhile.
#[cold]
fn grant_now<T: Send + 'static>(
    mut locked: Locked<'_, LockGuard<T>, Infallible, State<T>>,
    waiter: Compact<LockGuard<T>>,
) -> Compact<LockGuard<T>> {
    let granted = locked.pop_with_units(|()| 1);
    drop(locked);
    if let Some((turn, (), unit)) = granted {
        turn.grant(Ok(LockGuard::new(unit)));
    }
    waiter
}

impl<T: Send + 'static> DeferredLock<T> {
    /// Makes a lock around `value`, free.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!deferred_sync::DeferredLock::new(1).is_locked());
    /// ```
    pub fn new(value: T) -> Self {
        Self { queue: WaitQueue::exclusive(State(PhantomData), value) }
    }

    /// Acquires the lock.
    ///
    /// # Errors
    ///
    /// `Cancelled` when the Deferred is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred gives up the place in the queue, or the lock if it was granted.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredLock;
    ///
    /// # futures_lite::future::block_on(async {
    /// let lock = DeferredLock::new(1);
    /// *lock.acquire().await.unwrap() += 1;
    /// assert_eq!(*lock.acquire().await.unwrap(), 2);
    /// # });
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire(&self) -> Deferred<LockGuard<T>> {
        match self.queue.try_take(1) {
            Some(unit) => Deferred::succeed(LockGuard::new(unit)),
            None => self.acquire_slow().into(),
        }
    }

    #[inline(never)]
    #[track_caller]
    fn acquire_slow(&self) -> Compact<LockGuard<T>> {
        let mut locked = self.queue.lock();
        let waiter = locked.push(()).into();
        // It may have come back before there was a waiter to see.
        if locked.free_units() > 0 { grant_now(locked, waiter) } else { waiter }
    }

    /// Acquires the lock if it is free and nobody waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredLock;
    ///
    /// let lock = DeferredLock::new(1);
    /// let guard = lock.try_acquire().unwrap();
    /// assert!(lock.try_acquire().is_none());
    /// # drop(guard);
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Option<LockGuard<T>> {
        self.queue.try_take(1).map(LockGuard::new)
    }

    /// Acquires the lock, runs `f` with the value, releases the lock, and gives what `f` returned.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire), and `Panicked` when `f` panics (with `std`).
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred before `f` runs gives up the place in the queue, and `f` never runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredLock;
    ///
    /// let lock = DeferredLock::new(1);
    /// let mut d = lock.run(|n| { *n += 1; *n });
    /// assert_eq!(d.try_take(), Some(Ok(2)));
    /// ```
    #[track_caller]
    pub fn run<F, R>(&self, f: F) -> Deferred<R>
    where
        F: FnOnce(&mut T) -> R + Send + 'static,
        R: Send + 'static,
    {
        self.acquire().add_callback(move |mut guard| Ok(f(&mut guard)))
    }

    /// Tells whether somebody holds it. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredLock;
    ///
    /// let lock = DeferredLock::new(());
    /// let guard = lock.try_acquire();
    /// assert!(lock.is_locked());
    /// # drop(guard);
    /// ```
    pub fn is_locked(&self) -> bool {
        self.queue.free_units() == 0
    }

    /// Returns how many wait. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_sync::DeferredLock::new(()).waiting(), 0);
    /// ```
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Returns the value, without locking, if this is the only handle and there is no guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredLock;
    ///
    /// let mut lock = DeferredLock::new(1);
    /// *lock.get_mut().unwrap() += 1;
    /// let other = lock.clone();
    /// assert!(lock.get_mut().is_none());
    /// # drop(other);
    /// ```
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.queue.guarded_mut()
    }

    /// Returns the value, if this is the only handle and there is no guard.
    ///
    /// # Errors
    ///
    /// The lock, when there are other handles or a guard.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredLock;
    ///
    /// let lock = DeferredLock::new(1);
    /// let other = lock.clone();
    /// let lock = lock.into_inner().unwrap_err();
    /// drop(other);
    /// assert_eq!(lock.into_inner().unwrap(), 1);
    /// ```
    pub fn into_inner(self) -> Result<T, Self> {
        self.queue.into_guarded().map_err(|queue| Self { queue })
    }

    pub(crate) fn from_queue(queue: Queue<T>) -> Self {
        Self { queue }
    }
}

impl<T: Send + 'static> Clone for DeferredLock<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T: Send + Default + 'static> Default for DeferredLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Send + 'static> From<T> for DeferredLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Shows whether it is held and how many wait, not the value; never blocks.
impl<T: Send + 'static> Debug for DeferredLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("DeferredLock");
        f.field("locked", &self.is_locked());
        // What is written to may call in, so the queue is not locked then.
        let waiting = self.queue.try_lock().map(|locked| locked.len());
        if let Some(waiting) = waiting {
            f.field("waiting", &waiting);
        }
        f.finish_non_exhaustive()
    }
}

//! A counting semaphore.

use core::convert::Infallible;
use core::fmt::{self, Debug};
use core::panic::{RefUnwindSafe, UnwindSafe};

use deferred_core::{
    Compact, Deferred, Failure, FailureKind, Grants, IntoDeferred, Locked, Primitive, Returned, Units, WaitQueue,
    maybe_deferred,
};

use crate::error::LimitOverflow;
use crate::permit::Permit;

pub(crate) type PermitUnits = Units<Permit, Infallible, State>;
type Queue = WaitQueue<Permit, Infallible, State>;
type LockedQueue<'a> = Locked<'a, Permit, Infallible, State>;
type PermitsBack = Returned<Permit, Infallible, State>;
type PermitGrants = Grants<Permit, Infallible, State>;

/// A counting semaphore: at most so many at once, the others wait in line.
///
/// It is a handle: clones share one semaphore.
/// When the last handle and the last permit have gone, whoever still waits fails with `Closed`.
///
/// # Fairness
///
/// Strict first in, first out. [`try_acquire`](Self::try_acquire) never goes ahead of a waiter, a large request is not
/// overtaken by small ones behind it, and a permit that was granted is not taken back by a newcomer.
/// It follows that a granted Deferred which is kept and never polled keeps its permit; drop it to pass it on.
///
/// # Complexity
///
/// Every operation takes constant time, whatever waits; those that grant several, and `close`, take it for each.
/// As long as nobody waits, acquiring and releasing take one locked operation each and allocate nothing; the first release
/// after somebody has waited takes a lock besides.
///
/// # Panics
///
/// Clones and permits count as handles, of which a semaphore may have 2³⁰ − 1 on 64-bit targets and 2¹⁴ − 1 on
/// 32-bit ones:
/// [`try_acquire`](Self::try_acquire) finds nothing then, and whatever else would make one more panics.
///
/// # Differences from Twisted
///
/// A permit releases itself on drop, so releasing twice cannot be written.
/// Cancelling or dropping an acquire that was granted and not taken passes the permit on.
/// A waiter may ask for several permits, the limit may change, and the semaphore may be closed.
///
/// # Examples
///
/// ```
/// use deferred_sync::DeferredSemaphore;
///
/// # futures_lite::future::block_on(async {
/// let semaphore = DeferredSemaphore::new(2);
/// let permit = semaphore.acquire().await?;
/// assert_eq!(semaphore.available(), 1);
/// drop(permit);
/// assert_eq!(semaphore.available(), 2);
/// # Ok::<_, deferred_core::Failure<std::convert::Infallible>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct DeferredSemaphore {
    /// Its units are the free permits.
    queue: Queue,
}

/// What the lock of the queue protects. Permits that are held, plus those free, are `limit + debt`.
pub(crate) struct State {
    /// How many permits there are when the debt is paid.
    limit: usize,
    /// How many permits must still come back before a lowered limit is reached. Not zero: the queue is `slow`.
    debt: usize,
    /// Set once, and then the queue is `slow` for good.
    closed: bool,
}

impl Primitive<Permit> for State {
    /// How many permits.
    type Request = usize;
    type Guarded = ();

    /// Those behind a large request may want less.
    const WITHDRAWALS: bool = true;

    fn withdrawn(queue: &Queue) {
        let mut grants = Grants::new();
        settle(&mut queue.lock(), &mut grants);
        grants.deliver();
    }

    #[inline]
    fn returned(locked: &mut LockedQueue<'_>, returned: &mut PermitsBack, grants: &mut PermitGrants) {
        let paid = locked.debt.min(returned.count());
        if paid > 0 {
            let _ = returned.forget(paid);
            locked.debt -= paid;
            locked.update_slow();
        }
        let count = returned.count();
        // The most common case by far: exactly what the next in line wants.
        if !returned.hand_on(locked, |wanted| *wanted == count, Permit::new) {
            locked.absorb(returned);
        }
        settle(locked, grants);
    }
}

/// Grants free permits to those in front.
#[inline]
fn settle(locked: &mut LockedQueue<'_>, grants: &mut PermitGrants) {
    while let Some((turn, _, units)) = locked.pop_with_units(|wanted| *wanted) {
        grants.push(turn, Ok(Permit::new(units)));
    }
}

/// The end of an acquire that may be granted something at once.
#[cold]
fn settle_now(mut locked: LockedQueue<'_>, waiter: Compact<Permit>) -> Compact<Permit> {
    let mut grants = Grants::new();
    settle(&mut locked, &mut grants);
    drop(locked);
    grants.deliver();
    waiter
}

/// Keeps the queue's `slow` in step with the state.
trait UpdateSlow {
    fn update_slow(&mut self);
}

impl UpdateSlow for LockedQueue<'_> {
    fn update_slow(&mut self) {
        let slow = self.closed || self.debt > 0;
        self.set_slow(slow);
    }
}

impl DeferredSemaphore {
    /// The most permits that a semaphore can have: 2³¹ − 1 on 64-bit targets, 2¹⁵ − 1 on 32-bit ones.
    pub const MAX_PERMITS: usize = Queue::MAX_UNITS;

    /// Makes a semaphore with `limit` permits, all free.
    ///
    /// With 0 everybody waits until [`set_limit`](Self::set_limit).
    ///
    /// # Panics
    ///
    /// When `limit` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_sync::DeferredSemaphore::new(3).available(), 3);
    /// ```
    #[track_caller]
    pub fn new(limit: usize) -> Self {
        let state = State { limit, debt: 0, closed: false };
        let queue = WaitQueue::with_units(state, limit);
        Self { queue: queue.expect("a semaphore's limit must not be more than MAX_PERMITS") }
    }

    /// Acquires one permit.
    ///
    /// # Errors
    ///
    /// `Closed` when the semaphore is or gets closed, or when its last handle and permit go; `Cancelled` when the Deferred
    /// is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred gives up the place in the queue, or the permit if it was granted.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(1);
    /// let mut d = semaphore.acquire();
    /// let permit = d.try_take().unwrap().unwrap();
    /// assert_eq!(permit.count(), 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire(&self) -> Deferred<Permit> {
        self.acquire_many(1)
    }

    /// Acquires `n` permits at once.
    ///
    /// A request for more than the limit waits until the limit is raised; nobody overtakes it.
    /// A request for 0 waits its turn, too.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// As for [`acquire`](Self::acquire). When it stood in front, those behind it that now can go on are granted.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(3);
    /// let one = semaphore.try_acquire().unwrap();
    /// let mut three = semaphore.acquire_many(3);
    /// assert!(semaphore.try_acquire().is_none(), "a newcomer does not overtake");
    /// drop(one);
    /// assert_eq!(three.try_take().unwrap().unwrap().count(), 3);
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire_many(&self, n: usize) -> Deferred<Permit> {
        match self.queue.try_take(n) {
            Some(units) => Deferred::succeed(Permit::new(units)),
            None => self.acquire_slow(n).into(),
        }
    }

    #[inline(never)]
    #[track_caller]
    fn acquire_slow(&self, n: usize) -> Compact<Permit> {
        let mut locked = self.queue.lock();
        if locked.closed {
            drop(locked);
            return Deferred::fail(Failure::new(FailureKind::Closed)).into();
        }
        let waiter = locked.push(n).into();
        // Permits may have come back before there was a waiter to see, or be there without the fast path knowing.
        if n <= locked.free_units() { settle_now(locked, waiter) } else { waiter }
    }

    /// Acquires one permit if it is free and nobody waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert!(semaphore.try_acquire().is_none());
    /// # drop(permit);
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit> {
        self.try_acquire_many(1)
    }

    /// Acquires `n` permits if they are free and nobody waits; `None` as well when the semaphore is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(2);
    /// assert!(semaphore.try_acquire_many(3).is_none());
    /// assert_eq!(semaphore.try_acquire_many(2).unwrap().count(), 2);
    /// ```
    #[inline]
    pub fn try_acquire_many(&self, n: usize) -> Option<Permit> {
        if n == 0 { self.try_acquire_none() } else { self.queue.try_take(n).map(Permit::new) }
    }

    /// None at all are to be had where none is free, and while a lowered limit is not reached: only the lock tells whether
    /// somebody waits then.
    #[cold]
    fn try_acquire_none(&self) -> Option<Permit> {
        let mut locked = self.queue.lock();
        if locked.closed || !locked.is_empty() { None } else { locked.take(0).map(Permit::new) }
    }

    /// Acquires a permit, runs `f`, and releases the permit when what `f` returned has come to an end, whatever end:
    /// success, failure, cancel, or panic. Callbacks that are attached to the result run after that.
    ///
    /// # Errors
    ///
    /// Those of `f`, `Panicked` when it panics (with `std`), and those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// Dropping the Deferred before `f` runs gives up the place in the queue, and `f` never runs.
    /// Afterwards it cancels the Deferred that `f` returned; the permit is released when that has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::Deferred;
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(1);
    /// let (resolver, work) = Deferred::<u8, String>::new();
    /// let first = semaphore.run(move || work);
    /// let mut second = semaphore.run(|| Ok::<_, deferred_core::Failure<String>>(2));
    /// assert!(second.try_take().is_none(), "the first one still works");
    /// resolver.errback("broken".to_string()).unwrap();
    /// assert_eq!(second.try_take(), Some(Ok(2)));
    /// assert!(first.wait().is_err());
    /// ```
    #[track_caller]
    pub fn run<F, R, E>(&self, f: F) -> Deferred<R::Value, E>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoDeferred<E>,
        R::Value: Send + 'static,
        E: Debug + Send + 'static,
    {
        self.acquire().widen::<E>().add_callback(move |permit| {
            maybe_deferred(f).add_both(move |outcome| {
                drop(permit);
                outcome
            })
        })
    }

    /// Changes how many permits there are, free and held together.
    ///
    /// Raising it grants waiters at once. Lowering it takes free permits away, and the rest as they come back.
    ///
    /// # Errors
    ///
    /// When `limit` is more than [`MAX_PERMITS`](Self::MAX_PERMITS); nothing changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(2);
    /// let both = semaphore.try_acquire_many(2).unwrap();
    /// semaphore.set_limit(1).unwrap();
    /// drop(both);
    /// assert_eq!(semaphore.available(), 1);
    /// assert!(semaphore.set_limit(usize::MAX).is_err());
    /// assert_eq!(semaphore.limit(), 1);
    /// ```
    pub fn set_limit(&self, limit: usize) -> Result<(), LimitOverflow> {
        if limit > Self::MAX_PERMITS {
            return Err(LimitOverflow { limit });
        }
        let mut grants = Grants::new();
        let mut locked = self.queue.lock();
        let old = core::mem::replace(&mut locked.limit, limit);
        if let Some(more) = limit.checked_sub(old) {
            let paid = locked.debt.min(more);
            locked.debt -= paid;
            // Held permits and free ones are the limit and the debt together, and only without debt are some added: they fit.
            let added = locked.add_units(more - paid);
            debug_assert!(added.is_some());
        } else {
            let less = old - limit;
            // From now on permits come back by way of the lock, so none slips past the debt.
            locked.set_slow(true);
            let removed = locked.remove_units(less);
            locked.debt += less - removed;
        }
        locked.update_slow();
        settle(&mut locked, &mut grants);
        drop(locked);
        grants.deliver();
        Ok(())
    }

    /// Returns how many permits there are, free and held together.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_sync::DeferredSemaphore::new(3).limit(), 3);
    /// ```
    pub fn limit(&self) -> usize {
        self.queue.lock().limit
    }

    /// Returns how many permits are free. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(deferred_sync::DeferredSemaphore::new(3).available(), 3);
    /// ```
    pub fn available(&self) -> usize {
        self.queue.free_units()
    }

    /// Returns how many wait. Another thread may change that at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(0);
    /// let waiter = semaphore.acquire();
    /// assert_eq!(semaphore.waiting(), 1);
    /// # drop(waiter);
    /// ```
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Closes it for good: whoever waits fails with `Closed`, and so does every later acquire.
    ///
    /// Permits that are held stay valid and are released as usual.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_sync::DeferredSemaphore;
    ///
    /// let semaphore = DeferredSemaphore::new(0);
    /// let mut waiter = semaphore.acquire();
    /// semaphore.close();
    /// assert!(waiter.try_take().unwrap().unwrap_err().is_closed());
    /// assert!(semaphore.acquire().wait().unwrap_err().is_closed());
    /// ```
    #[track_caller]
    pub fn close(&self) {
        let mut grants = Grants::new();
        let mut locked = self.queue.lock();
        locked.closed = true;
        locked.update_slow();
        locked.fail_all(&mut grants);
        drop(locked);
        grants.deliver();
    }

    /// Tells whether it was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!deferred_sync::DeferredSemaphore::new(1).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }

    pub(crate) fn from_queue(queue: Queue) -> Self {
        Self { queue }
    }

    /// Notes that `n` permits have ceased to exist.
    pub(crate) fn forgotten(queue: &Queue, n: usize) {
        let mut locked = queue.lock();
        let lower = n.min(locked.limit);
        locked.limit -= lower;
        locked.debt -= n - lower;
        locked.update_slow();
    }
}

// A panic leaves no half-made change in it: what is the user's runs with no lock held.
impl UnwindSafe for DeferredSemaphore {}
impl RefUnwindSafe for DeferredSemaphore {}

/// Shows free and held permits, limit, waiters, and whether it is closed; never blocks.
impl Debug for DeferredSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("DeferredSemaphore");
        let available = self.available();
        f.field("available", &available);
        let Some(locked) = self.queue.try_lock() else { return f.finish_non_exhaustive() };
        let (limit, debt, waiting, closed) = (locked.limit, locked.debt, locked.len(), locked.closed);
        // What is written to may call in.
        drop(locked);
        // Permits come and go without the lock, so this is right only when nothing else happens.
        let held = (limit + debt).saturating_sub(available);
        f.field("held", &held).field("limit", &limit).field("waiting", &waiting).field("closed", &closed).finish()
    }
}

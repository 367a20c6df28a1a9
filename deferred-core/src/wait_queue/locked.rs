//! A queue whose lock is held.

use core::fmt::{self, Debug};
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::task::Waker;

use super::list::set_home;
use super::shared::{Inner, Keeper};
use super::word::Word;
use super::{Grants, Primitive, Returned, Turn, Units, WaitQueue};
use crate::deferred::Deferred;
use crate::sync::LockGuard;

/// What [`Locked::pop_with_units`] returns.
type TurnWithUnits<T, E, P> = (Turn<T, E, P>, <P as Primitive<T, E>>::Request, Units<T, E, P>);

/// A queue whose lock is held; see [`WaitQueue::lock`]. It derefs to the state of the primitive.
///
/// # Examples
///
/// ```
/// use deferred_core::{Primitive, WaitQueue};
/// use std::convert::Infallible;
///
/// #[derive(Default)]
/// struct Visitors {
///     seen: u32,
/// }
///
/// impl Primitive<u8> for Visitors {
///     type Request = ();
///     type Guarded = ();
/// }
///
/// let queue: WaitQueue<u8, Infallible, Visitors> = WaitQueue::default();
/// let mut locked = queue.lock();
/// locked.seen += 1;
/// let visitor = locked.push(());
/// assert_eq!((locked.seen, locked.len()), (1, 1));
/// drop(locked);
/// # drop(visitor);
/// ```
pub struct Locked<'a, T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    pub(super) queue: &'a WaitQueue<T, E, P>,
    pub(super) inner: LockGuard<'a, Inner<T, E, P>>,
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Locked<'_, T, E, P> {
    /// Adds a waiter at the back.
    ///
    /// # Panics
    ///
    /// If nobody waits, with too many handles of the queue, see [`WaitQueue::clone`].
    ///
    /// # Cancel safety
    ///
    /// Dropping or cancelling the Deferred takes it out of the queue, in constant time. While the lock is held either would
    /// wait for it for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let waiter = queue.lock().push(());
    /// assert_eq!(queue.len(), 1);
    /// drop(waiter);
    /// assert_eq!(queue.len(), 0);
    /// ```
    #[inline(always)]
    #[track_caller]
    pub fn push(&mut self, request: P::Request) -> Deferred<T, E> {
        if self.inner.list.len() == 0 {
            self.queue.core().listed();
        }
        Deferred::from_cell(self.inner.list.push(self.queue.core, request, Location::caller()))
    }

    /// Takes the oldest waiter out.
    ///
    /// # Panics
    ///
    /// Here and below: where the primitive reclaims ([`Primitive::RECLAIMS`]), with too many handles of the queue, see
    /// [`WaitQueue::clone`]; the waiter is lost then.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let mut waiter = queue.push(());
    /// let (turn, ()) = queue.lock().pop().unwrap();
    /// turn.grant(Ok(3));
    /// assert_eq!(waiter.try_take(), Some(Ok(3)));
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Option<(Turn<T, E, P>, P::Request)> {
        self.pop_if(|_| true)
    }

    /// Takes the oldest waiter out, if `wanted` says so of its request.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    /// # use std::convert::Infallible;
    /// # struct Asked;
    /// # impl deferred_core::Primitive<u8> for Asked {
    /// #     type Request = usize;
    /// #     type Guarded = ();
    /// # }
    ///
    /// let queue = WaitQueue::<u8, Infallible, Asked>::new(Asked);
    /// let waiter = queue.push(5);
    /// assert!(queue.lock().pop_if(|asked| *asked <= 3).is_none());
    /// let (turn, asked) = queue.lock().pop_if(|asked| *asked <= 8).unwrap();
    /// assert_eq!(asked, 5);
    /// # drop(turn);
    /// # drop(waiter);
    /// ```
    #[inline]
    pub fn pop_if(&mut self, wanted: impl FnMut(&P::Request) -> bool) -> Option<(Turn<T, E, P>, P::Request)> {
        let (node, request) = self.inner.list.pop_if(wanted)?;
        let core = self.queue.core();
        let unlists = self.inner.list.len() == 0 && core.load().units() > 0;
        if P::RECLAIMS {
            let home = if unlists {
                core.unlisted();
                // SAFETY: this is the handle that the list had.
                unsafe { WaitQueue::from_core(self.queue.core) }
            } else {
                self.queue.clone()
            };
            // SAFETY: the list just gave us the resolver's side of this waiter.
            unsafe { set_home(node, home) };
        } else if unlists {
            self.unlist();
        }
        // SAFETY: as above.
        Some((unsafe { Turn::from_node(node, self.queue.core()) }, request))
    }

    /// Hands units that came back on to the oldest waiter, if `wanted` says so of its request; see
    /// [`Returned::hand_on`].
    #[inline]
    pub(super) fn fire_front(
        &mut self,
        wanted: impl FnOnce(&P::Request) -> bool,
        make: impl FnOnce() -> T,
    ) -> Result<Option<(Waker, P::Request)>, T> {
        let fired = self.inner.list.fire_front(wanted, make);
        if !matches!(fired, Ok(None)) {
            // What was made has the handle now, and whoever gets it may drop that.
            self.inner.keeper = Keeper::List;
            if self.inner.list.len() == 0 && self.queue.core().load().units() > 0 {
                self.unlist();
            }
        }
        fired
    }

    /// Ends what `fire_front` has begun: returns a handle that must be dropped when the lock has been released.
    #[inline]
    pub(super) fn take_spare(&mut self) -> Option<WaitQueue<T, E, P>> {
        let keeper = core::mem::replace(&mut self.inner.keeper, Keeper::Handle);
        // SAFETY: this was the list's handle, and is nobody's since the list was ended.
        (keeper == Keeper::Spare).then(|| unsafe { WaitQueue::from_core(self.queue.core) })
    }

    /// Notes that nobody waits any more, so that newcomers see free units; the list counts no longer.
    #[inline]
    fn unlist(&mut self) {
        let core = self.queue.core();
        match self.inner.keeper {
            Keeper::Handle | Keeper::Spare => core.unlisted_with_handle(),
            Keeper::List => {
                core.unlisted();
                self.inner.keeper = Keeper::Spare;
            }
        }
    }

    /// Takes the oldest waiter out together with its request and as many free units as `count` says of that, if they are
    /// there. Drop neither request nor units before the lock is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    /// # use std::convert::Infallible;
    /// # struct Asked;
    /// # impl deferred_core::Primitive<u8> for Asked {
    /// #     type Request = usize;
    /// #     type Guarded = ();
    /// # }
    ///
    /// let queue = WaitQueue::<u8, Infallible, Asked>::with_units(Asked, 3).unwrap();
    /// let (mut first, second) = (queue.push(2), queue.push(2));
    /// let (turn, asked, units) = queue.lock().pop_with_units(|asked| *asked).unwrap();
    /// turn.grant(Ok(1));
    /// assert_eq!((first.try_take(), asked, units.count()), (Some(Ok(1)), 2, 2));
    /// assert!(queue.lock().pop_with_units(|asked| *asked).is_none(), "one is left");
    /// # drop(second);
    /// ```
    #[inline]
    pub fn pop_with_units(&mut self, count: impl Fn(&P::Request) -> usize) -> Option<TurnWithUnits<T, E, P>> {
        // Most calls end here: the one in front wants more than there is.
        if self.inner.list.peek(&count)? > self.free_units() {
            return None;
        }
        self.pop_with_free_units(count)
    }

    #[inline(never)]
    fn pop_with_free_units(&mut self, count: impl Fn(&P::Request) -> usize) -> Option<TurnWithUnits<T, E, P>> {
        let queue = self.queue;
        let mut taken: Option<Units<T, E, P>> = None;
        let popped = self.pop_if(|request| {
            if let Some(units) = taken.take() {
                // The one they were for was cancelled between two looks.
                queue.put_back(units);
            }
            // Before it is popped: without waiters anybody may take units, whoever holds the lock.
            taken = queue.take_units(count(request));
            taken.is_some()
        });
        match (popped, taken) {
            (Some((turn, request)), Some(units)) => Some((turn, request, units)),
            (_, taken) => {
                if let Some(units) = taken {
                    queue.put_back(units);
                    self.unlist_for_newcomers();
                }
                None
            }
        }
    }

    /// Ends the list of a queue that ends; the caller has a handle. Returns whether there was anything to end.
    pub(super) fn end_list(&mut self) -> bool {
        let core = self.queue.core();
        let ends = self.inner.list.len() == 0 && core.load().has(Word::LISTED);
        if ends {
            self.unlist();
        }
        ends
    }

    /// Takes everybody out, to end with [`Primitive::closed`].
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Grants, WaitQueue};
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let mut waiter = queue.push(());
    /// let mut grants = Grants::new();
    /// queue.lock().fail_all(&mut grants);
    /// grants.deliver();
    /// assert!(waiter.try_take().unwrap().unwrap_err().is_closed());
    /// ```
    pub fn fail_all(&mut self, grants: &mut Grants<T, E, P>) {
        while let Some((turn, request)) = self.pop() {
            grants.push_closed(turn, request);
        }
    }

    /// Returns how many wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::new(());
    /// let waiter = queue.push(());
    /// assert_eq!(queue.lock().len(), 1);
    /// # drop(waiter);
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        self.inner.list.len()
    }

    /// Tells whether nobody waits.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(deferred_core::WaitQueue::<u8>::new(()).lock().is_empty());
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many units are free.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// assert_eq!(queue.lock().free_units(), 3);
    /// ```
    #[inline]
    pub fn free_units(&self) -> usize {
        self.queue.free_units()
    }

    /// Takes `n` free units, if there are so many, whoever waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// let waiter = queue.push(());
    /// assert!(queue.try_take(1).is_none(), "somebody waits");
    /// let units = queue.lock().take(1).unwrap();
    /// assert_eq!((units.count(), queue.free_units()), (1, 2));
    /// # drop(waiter);
    /// ```
    #[inline]
    pub fn take(&mut self, n: usize) -> Option<Units<T, E, P>> {
        self.queue.take_units(n)
    }

    /// Makes units that came back free; units of another queue stay as they are.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Grants, Locked, Primitive, Returned, Units, WaitQueue};
    /// use std::convert::Infallible;
    ///
    /// struct Permit(Units<Permit, Infallible, Semaphore>);
    ///
    /// struct Semaphore;
    ///
    /// impl Primitive<Permit> for Semaphore {
    ///     type Request = usize;
    ///     type Guarded = ();
    ///
    ///     fn returned(
    ///         locked: &mut Locked<'_, Permit, Infallible, Self>,
    ///         returned: &mut Returned<Permit, Infallible, Self>,
    ///         grants: &mut Grants<Permit, Infallible, Self>,
    ///     ) {
    ///         locked.absorb(returned);
    ///         while let Some((turn, _, units)) = locked.pop_with_units(|wanted| *wanted) {
    ///             grants.push(turn, Ok(Permit(units)));
    ///         }
    ///     }
    /// }
    ///
    /// let queue = WaitQueue::with_units(Semaphore, 2).unwrap();
    /// let both = queue.try_take(2).unwrap();
    /// let (mut first, mut second) = (queue.push(1), queue.push(1));
    /// drop(both);
    /// let permits = [first.try_take(), second.try_take()].map(|taken| taken.unwrap().unwrap());
    /// assert!(permits.iter().all(|permit| permit.0.count() == 1));
    /// ```
    #[inline]
    pub fn absorb(&mut self, returned: &mut Returned<T, E, P>) {
        let Some(units) = returned.units() else { return };
        if units.queue().is_same(self.queue) {
            self.queue.add_back(units.take_count());
            self.unlist_for_newcomers();
        }
    }

    /// Notes that the list is empty if there are free units that a newcomer may take.
    #[inline]
    fn unlist_for_newcomers(&mut self) {
        let core = self.queue.core();
        let w = core.load();
        if self.inner.list.len() == 0 && w.has(Word::LISTED) && w.units() > 0 {
            self.unlist();
        }
    }

    /// Takes up to `n` free units out of existence and returns how many.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// assert_eq!(queue.lock().remove_units(2), 2);
    /// assert_eq!(queue.lock().remove_units(2), 1);
    /// ```
    pub fn remove_units(&mut self, n: usize) -> usize {
        let mut removed = 0;
        self.queue.core().update(|w| {
            removed = w.units().min(n);
            Some(w.sub_units(removed))
        });
        removed
    }

    /// Makes every taking and giving back of units look at the lock, from now on or no longer.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// queue.lock().set_slow(true);
    /// assert!(queue.try_take(1).is_none());
    /// queue.lock().set_slow(false);
    /// assert!(queue.try_take(1).is_some());
    /// ```
    pub fn set_slow(&mut self, slow: bool) {
        let slow = if slow { Word::SLOW } else { 0 };
        self.queue.core().update(|w| Some(Word(w.0 & !Word::SLOW | slow)));
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E, Guarded = ()>> Locked<'_, T, E, P> {
    /// Makes `n` new free units; `None`, changing nothing, when there would be more than fit.
    ///
    /// The caller sees to it that the units that are held count, too.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::WaitQueue;
    ///
    /// let queue = WaitQueue::<u8>::with_units((), 3).unwrap();
    /// assert_eq!(queue.lock().add_units(2), Some(()));
    /// assert_eq!(queue.free_units(), 5);
    /// assert_eq!(queue.lock().add_units(WaitQueue::<u8>::MAX_UNITS), None);
    /// ```
    pub fn add_units(&mut self, n: usize) -> Option<()> {
        self.queue.core().update(|w| w.add_units(n))?;
        self.unlist_for_newcomers();
        Some(())
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Deref for Locked<'_, T, E, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        &self.inner.primitive
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> DerefMut for Locked<'_, T, E, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut P {
        &mut self.inner.primitive
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Locked<'_, T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked").field("waiting", &self.len()).field("free_units", &self.free_units()).finish()
    }
}

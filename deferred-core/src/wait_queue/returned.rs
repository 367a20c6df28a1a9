//! Units that come back while somebody waits, and who has them next.

use core::fmt::{self, Debug};
use core::mem::ManuallyDrop;
use core::task::Waker;

use super::hand_over::is_granting;
use super::{Grants, Locked, Primitive, Turn, Units, WaitQueue};
use crate::postpone::drop_value;
use crate::unwind::wake;

/// Gives units back to a queue in which somebody waits, or has waited since units were given back last.
#[inline(never)]
pub(super) fn give_back<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(queue: WaitQueue<T, E, P>, n: usize) {
    let core = queue.core_ptr();
    // SAFETY: the handle moves into the units. The alias is used only while the queue is locked, and until then it is kept by
    // the `Keeper` of that: the units, or the list when a waiter was fired with them.
    let mut returned = Returned { units: Some(unsafe { Units::from_core(core, n) }), next: Next::Nobody };
    let alias = ManuallyDrop::new(queue);
    let mut grants = Grants::new();
    let mut held = Held(ManuallyDrop::new(alias.lock()));
    let locked = &mut *held.0;
    P::returned(locked, &mut returned, &mut grants);
    if let Next::Nobody = returned.next {
        locked.absorb(&mut returned);
    }
    drop(held);
    let Returned { units, next } = returned;
    match next {
        Next::Nobody => {
            if let Some(units) = units {
                units.drop_handle();
            }
            grants.deliver();
        }
        Next::Grant(turn, wrap, request) => {
            if let Some(units) = units {
                grants.deliver_behind(turn, Ok(wrap(units)));
            }
            drop_value(request);
        }
        Next::Wake(waker, request) => {
            grants.deliver_after(|| drop(waker));
            drop_value(request);
        }
        Next::Made(made, Some((turn, request))) => {
            grants.deliver_behind(turn, Ok(made));
            drop_value(request);
        }
        Next::Made(made, None) => {
            grants.deliver();
            // They come back once more.
            drop_value(made);
        }
    }
}

/// A queue that is locked for `give_back`; when that is over, or a hook of it panics, the lock is released and then the handle
/// dropped that was left.
struct Held<'a, T: 'static, E: Debug + 'static, P: Primitive<T, E>>(ManuallyDrop<Locked<'a, T, E, P>>);

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Drop for Held<'_, T, E, P> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: moved out once, here.
        let mut locked = unsafe { ManuallyDrop::take(&mut self.0) };
        let spare = locked.take_spare();
        drop(locked);
        drop(spare);
    }
}

/// Units that came back; see [`Primitive::returned`].
///
/// # Examples
///
/// ```
/// use deferred_core::{Grants, Locked, Primitive, Returned, Units, WaitQueue};
/// use std::convert::Infallible;
///
/// struct Guard(Units<Guard, Infallible, Fair>);
///
/// /// Whoever waits longest has the unit next.
/// struct Fair;
///
/// impl Primitive<Guard> for Fair {
///     type Request = ();
///     type Guarded = ();
///
///     fn returned(
///         locked: &mut Locked<'_, Guard, Infallible, Self>,
///         returned: &mut Returned<Guard, Infallible, Self>,
///         _: &mut Grants<Guard, Infallible, Self>,
///     ) {
///         returned.hand_on(locked, |()| true, Guard);
///     }
/// }
///
/// let queue = WaitQueue::with_units(Fair, 1).unwrap();
/// let unit = queue.try_take(1).unwrap();
/// let mut waiter = queue.push(());
/// drop(unit);
/// let guard = waiter.try_take().unwrap().unwrap();
/// assert_eq!(guard.0.count(), 1);
/// ```
pub struct Returned<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    /// Gone when they have been made into what a waiter got, or was to get.
    units: Option<Units<T, E, P>>,
    next: Next<T, E, P>,
}

/// What is to be done when the lock is not held any more; requests are dropped then.
enum Next<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    Nobody,
    /// Somebody gets the units, as what is made of them.
    Grant(Turn<T, E, P>, fn(Units<T, E, P>) -> T, P::Request),
    /// Somebody has got them.
    Wake(WakeLater, P::Request),
    /// What was made of them goes to somebody else, if there is one.
    Made(T, Option<(Turn<T, E, P>, P::Request)>),
}

/// Wakes a task when it is dropped, and so also when the hook that has handed something on panics.
struct WakeLater(ManuallyDrop<Waker>);

impl Drop for WakeLater {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: moved out once, here.
        wake(unsafe { ManuallyDrop::take(&mut self.0) });
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Returned<T, E, P> {
    /// Returns how many they are; none are left when they have been handed on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Grants, Locked, Primitive, Returned, WaitQueue};
    /// # use std::convert::Infallible;
    /// # struct Seen(usize);
    /// # impl Primitive<()> for Seen {
    /// #     type Request = ();
    /// #     type Guarded = ();
    /// fn returned(
    ///     locked: &mut Locked<'_, (), Infallible, Self>,
    ///     returned: &mut Returned<(), Infallible, Self>,
    ///     _: &mut Grants<(), Infallible, Self>,
    /// ) {
    ///     locked.0 = returned.count();
    /// }
    /// # }
    ///
    /// let queue = WaitQueue::<(), Infallible, Seen>::with_units(Seen(0), 3).unwrap();
    /// let units = queue.try_take(2);
    /// queue.lock().set_slow(true);
    /// drop(units);
    /// assert_eq!(queue.lock().0, 2);
    /// ```
    #[inline]
    pub fn count(&self) -> usize {
        match (&self.next, &self.units) {
            (Next::Nobody, Some(units)) => units.count(),
            _ => 0,
        }
    }

    /// As [`Units::forget`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Grants, Locked, Primitive, Returned, WaitQueue};
    /// # use std::convert::Infallible;
    /// # struct Seen(usize);
    /// # impl Primitive<()> for Seen {
    /// #     type Request = ();
    /// #     type Guarded = ();
    /// fn returned(
    ///     _: &mut Locked<'_, (), Infallible, Self>,
    ///     returned: &mut Returned<(), Infallible, Self>,
    ///     _: &mut Grants<(), Infallible, Self>,
    /// ) {
    ///     assert_eq!(returned.forget(1), Some(()));
    /// }
    /// # }
    ///
    /// let queue = WaitQueue::<(), Infallible, Seen>::with_units(Seen(0), 3).unwrap();
    /// let units = queue.try_take(2);
    /// queue.lock().set_slow(true);
    /// drop(units);
    /// assert_eq!(queue.free_units(), 2);
    /// ```
    #[inline]
    pub fn forget(&mut self, n: usize) -> Option<()> {
        match self.units() {
            Some(units) => units.forget(n),
            None => (n == 0).then_some(()),
        }
    }

    /// Hands them on to the oldest waiter, as what `wrap` makes of them, if `wanted` says so of its request; tells whether they
    /// are gone. They can be handed on once, and units of another queue cannot. `wanted` may be asked several times.
    ///
    /// `wrap` may be called while the lock is held, so it must keep the units, use neither them nor the queue, and not panic:
    /// units that are dropped there wait for the lock for ever.
    /// When the waiter leaves in that moment and nobody else wants what was made, that is dropped when the lock has been
    /// released, and the units come back once more.
    ///
    /// # Examples
    ///
    /// ```
    /// # use deferred_core::{Grants, Locked, Primitive, Returned, Units, WaitQueue};
    /// # use std::convert::Infallible;
    /// struct Permits(Units<Permits, Infallible, Exactly>);
    ///
    /// # struct Exactly;
    /// # impl Primitive<Permits> for Exactly {
    /// #     type Request = usize;
    /// #     type Guarded = ();
    /// # fn returned(
    /// #     locked: &mut Locked<'_, Permits, Infallible, Self>,
    /// #     returned: &mut Returned<Permits, Infallible, Self>,
    /// #     _: &mut Grants<Permits, Infallible, Self>,
    /// # ) {
    /// let count = returned.count();
    /// if returned.hand_on(locked, |wanted| *wanted == count, Permits) {
    ///     assert_eq!(returned.count(), 0);
    /// }
    /// # }
    /// # }
    ///
    /// let queue = WaitQueue::with_units(Exactly, 3).unwrap();
    /// let units = queue.try_take(2).unwrap();
    /// let mut waiter = queue.push(2);
    /// drop(units);
    /// assert_eq!(waiter.try_take().unwrap().unwrap().0.count(), 2);
    /// ```
    #[inline]
    pub fn hand_on(
        &mut self,
        locked: &mut Locked<'_, T, E, P>,
        wanted: impl Fn(&P::Request) -> bool,
        wrap: fn(Units<T, E, P>) -> T,
    ) -> bool {
        if !self.units().is_some_and(|units| units.queue().is_same(locked.queue)) {
            return false;
        }
        // What panics here leaves the units where they are dropped when the lock is not held any more.
        let units = &mut self.units;
        let fired = match P::RECLAIMS || is_granting() {
            true => Ok(None),
            false => locked.fire_front(&wanted, || match units.take() {
                Some(units) => wrap(units),
                None => unreachable!("they were there"),
            }),
        };
        match fired {
            Ok(Some((waker, request))) => self.next = Next::Wake(WakeLater(ManuallyDrop::new(waker)), request),
            Ok(None) => match locked.pop_if(wanted) {
                Some((turn, request)) => self.next = Next::Grant(turn, wrap, request),
                None => return false,
            },
            // It was made for somebody who is leaving.
            Err(made) => {
                self.next = Next::Made(made, None);
                let other = locked.pop_if(wanted);
                if let Next::Made(_, to) = &mut self.next {
                    *to = other;
                }
            }
        }
        true
    }

    /// Returns the units as long as they have not been handed on.
    #[inline]
    pub(super) fn units(&mut self) -> Option<&mut Units<T, E, P>> {
        match self.next {
            Next::Nobody => self.units.as_mut(),
            _ => None,
        }
    }
}

/// Shows how many they are.
impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Returned<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned")
            .field("count", &self.count())
            .field("handed_on", &!matches!(self.next, Next::Nobody))
            .finish()
    }
}

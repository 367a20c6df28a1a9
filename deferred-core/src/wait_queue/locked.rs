//! A queue whose lock is held.

use core::fmt::{self, Debug};
use core::ops::{Deref, DerefMut};
use core::panic::Location;

use super::list::set_home;
use super::shared::Inner;
use super::word::Word;
use super::{Grants, Primitive, Returned, Turn, Units, WaitQueue};
use crate::deferred::Deferred;
use crate::postpone::drop_value;
use crate::sync::LockGuard;

/// What [`Locked::pop_with_units`] returns.
type TurnWithUnits<T, E, P> = (Turn<T, E, P>, Units<T, E, P>);

/// A queue whose lock is held; see [`WaitQueue::lock`]. It derefs to the state of the primitive.
pub struct Locked<'a, T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    pub(super) queue: &'a WaitQueue<T, E, P>,
    pub(super) inner: LockGuard<'a, Inner<T, E, P>>,
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Locked<'_, T, E, P> {
    /// Adds a waiter at the back.
    #[track_caller]
    pub fn push(&mut self, request: P::Request) -> Deferred<T, E> {
        if self.inner.list.len() == 0 {
            self.queue.core().listed();
        }
        Deferred::from_cell(self.inner.list.push(self.queue.core, request, Location::caller()))
    }

    /// Takes the oldest waiter out.
    pub fn pop(&mut self) -> Option<(Turn<T, E, P>, P::Request)> {
        self.pop_if(|_| true)
    }

    /// Takes the oldest waiter out, if `wanted` says so of its request.
    pub fn pop_if(&mut self, wanted: impl FnMut(&P::Request) -> bool) -> Option<(Turn<T, E, P>, P::Request)> {
        let (node, request) = self.inner.list.pop_if(wanted)?;
        if self.inner.list.len() == 0 {
            self.queue.core().unlisted();
        }
        if P::RECLAIMS {
            // SAFETY: the list just gave us the resolver's side of this waiter.
            unsafe { set_home(node, self.queue.clone()) };
        }
        // SAFETY: as above.
        Some((unsafe { Turn::from_node(node, self.queue.core) }, request))
    }

    /// Takes the oldest waiter out together with as many free units as `count` says of its request, if they are there.
    pub fn pop_with_units(&mut self, count: impl Fn(&P::Request) -> usize) -> Option<TurnWithUnits<T, E, P>> {
        let queue = self.queue;
        // Most calls end here: the one in front wants more than there is.
        if self.inner.list.peek(&count)? > queue.free_units() {
            return None;
        }
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
            (Some((turn, request)), Some(units)) => {
                drop_value(request);
                Some((turn, units))
            }
            (_, taken) => {
                if let Some(units) = taken {
                    queue.put_back(units);
                }
                None
            }
        }
    }

    /// Takes everybody out, to end with [`Primitive::closed`].
    pub fn fail_all(&mut self, grants: &mut Grants<T, E, P>) {
        while let Some((turn, request)) = self.pop() {
            grants.push_closed(turn, request);
        }
    }

    /// Returns how many wait.
    pub fn len(&self) -> usize {
        self.inner.list.len()
    }

    /// Tells whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many units are free.
    pub fn free_units(&self) -> usize {
        self.queue.free_units()
    }

    /// Takes `n` free units, if there are so many, whoever waits.
    pub fn take(&mut self, n: usize) -> Option<Units<T, E, P>> {
        self.queue.take_units(n)
    }

    /// Makes units that came back free; units of another queue stay as they are.
    pub fn absorb(&mut self, returned: &mut Returned<T, E, P>) {
        let units = returned.units();
        if units.queue().is_same(self.queue) {
            self.queue.add_back(units.take_count());
        }
    }

    /// Takes up to `n` free units out of existence and returns how many.
    pub fn remove_units(&mut self, n: usize) -> usize {
        let mut removed = 0;
        self.queue.core().update(|w| {
            removed = w.units().min(n);
            Some(w.sub_units(removed))
        });
        removed
    }

    /// Makes every taking and giving back of units look at the lock, from now on or no longer.
    pub fn set_slow(&mut self, slow: bool) {
        let slow = if slow { Word::SLOW } else { 0 };
        self.queue.core().update(|w| Some(Word(w.0 & !Word::SLOW | slow)));
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E, Guarded = ()>> Locked<'_, T, E, P> {
    /// Makes `n` new free units; `None`, changing nothing, when there would be more than fit.
    ///
    /// The caller sees to it that the units that are held count, too.
    pub fn add_units(&mut self, n: usize) -> Option<()> {
        self.queue.core().update(|w| w.add_units(n)).map(drop)
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Deref for Locked<'_, T, E, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.inner.primitive
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> DerefMut for Locked<'_, T, E, P> {
    fn deref_mut(&mut self) -> &mut P {
        &mut self.inner.primitive
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Locked<'_, T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked").field("waiting", &self.len()).field("free_units", &self.free_units()).finish()
    }
}

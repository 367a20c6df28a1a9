//! Units of a primitive, held by somebody.

use core::fmt::{self, Debug};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::shared::Core;
use super::word::Word;
use super::{Grants, Primitive, Turn, WaitQueue};

/// Some of the units that a [`WaitQueue`] counts, with a handle of it. Dropping it gives them back.
///
/// A semaphore's permit and a lock's guard are made of this.
/// Taking it and giving it back costs one locked operation each while nobody waits.
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
    #[inline]
    pub fn queue(&self) -> &WaitQueue<T, E, P> {
        &self.queue
    }

    /// Returns how many they are.
    #[inline]
    pub fn count(&self) -> usize {
        self.n
    }

    /// Takes `n` of them out; `None` if there are fewer than that.
    pub fn split(&mut self, n: usize) -> Option<Self> {
        if n > self.n {
            return None;
        }
        let queue = self.queue().clone();
        self.n -= n;
        Some(Self { queue: ManuallyDrop::new(queue), n })
    }

    /// Adds those of `other`, or gives them back when they are of another queue.
    ///
    /// # Errors
    ///
    /// `other`, unchanged.
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
    pub fn forget(&mut self, n: usize) -> Option<()> {
        self.n = self.n.checked_sub(n)?;
        Some(())
    }

    /// Returns the guarded value of an exclusive queue.
    ///
    /// # Panics
    ///
    /// When no unit is held.
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
    #[inline]
    #[track_caller]
    pub fn guarded_mut(&mut self) -> &mut P::Guarded {
        assert!(self.n > 0, "these units are empty");
        // SAFETY: as for `guarded`, and this borrows the unit mutably.
        self.queue.core().guarded.with_mut(|value| unsafe { &mut *value })
    }

    /// Takes the count out, to be free again; the handle stays.
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

/// Gives units back to a queue in which somebody waits.
#[inline(never)]
fn give_back<T: 'static, E: Debug + 'static, P: Primitive<T, E>>(queue: WaitQueue<T, E, P>, n: usize) {
    let core = queue.core_ptr();
    // SAFETY: the handle moves into the units. The alias is used only while `returned`, from which no safe code can move
    // them, has it.
    let mut returned = Returned { units: unsafe { Units::from_core(core, n) }, to: None };
    let alias = ManuallyDrop::new(queue);
    let mut grants = Grants::new();
    let mut locked = alias.lock();
    P::returned(&mut locked, &mut returned, &mut grants);
    if returned.to.is_none() {
        locked.absorb(&mut returned);
    }
    drop(locked);
    let Returned { units, to } = returned;
    match to {
        Some((turn, wrap)) => turn.grant(Ok(wrap(units))),
        None => units.drop_handle(),
    }
    grants.deliver();
}

/// Units that came back; see [`Primitive::returned`].
pub struct Returned<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    units: Units<T, E, P>,
    to: Option<HandTo<T, E, P>>,
}

/// Who gets the units, and what is made of them.
type HandTo<T, E, P> = (Turn<T, E, P>, fn(Units<T, E, P>) -> T);

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Returned<T, E, P> {
    /// Returns how many they are.
    pub fn count(&self) -> usize {
        self.units.n
    }

    /// As [`Units::forget`].
    pub fn forget(&mut self, n: usize) -> Option<()> {
        self.units.forget(n)
    }

    /// Hands them on to a waiter, as what `wrap` makes of them when the lock is not held any more.
    ///
    /// # Errors
    ///
    /// The turn, when they have been handed on already.
    pub fn hand_to(&mut self, turn: Turn<T, E, P>, wrap: fn(Units<T, E, P>) -> T) -> Result<(), Turn<T, E, P>> {
        if self.to.is_some() {
            return Err(turn);
        }
        self.to = Some((turn, wrap));
        Ok(())
    }

    pub(super) fn units(&mut self) -> &mut Units<T, E, P> {
        &mut self.units
    }
}

/// Shows how many they are.
impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Returned<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned").field("count", &self.count()).field("handed_on", &self.to.is_some()).finish()
    }
}

/// Shows how many they are.
impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Debug for Units<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Units").field("count", &self.n).finish_non_exhaustive()
    }
}

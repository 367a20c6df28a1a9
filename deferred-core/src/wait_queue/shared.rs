//! What the handles of a queue share, and how long it lives.
//!
//! The word counts the handles, and a list with waiters in it counts as one of them.
//! So a waiter needs none: as long as it is listed, the core is there.
//! A list that has become empty goes on to count until somebody could take a free unit past it, since often the next
//! waiter comes first.
//! When the last real handle goes, nobody can ever grant anything again, and the waiters fail with `Closed`.

use alloc::boxed::Box;
use core::fmt::Debug;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

use super::list::List;
use super::word::{QueueWord, Word};
use super::{Grants, Primitive, WaitQueue};
use crate::cell::{Cell, Kind, KindVTable};
use crate::failure::Outcome;
use crate::postpone::drop_value;
use crate::sync::{Live, Lock, LockGuard, UnsafeCell, number};
use crate::unwind::catch;

/// What the handles of a queue share.
#[repr(C)]
pub(crate) struct Core<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    /// First, so that a pointer to the core is one to this.
    home: Home<T>,
    _live: Live,
    /// No other queue has it, not even a later one, until all numbers have been used.
    pub(crate) number: usize,
    inner: Lock<Inner<T, E, P>>,
    /// Belongs to whoever holds the one unit.
    pub(crate) guarded: UnsafeCell<P::Guarded>,
}

/// What the lock of a queue protects.
pub(crate) struct Inner<T: 'static, E: Debug + 'static, P: Primitive<T, E>> {
    pub(crate) primitive: P,
    pub(crate) list: List<T, E, P>,
    /// Who keeps the queue until the lock is released; the handle, but for a part of `give_back`.
    pub(crate) keeper: Keeper,
}

/// Who keeps a locked queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// The handle that it was locked with.
    Handle,
    /// The list, which counts as a handle: that of before went into what a waiter was, or was to be, fired with.
    List,
    /// A handle that was the list's and must be dropped when the lock has been released.
    Spare,
}

/// What a [`Granted`] knows of its queue, whose other types it has forgotten.
pub(crate) struct Home<T> {
    word: QueueWord,
    untaken: unsafe fn(NonNull<Home<T>>, T),
    release_last: unsafe fn(NonNull<Home<T>>),
}

impl<T> Home<T> {
    /// Gives up a handle.
    ///
    /// # Safety
    ///
    /// The caller must own the handle, and not use it again.
    #[inline]
    unsafe fn release(home: NonNull<Self>) {
        // SAFETY: the handle keeps the queue until it is given up here, or in `release_last`.
        unsafe {
            if !home.as_ref().word.drop_handle_unless_last() {
                (home.as_ref().release_last)(home);
            }
        }
    }
}

/// A value that was granted at once, and goes back if nobody takes it.
pub(crate) struct Granted<T> {
    value: ManuallyDrop<T>,
    /// A handle of the queue.
    home: NonNull<Home<T>>,
}

/// The way back of a [`Granted`] whose value has moved into a cell.
pub(crate) struct WayBack<T> {
    /// A handle of the queue; gone when the value went back or was taken. Touched by the runner, the consumer, and whoever
    /// frees the cell.
    home: UnsafeCell<Option<NonNull<Home<T>>>>,
}

impl<T> WayBack<T> {
    /// Gives the handle up, if it is there.
    ///
    /// # Safety
    ///
    /// The caller must be the one who may touch it now.
    unsafe fn end(&self) {
        // SAFETY: as promised; this is the handle, which is taken out once.
        unsafe {
            if let Some(home) = self.home.with_mut(|home| (*home).take()) {
                Home::release(home);
            }
        }
    }
}

impl<T> Granted<T> {
    /// Takes it apart, to put both into a cell.
    pub(crate) fn into_parts(self) -> (T, WayBack<T>) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the value is moved out once, as `this` is not dropped; the handle goes with it.
        (unsafe { ManuallyDrop::take(&mut this.value) }, WayBack { home: UnsafeCell::new(Some(this.home)) })
    }

    #[inline]
    pub(crate) fn take(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the value and the handle are moved out once, as `this` is not dropped.
        unsafe {
            let value = ManuallyDrop::take(&mut this.value);
            Home::release(this.home);
            value
        }
    }
}

impl<T> Drop for Granted<T> {
    fn drop(&mut self) {
        // SAFETY: the value and the handle are moved out once, here.
        unsafe {
            let value = ManuallyDrop::take(&mut self.value);
            (self.home.as_ref().untaken)(self.home, value);
        }
    }
}

impl<T, E> Kind<T, E> for WayBack<T> {
    const KIND: KindVTable = KindVTable {
        untaken: Some(|cell, outcome| {
            // SAFETY: this is the vtable of cells of this type, and the caller is the consumer of one that is done.
            // The value and the handle are moved out once, as a way back is gone once it is used.
            unsafe {
                let Ok(value) = &*outcome.cast::<Outcome<T, E>>() else { return false };
                let way = &cell.cast::<Cell<T, E, Self>>().as_ref().extra;
                let Some(home) = way.home.with_mut(|home| (*home).take()) else { return false };
                (home.as_ref().untaken)(home, core::ptr::read(value));
            }
            true
        }),
        taken: Some(|cell| {
            // SAFETY: this is the vtable of cells of this type, and the caller runs or consumes one.
            unsafe { cell.cast::<Cell<T, E, Self>>().as_ref().extra.end() }
        }),
        ..KindVTable::PLAIN
    };
}

impl<T> Drop for WayBack<T> {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more.
        unsafe { self.end() }
    }
}

/// The methods of the word take it alone, and not the core, which may be gone before the one that gives a handle up
/// returns.
impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Deref for Core<T, E, P> {
    type Target = QueueWord;

    #[inline(always)]
    fn deref(&self) -> &QueueWord {
        &self.home.word
    }
}

impl<T: 'static, E: Debug + 'static, P: Primitive<T, E>> Core<T, E, P> {
    pub(crate) fn new(primitive: P, units: usize, guarded: P::Guarded) -> NonNull<Self> {
        let core = Box::new(Self {
            home: Home {
                word: QueueWord::new(Word::new(units)),
                untaken: |home, value| {
                    // SAFETY: the pointer is to the `home` of a core of these types, with a handle that is given up.
                    let queue = unsafe { WaitQueue::<T, E, P>::from_core(home.cast()) };
                    P::untaken(&queue, value);
                },
                // SAFETY: as above.
                release_last: |home| unsafe { Self::release_last(home.cast()) },
            },
            _live: Live::new(),
            number: number(),
            inner: Lock::new(Inner { primitive, list: List::new(), keeper: Keeper::Handle }),
            guarded: UnsafeCell::new(guarded),
        });
        NonNull::from(Box::leak(core))
    }

    #[inline]
    pub(crate) fn lock(&self) -> LockGuard<'_, Inner<T, E, P>> {
        self.inner.lock()
    }

    pub(crate) fn try_lock(&self) -> Option<LockGuard<'_, Inner<T, E, P>>> {
        self.inner.try_lock()
    }

    /// Notes that the list is not empty any more; the lock is held.
    #[inline]
    pub(crate) fn listed(&self) {
        // It may still be noted from the last time.
        if !self.load().has(Word::LISTED) {
            self.add_handle(Word::LISTED);
        }
    }

    /// Notes that the list is empty; the lock is held. The list's handle is the caller's now.
    #[inline]
    pub(crate) fn unlisted(&self) {
        self.sub(Word::LISTED);
    }

    /// As [`unlisted`](Self::unlisted), for a caller who has a handle and gives the list's up.
    #[inline]
    pub(crate) fn unlisted_with_handle(&self) {
        self.sub(Word::LISTED | Word::HANDLE);
    }

    /// Unlinks a waiter that is leaving.
    ///
    /// # Safety
    ///
    /// The core must be kept by the list having this waiter, which `unlink` must take out.
    #[inline]
    pub(crate) unsafe fn withdraw(core: NonNull<Self>, unlink: impl FnOnce(&mut List<T, E, P>) -> P::Request) {
        // SAFETY: as promised.
        let this = unsafe { core.as_ref() };
        let mut inner = this.lock();
        let front = inner.list.front();
        let request = unlink(&mut inner.list);
        // Only one in front can have kept others from their turn.
        let tells = P::WITHDRAWALS && !cfg!(canary = "untold") && inner.list.front() != front;
        // A list that is empty now gives its handle to us. As long as it is not, it keeps the core until somebody else
        // has taken the lock after us; loom's lock asks for more than that.
        let empty = inner.list.len() == 0;
        let handle = empty || tells || cfg!(loom);
        if empty {
            this.unlisted();
        } else if handle {
            this.add_passing_handle();
        }
        drop(inner);
        drop_value(request);
        if handle {
            // SAFETY: this is the handle that was taken above.
            let queue = unsafe { WaitQueue::from_core(core) };
            if tells {
                // Who leaves has not ended yet, and must also where this panics.
                let _ = catch(|| P::withdrawn(&queue));
            }
        }
    }

    /// Gives up a handle.
    ///
    /// # Safety
    ///
    /// The caller must own the handle, and not use it again.
    #[inline]
    pub(crate) unsafe fn release(core: NonNull<Self>) {
        // SAFETY: as promised; the `home` of a core is where the core is.
        unsafe { Home::<T>::release(core.cast()) }
    }

    /// As [`release`](Self::release), for the last handle too.
    ///
    /// # Safety
    ///
    /// As for `release`.
    #[cold]
    unsafe fn release_last(core: NonNull<Self>) {
        // SAFETY: the handle keeps the core until the exchange.
        let this = unsafe { core.as_ref() };
        while !this.drop_handle_unless_last() {
            let w = this.load();
            // SAFETY: as promised.
            if !w.is_last() || w.has(Word::LISTED) && unsafe { Self::close_last(core) } {
                continue;
            }
            let left = w.drop_handle();
            if this.exchange(w, left).is_ok() {
                if left.handles() == 0 {
                    // SAFETY: nobody else has a handle, nor does the list.
                    unsafe { Self::free(core) }
                }
                return;
            }
        }
    }

    /// Fails everybody who waits, and ends the list. Returns whether there was anything to do: those who are just leaving
    /// do not count.
    ///
    /// # Safety
    ///
    /// The caller must have a handle.
    #[cold]
    unsafe fn close_last(core: NonNull<Self>) -> bool {
        // SAFETY: as promised; the handle stays the caller's.
        let queue = ManuallyDrop::new(unsafe { WaitQueue::<T, E, P>::from_core(core) });
        let mut grants = Grants::new();
        let mut locked = queue.lock();
        locked.fail_all(&mut grants);
        let ended = locked.end_list() || !grants.is_empty();
        drop(locked);
        grants.deliver();
        ended
    }

    /// # Safety
    ///
    /// Nobody may have a handle.
    #[cold]
    pub(crate) unsafe fn free(core: NonNull<Self>) {
        // SAFETY: made by `Box` in `new`; nobody else uses it.
        drop_value(unsafe { Box::from_raw(core.as_ptr()) });
    }

    /// # Safety
    ///
    /// The caller must own the only handle, and the unit must be free.
    pub(crate) unsafe fn into_guarded(core: NonNull<Self>) -> P::Guarded {
        // SAFETY: made by `Box` in `new`; nobody else uses it.
        let Self { guarded, .. } = *unsafe { Box::from_raw(core.as_ptr()) };
        guarded.into_inner()
    }

    /// Makes a [`Granted`] that goes back to this queue.
    ///
    /// # Safety
    ///
    /// The caller must own a handle, which the result takes over.
    pub(crate) unsafe fn granted(core: NonNull<Self>, value: T) -> Granted<T> {
        Granted { value: ManuallyDrop::new(value), home: core.cast() }
    }
}

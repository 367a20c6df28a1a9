//! Where a Deferred was created, and, for the few that need it, who watches for its cancel.
//!
//! Both share one word: the address of a [`Location`], or of a [`Watch`] that holds one, with the lowest bit set.

use alloc::boxed::Box;
use core::panic::Location;
use core::ptr;
use core::task::{Context, Waker};

use crate::cell::drop_waker;
use crate::sync::{AtomicPtr, Lock, Ordering};
use crate::unwind::wake;

pub(crate) struct Origin(AtomicPtr<u8>);

/// What takes the place of a location.
struct Watch {
    created: &'static Location<'static>,
    watcher: Watcher,
}

/// The task that waits for a cancel.
pub(crate) struct Watcher(Lock<Option<Waker>>);

const WATCHED: usize = 1;
const _: () = assert!(align_of::<Location<'static>>() > WATCHED && align_of::<Watch>() > WATCHED);

impl Origin {
    #[inline]
    pub(crate) fn new(created: &'static Location<'static>) -> Self {
        Self(AtomicPtr::new(ptr::from_ref(created).cast_mut().cast()))
    }

    #[inline]
    pub(crate) fn created(&self) -> &'static Location<'static> {
        let origin = self.0.load(Ordering::Acquire);
        match watch(origin) {
            // SAFETY: the watch lives as long as the cell.
            Some(watch) => unsafe { (*watch).created },
            // SAFETY: without the bit it is the location that `new` was given.
            None => unsafe { &*origin.cast::<Location<'static>>() },
        }
    }

    /// Returns the watcher, and whether it is new.
    ///
    /// # Safety
    ///
    /// Only one thread at a time may call this.
    pub(crate) unsafe fn watcher(&self) -> (&Watcher, bool) {
        let origin = self.0.load(Ordering::Acquire);
        if let Some(watch) = watch(origin) {
            // SAFETY: the watch lives as long as the cell.
            return (unsafe { &(*watch).watcher }, false);
        }
        let new = Box::into_raw(Box::new(Watch { created: self.created(), watcher: Watcher(Lock::new(None)) }));
        self.0.store(new.cast::<u8>().map_addr(|address| address | WATCHED), Ordering::Release);
        // SAFETY: as above.
        (unsafe { &(*new).watcher }, true)
    }

    /// Wakes the watcher, who must be there.
    #[cold]
    pub(crate) fn cancelled(&self) {
        let Some(watch) = watch(self.0.load(Ordering::Acquire)) else { return };
        // SAFETY: the watch lives as long as the cell.
        let waker = unsafe { (*watch).watcher.0.lock().take() };
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Tells whether somebody watches for a cancel.
    #[inline(always)]
    pub(crate) fn is_watched(&self) -> bool {
        watch(self.0.load(Ordering::Acquire)).is_some()
    }

    /// # Safety
    ///
    /// Nobody may use it afterwards.
    pub(crate) unsafe fn free(&self) {
        if let Some(watch) = watch(self.0.load(Ordering::Acquire)) {
            // SAFETY: made by a `Box` in `watcher`.
            let Watch { watcher, .. } = *unsafe { Box::from_raw(watch) };
            let waker = watcher.0.lock().take();
            drop_waker(waker);
        }
    }
}

impl Watcher {
    /// Notes the task to be woken. The caller must look for a cancel afterwards.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        // Cloned and dropped outside the lock, as both are foreign code.
        let new = cx.waker().clone();
        let old = self.0.lock().replace(new);
        drop_waker(old);
    }
}

#[inline]
fn watch(origin: *mut u8) -> Option<*mut Watch> {
    (origin.addr() & WATCHED != 0).then(|| origin.map_addr(|address| address & !WATCHED).cast())
}

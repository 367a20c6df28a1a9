//! What waits at the end of a chain.

use core::ptr::{self, NonNull};
use core::task::Waker;

use crate::cell::Header;
use crate::state::TailKind;
use crate::sync::{AtomicPtr, Ordering};

/// What to do when the chain has run. What the words mean is in the state word.
///
/// They are atomic since a waker is read while the consumer may replace it; whether that was so is found out afterwards.
pub(crate) struct Tail {
    /// The waker's data, the outer cell, or the argument of a function.
    data: AtomicPtr<()>,
    /// The waker's vtable, or the function.
    code: AtomicPtr<()>,
}

/// Owns the consumer's side of a finished cell; may return a cell in phase `Running` for the caller to run next.
pub(crate) type NotifyFn = unsafe fn(NonNull<()>) -> Option<NonNull<Header>>;

/// A tail with its kind.
pub(crate) enum NewTail {
    Waker(Waker),
    Link(NonNull<Header>),
    Notify(NotifyFn, NonNull<()>),
}

impl NewTail {
    /// Its words, as [`Tail`] stores them, and what they mean.
    #[inline(always)]
    pub(crate) fn parts(&self) -> (*mut (), *mut (), TailKind) {
        match self {
            Self::Waker(waker) => {
                (waker.data().cast_mut(), ptr::from_ref(waker.vtable()).cast_mut().cast(), TailKind::Waker)
            }
            Self::Link(outer) => (outer.as_ptr().cast(), ptr::null_mut(), TailKind::Link),
            Self::Notify(f, data) => (data.as_ptr(), *f as *mut (), TailKind::Notify),
        }
    }

    /// Drops the waker that could not be set; a panic in it stops here.
    #[inline(always)]
    pub(crate) fn drop_waker(self) {
        if let Self::Waker(waker) = self {
            drop_waker(Some(waker));
        }
    }
}

/// A tail that was taken from a finished cell, to be acted on.
pub(crate) enum After {
    Nothing,
    Wake(Waker),
    Resume(NonNull<Header>),
    Notify(NotifyFn, NonNull<()>),
    /// Run this cell, which is `Running`.
    Run(NonNull<Header>),
}

impl Tail {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { data: AtomicPtr::new(ptr::null_mut()), code: AtomicPtr::new(ptr::null_mut()) }
    }

    #[inline]
    pub(crate) fn store(&self, data: *mut (), code: *mut ()) {
        self.data.store(data, Ordering::Relaxed);
        self.code.store(code, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn load(&self) -> (*mut (), *mut ()) {
        (self.data.load(Ordering::Relaxed), self.code.load(Ordering::Relaxed))
    }
}

/// Drops a waker; a panic in it stops here.
#[inline(always)]
pub(crate) fn drop_waker(waker: Option<Waker>) {
    if waker.is_some() {
        let _ = crate::unwind::catch(|| drop(waker));
    }
}

//! Wakers that count, that must not be woken, and that run foreign code on every occasion.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{RawWaker, RawWakerVTable, Wake, Waker};

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct CountWaker(AtomicUsize);

impl CountWaker {
    /// Makes one, and the waker for it.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let this = Arc::new(Self::default());
        let waker = Waker::from(this.clone());
        (this, waker)
    }

    /// Returns how often it was woken so far.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for CountWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes a waker that ends the program when it is woken: a panic would be contained.
pub(crate) fn panic_if_woken() -> Waker {
    struct PanicIfWoken;
    impl Wake for PanicIfWoken {
        fn wake(self: Arc<Self>) {
            eprintln!("woken without a reason\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }
    Waker::from(Arc::new(PanicIfWoken))
}

type Hook = Box<dyn Fn() + Send + Sync>;

/// A waker that runs a closure when it is cloned, woken and dropped.
///
/// The closures may re-enter whatever holds the waker, and may panic.
/// They run for clones only: the waker that [`HookWaker::waker`] returns may be dropped without a thought.
pub(crate) struct HookWaker {
    on_clone: Hook,
    on_wake: Hook,
    on_drop: Hook,
}

impl HookWaker {
    pub(crate) fn new() -> Self {
        Self { on_clone: Box::new(|| ()), on_wake: Box::new(|| ()), on_drop: Box::new(|| ()) }
    }

    pub(crate) fn on_clone(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_clone = Box::new(f);
        self
    }

    pub(crate) fn on_wake(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_wake = Box::new(f);
        self
    }

    pub(crate) fn on_drop(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_drop = Box::new(f);
        self
    }

    /// Returns the waker.
    pub(crate) fn waker(self) -> Waker {
        let raw = RawWaker::new(Arc::into_raw(Arc::new(self)).cast(), &QUIET);
        // SAFETY: the two tables keep the contract: each waker owns a count of the `Arc`, whose content is `Sync`.
        unsafe { Waker::from_raw(raw) }
    }
}

/// For the waker that the test itself holds.
static QUIET: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, |data| {
    // SAFETY: a waker of this table owns a count.
    drop(unsafe { Arc::from_raw(data.cast::<HookWaker>()) });
});

/// For its clones.
static LOUD: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, |data| {
    // SAFETY: a waker of this table owns a count.
    let this = unsafe { Arc::from_raw(data.cast::<HookWaker>()) };
    (this.on_drop)();
});

fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps a count. The hook may panic, and then nothing has been counted.
    unsafe {
        ((*data.cast::<HookWaker>()).on_clone)();
        Arc::increment_strong_count(data.cast::<HookWaker>());
    }
    RawWaker::new(data, &LOUD)
}

fn wake(data: *const ()) {
    // SAFETY: a waker that is woken by value owns a count.
    let this = unsafe { Arc::from_raw(data.cast::<HookWaker>()) };
    (this.on_wake)();
}

fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker keeps a count.
    unsafe { ((*data.cast::<HookWaker>()).on_wake)() }
}

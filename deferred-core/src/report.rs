//! Telling somebody of failures that nobody handled.

use alloc::boxed::Box;
use core::fmt::{self, Debug};
use core::panic::Location;

use crate::failure::Failure;
use crate::sync::Arc;
use crate::unwind::catch;

/// A failure that reached the end of a chain without an owner, or was dropped with it.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, Report, set_unhandled_hook};
/// use std::sync::mpsc;
///
/// fn line(report: &Report<'_>) -> String {
///     format!("{:?}, made in {}", report.failure(), report.origin().file())
/// }
///
/// let (sender, receiver) = mpsc::channel();
/// set_unhandled_hook(move |report| sender.send(line(report)).unwrap());
/// drop(Deferred::<(), &str>::fail("lost"));
/// assert!(receiver.try_recv().unwrap().contains("lost"));
/// ```
#[derive(Clone, Copy)]
pub struct Report<'a> {
    failure: &'a dyn Debug,
    origin: &'static Location<'static>,
    created: &'static Location<'static>,
}

impl Report<'_> {
    /// Returns what failed; its `Debug` output shows kind, error and origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, set_unhandled_hook};
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// set_unhandled_hook(move |report| sender.send(format!("{:?}", report.failure())).unwrap());
    /// drop(Deferred::<(), &str>::fail("lost"));
    /// assert!(receiver.try_recv().unwrap().starts_with("Error(\"lost\")"));
    /// ```
    pub fn failure(&self) -> &dyn Debug {
        self.failure
    }

    /// Returns where the failure was made.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, set_unhandled_hook};
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// set_unhandled_hook(move |report| sender.send(report.origin().line()).unwrap());
    /// let here = line!() + 1;
    /// drop(Deferred::<(), &str>::fail("lost"));
    /// assert_eq!(receiver.try_recv(), Ok(here));
    /// ```
    pub fn origin(&self) -> &'static Location<'static> {
        self.origin
    }

    /// Returns where the Deferred was created; the origin for one that never was pending.
    ///
    /// # Examples
    ///
    /// ```
    /// use deferred_core::{Deferred, set_unhandled_hook};
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// set_unhandled_hook(move |report| sender.send(report.created().line()).unwrap());
    /// let here = line!() + 1;
    /// let (resolver, d) = Deferred::<(), &str>::new();
    /// resolver.errback("lost").unwrap();
    /// drop(d);
    /// assert_eq!(receiver.try_recv(), Ok(here));
    /// ```
    pub fn created(&self) -> &'static Location<'static> {
        self.created
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failure, created, .. } = self;
        write!(f, "unhandled failure in a Deferred created at {created}: {failure:?}")
    }
}

impl Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

type Hook = Box<dyn Fn(&Report<'_>) + Send + Sync>;

mod hook {
    use super::{Arc, Hook};

    #[cfg(not(any(loom, shuttle)))]
    use crate::sync::Lock;

    // A static cannot hold a model's types; the hook is not part of any model.
    #[cfg(any(loom, shuttle))]
    struct Lock<T>(std::sync::Mutex<T>);
    #[cfg(any(loom, shuttle))]
    impl<T> Lock<T> {
        const fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }
        fn lock(&self) -> std::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }
    }

    static HOOK: Lock<Option<Arc<Hook>>> = Lock::new(None);

    pub(super) fn get() -> Option<Arc<Hook>> {
        HOOK.lock().clone()
    }

    pub(super) fn set(new: Option<Arc<Hook>>) -> Option<Arc<Hook>> {
        core::mem::replace(&mut *HOOK.lock(), new)
    }
}

/// Replaces what is done with failures that nobody handled, for the whole program.
///
/// The default writes one line on stderr with `std`, and does nothing without.
/// The hook is called on the thread that ended the chain, with no lock held; a panic in it is contained.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, set_unhandled_hook};
/// use std::sync::mpsc;
///
/// let (sender, receiver) = mpsc::channel();
/// set_unhandled_hook(move |report| {
///     let _ = sender.send(report.to_string());
/// });
/// drop(Deferred::<(), &str>::fail("lost"));
/// assert!(receiver.recv().unwrap().contains("lost"));
/// ```
pub fn set_unhandled_hook(hook: impl Fn(&Report<'_>) + Send + Sync + 'static) {
    let hook: Hook = Box::new(hook);
    let old = hook::set(Some(Arc::new(hook)));
    crate::postpone::drop_value(old);
}

/// Goes back to the default of [`set_unhandled_hook`].
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, reset_unhandled_hook, set_unhandled_hook};
/// use std::sync::mpsc;
///
/// let (sender, receiver) = mpsc::channel();
/// set_unhandled_hook(move |_| sender.send(()).unwrap());
/// reset_unhandled_hook();
/// drop(Deferred::<(), &str>::fail("goes to stderr"));
/// assert!(receiver.recv().is_err(), "the hook is gone");
/// ```
pub fn reset_unhandled_hook() {
    crate::postpone::drop_value(hook::set(None));
}

/// An unhandled failure, in a form that can be kept; see [`catch_unhandled`].
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, Unhandled, catch_unhandled};
///
/// let ((), unhandled) = catch_unhandled(|| drop(Deferred::<(), &str>::fail("lost")));
/// let [Unhandled { failure, origin, created, .. }] = &*unhandled else { panic!("one is lost") };
/// assert!(failure.contains("lost"));
/// assert_eq!(origin, created, "it never was pending");
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unhandled {
    /// What failed, as the `Debug` output of the failure.
    pub failure: std::string::String,
    /// Where the failure was made.
    pub origin: &'static Location<'static>,
    /// Where the Deferred was created.
    pub created: &'static Location<'static>,
}

#[cfg(feature = "std")]
std::thread_local! {
    /// What the innermost `catch_unhandled` of this thread has caught.
    static CAUGHT: core::cell::RefCell<Option<alloc::vec::Vec<Unhandled>>> = const { core::cell::RefCell::new(None) };
}

/// Runs `f` and returns, beside its result, the failures that were reported on this thread meanwhile, instead of
/// handing them to the hook. For tests.
///
/// # Examples
///
/// ```
/// use deferred_core::{Deferred, catch_unhandled};
///
/// let ((), unhandled) = catch_unhandled(|| drop(Deferred::<(), &str>::fail("lost")));
/// assert_eq!(unhandled.len(), 1);
/// assert!(unhandled[0].failure.contains("lost"));
/// ```
#[cfg(feature = "std")]
pub fn catch_unhandled<R>(f: impl FnOnce() -> R) -> (R, alloc::vec::Vec<Unhandled>) {
    /// Puts back what an outer call has caught, also when `f` panics.
    struct Outer(Option<alloc::vec::Vec<Unhandled>>);

    impl Drop for Outer {
        fn drop(&mut self) {
            let outer = self.0.take();
            CAUGHT.with_borrow_mut(|caught| *caught = outer);
        }
    }

    let outer = Outer(CAUGHT.replace(Some(alloc::vec::Vec::new())));
    let result = f();
    let caught = CAUGHT.take().unwrap_or_default();
    drop(outer);
    (result, caught)
}

/// Keeps a report for the `catch_unhandled` of this thread, if there is one.
#[cfg(feature = "std")]
fn caught(report: &Report<'_>) -> bool {
    let Report { failure, origin, created } = *report;
    if !CAUGHT.try_with(|caught| caught.borrow().is_some()).unwrap_or(false) {
        return false;
    }
    // Formatted before the list is borrowed: `Debug` of an error is foreign code.
    let unhandled = Unhandled { failure: std::format!("{failure:?}"), origin, created };
    CAUGHT.with_borrow_mut(|caught| caught.as_mut().map(|caught| caught.push(unhandled))).is_some()
}

#[cfg(not(feature = "std"))]
fn caught(_: &Report<'_>) -> bool {
    false
}

/// Reports a failure.
#[cold]
pub(crate) fn report<E: Debug>(failure: &Failure<E>, created: &'static Location<'static>) {
    let report = Report { failure, origin: failure.origin(), created };
    let _ = catch(|| {
        if caught(&report) {
            return;
        }
        match hook::get() {
            Some(hook) => hook(&report),
            None => default(&report),
        }
    });
}

#[cfg(feature = "std")]
fn default(report: &Report<'_>) {
    use std::io::Write;

    // Not `eprintln!`, which panics when stderr is closed.
    let _ = std::writeln!(std::io::stderr(), "{report}");
}

#[cfg(not(feature = "std"))]
fn default(_: &Report<'_>) {}

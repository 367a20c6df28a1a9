//! Telling somebody of failures that nobody handled.

use alloc::boxed::Box;
use core::fmt::{self, Debug};
use core::panic::Location;

use crate::failure::Failure;
use crate::sync::Arc;
use crate::unwind::catch;

/// A failure that reached the end of a chain without an owner, or was dropped with it.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    failure: &'a dyn Debug,
    origin: &'static Location<'static>,
    created: &'static Location<'static>,
}

impl Report<'_> {
    /// Returns what failed; its `Debug` output shows kind, error and origin.
    pub fn failure(&self) -> &dyn Debug {
        self.failure
    }

    /// Returns where the failure was made.
    pub fn origin(&self) -> &'static Location<'static> {
        self.origin
    }

    /// Returns where the Deferred was created; the origin for one that never was pending.
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

    #[cfg(not(loom))]
    use crate::sync::Lock;

    // A static cannot hold loom's types; the hook is not part of any model.
    #[cfg(loom)]
    struct Lock<T>(std::sync::Mutex<T>);
    #[cfg(loom)]
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
/// deferred_core::set_unhandled_hook(|_| unreachable!());
/// deferred_core::reset_unhandled_hook();
/// drop(deferred_core::Deferred::<(), &str>::fail("goes to stderr"));
/// ```
pub fn reset_unhandled_hook() {
    crate::postpone::drop_value(hook::set(None));
}

/// Reports a failure.
#[cold]
pub(crate) fn report<E: Debug>(failure: &Failure<E>, created: &'static Location<'static>) {
    let report = Report { failure, origin: failure.origin(), created };
    let _ = catch(|| match hook::get() {
        Some(hook) => hook(&report),
        None => default(&report),
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

//! Values whose drop is counted, panics, or runs code.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the drops of the values made from it.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns how many of its values have been dropped.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Makes a value.
    pub(crate) fn value(&self) -> DropCount {
        DropCount(self.clone())
    }

    /// Makes a value whose drop is counted, then panics.
    pub(crate) fn bomb(&self) -> DropBomb {
        DropBomb(self.clone())
    }
}

/// A value that counts its drop.
pub(crate) struct DropCount(Drops);

impl Drop for DropCount {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for DropCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DropCount")
    }
}

/// A value that panics when it is dropped, unless the thread is panicking already.
pub(crate) struct DropBomb(Drops);

impl DropBomb {
    /// Counts the drop without the panic.
    pub(crate) fn defuse(self) {
        let drops = self.0.clone();
        std::mem::forget(self);
        drops.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for DropBomb {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        if !std::thread::panicking() {
            panic!("a bomb went off");
        }
    }
}

impl fmt::Debug for DropBomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DropBomb")
    }
}

/// A value that runs a closure when it is dropped.
pub(crate) struct OnDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl OnDrop {
    pub(crate) fn new(f: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(f)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

impl fmt::Debug for OnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnDrop")
    }
}

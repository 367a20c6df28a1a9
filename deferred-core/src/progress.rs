//! How far a join has come.

use core::fmt::{self, Debug};

use crate::sync::{Arc, AtomicUsize, Ordering};

/// Tells how many of the Deferreds in a join have fired.
#[derive(Clone)]
pub struct Progress {
    /// How many have not fired; `None` when all had fired from the start.
    pub(crate) left: Option<Arc<AtomicUsize>>,
    /// How many there are.
    pub(crate) total: usize,
}

impl Progress {
    /// Returns how many have fired, and how many there are.
    pub fn get(&self) -> (usize, usize) {
        let left = self.left.as_ref().map_or(0, |left| left.load(Ordering::Acquire));
        (self.total.saturating_sub(left), self.total)
    }
}

impl Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, total) = self.get();
        write!(f, "Progress {{ {done} of {total} }}")
    }
}

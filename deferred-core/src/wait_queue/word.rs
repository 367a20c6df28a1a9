//! One word for free units, handles, and whether there is a queue.
//!
//! Taking a unit takes a handle with it in the same step, so an owned permit costs two locked operations in all.

use crate::sync::{AtomicUsize, Ordering};

/// A value of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) usize);

const COUNT_BITS: u32 = (usize::BITS - 2) / 2;
const COUNT_MAX: usize = (1 << COUNT_BITS) - 1;
const UNIT_SHIFT: u32 = 2;
const HANDLE_SHIFT: u32 = UNIT_SHIFT + COUNT_BITS;

impl Word {
    /// Somebody waits, or nobody could take a unit anyway; the list of waiters has a handle of its own while this is set.
    pub(crate) const LISTED: usize = 1;
    /// The primitive wants to see every operation.
    pub(crate) const SLOW: usize = 2;
    /// One handle.
    pub(crate) const HANDLE: usize = 1 << HANDLE_SHIFT;
    /// The most units that can be free.
    pub(crate) const MAX_UNITS: usize = COUNT_MAX;
    /// The most handles; above it lies room for those that are made while the check for this one runs.
    const MAX_HANDLES: usize = COUNT_MAX / 2;

    pub(crate) const fn new(units: usize) -> Self {
        Self(Self::HANDLE | units << UNIT_SHIFT)
    }

    #[inline(always)]
    pub(crate) fn units(self) -> usize {
        self.0 >> UNIT_SHIFT & COUNT_MAX
    }

    #[inline(always)]
    pub(crate) fn handles(self) -> usize {
        self.0 >> HANDLE_SHIFT
    }

    /// Returns true if there is one handle, one free unit and no list.
    pub(crate) fn is_unused(self) -> bool {
        self.0 & !Self::SLOW == Self::new(1).0
    }

    #[inline(always)]
    pub(crate) fn has(self, bits: usize) -> bool {
        self.0 & bits != 0
    }

    /// Moves `n` units and one handle from the word to a holder.
    #[inline(always)]
    pub(crate) fn take(self, n: usize) -> Option<Self> {
        (self.units() >= n && self.handles() < Self::MAX_HANDLES).then(|| Self(self.sub_units(n).0 + Self::HANDLE))
    }

    /// Adds `n` units.
    #[inline(always)]
    pub(crate) fn add_units(self, n: usize) -> Option<Self> {
        (n <= COUNT_MAX - self.units()).then(|| Self(self.0 + (n << UNIT_SHIFT)))
    }

    /// Takes `n` units away, which must be there.
    #[inline(always)]
    pub(crate) fn sub_units(self, n: usize) -> Self {
        Self(self.0 - (n << UNIT_SHIFT))
    }

    /// Takes a handle away.
    #[inline(always)]
    pub(crate) fn drop_handle(self) -> Self {
        Self(self.0 - Self::HANDLE)
    }

    /// Tells whether a single handle is left beside the list's.
    #[inline(always)]
    pub(crate) fn is_last(self) -> bool {
        self.handles() == 1 + usize::from(self.has(Self::LISTED))
    }
}

#[cold]
#[track_caller]
fn too_many_handles() -> ! {
    panic!("too many handles of one queue")
}

/// The word itself.
pub(crate) struct QueueWord(AtomicUsize);

impl QueueWord {
    pub(crate) fn new(word: Word) -> Self {
        Self(AtomicUsize::new(word.0))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Word {
        Word(self.0.load(Ordering::Acquire))
    }

    #[inline(always)]
    pub(crate) fn exchange(&self, old: Word, new: Word) -> Result<(), Word> {
        match self.0.compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(now) => Err(Word(now)),
        }
    }

    /// Adds a handle, and with it the bits `with`, which must not be set.
    ///
    /// # Panics
    ///
    /// When there are too many.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn add_handle(&self, with: usize) {
        let before = Word(self.0.fetch_add(Word::HANDLE | with, Ordering::AcqRel));
        if before.handles() >= Word::MAX_HANDLES {
            self.0.fetch_sub(Word::HANDLE | with, Ordering::AcqRel);
            too_many_handles();
        }
    }

    /// Adds a handle for a moment, in the room above the most that there can be.
    #[inline(always)]
    pub(crate) fn add_passing_handle(&self) {
        self.0.fetch_add(Word::HANDLE, Ordering::AcqRel);
    }

    /// Takes bits or handles away, which must be there, the last handle not among them.
    #[inline(always)]
    pub(crate) fn sub(&self, bits: usize) {
        self.0.fetch_sub(bits, Ordering::AcqRel);
    }

    /// Gives up a handle and returns true, unless it is the last one beside the list's.
    #[inline(always)]
    pub(crate) fn drop_handle_unless_last(&self) -> bool {
        let mut w = self.load();
        while !w.is_last() {
            match self.exchange(w, w.drop_handle()) {
                Ok(()) => return true,
                Err(now) => w = now,
            }
        }
        false
    }

    /// Replaces the word by what `f` makes of it, as long as that is something; returns the new word.
    #[inline]
    pub(crate) fn update(&self, mut f: impl FnMut(Word) -> Option<Word>) -> Option<Word> {
        let mut old = self.load();
        loop {
            let new = f(old)?;
            match self.exchange(old, new) {
                Ok(()) => return Some(new),
                Err(now) => old = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_touch_each_other() {
        let full = Word::new(Word::MAX_UNITS);
        assert_eq!((full.units(), full.handles()), (Word::MAX_UNITS, 1));
        assert_eq!(full.add_units(1), None);
        let taken = full.take(Word::MAX_UNITS).unwrap();
        assert_eq!((taken.units(), taken.handles()), (0, 2));
        assert_eq!(taken.take(1), None);
        assert_eq!(taken.drop_handle().add_units(Word::MAX_UNITS), Some(full));
    }

    #[test]
    fn there_is_an_end_to_handles() {
        let full = Word(Word::HANDLE * Word::MAX_HANDLES);
        assert_eq!(full.take(0), None);
        let word = QueueWord::new(full);
        for with in [0, Word::LISTED] {
            assert!(std::panic::catch_unwind(|| word.add_handle(with)).is_err());
            assert_eq!(word.load(), full);
        }
    }

    #[test]
    fn the_list_does_not_count_as_a_handle_that_is_left() {
        assert!(Word::new(0).is_last());
        let listed = Word((Word::new(0).0 + Word::HANDLE) | Word::LISTED);
        assert!(listed.is_last());
        assert!(!Word(listed.0 + Word::HANDLE).is_last());
    }
}

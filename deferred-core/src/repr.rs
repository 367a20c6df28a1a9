//! What a Deferred is made of, and how that lies in memory.

use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;

use crate::cell::Header;
use crate::failure::Outcome;
use crate::wait_queue::Granted;

/// What a Deferred is made of: owned, or, as a [`View`], borrowed.
pub(crate) enum Repr<R, G> {
    /// Fired, and without a cell.
    Ready(R),
    /// Granted at once by a primitive that wants back what nobody takes.
    Granted(G),
    /// The consumer's side of a cell.
    Cell(NonNull<Header>),
    /// The outcome has been taken.
    Taken,
}

/// A [`Repr`] by value.
pub(crate) type Owned<T, E> = Repr<Outcome<T, E>, Granted<T>>;

/// A [`Repr`] to look at.
pub(crate) type View<'a, T, E> = Repr<&'a Outcome<T, E>, &'a Granted<T>>;

/// A [`Repr`] in as little room as it takes, which is dropped by whoever takes it out.
///
/// The word that tells what it is lies last, and where there is a cell it is all that is written. An enum would have its
/// tag first and the cell beside it: a Deferred that is awaited right where it was made is copied, 16 bytes at a time, and
/// reading in one piece what was just written in two makes the processor wait.
#[repr(C)]
pub(crate) struct Packed<T, E> {
    held: MaybeUninit<Held<T, E>>,
    /// The cell, or one of the words below, which are no addresses of cells.
    word: NonNull<Header>,
}

/// What a word other than a cell's address says about the rest.
#[repr(C)]
union Held<T, E> {
    ready: ManuallyDrop<Outcome<T, E>>,
    granted: ManuallyDrop<Granted<T>>,
}

const TAKEN: usize = 1;
const READY: usize = 2;
const GRANTED: usize = 3;

/// Smaller than the alignment of a cell, and not null, so that an `Option` of a Deferred takes no more room.
const fn tag<const WORD: usize>() -> NonNull<Header> {
    const { assert!(0 < WORD && WORD < align_of::<Header>()) };
    // SAFETY: it is not null.
    unsafe { NonNull::new_unchecked(core::ptr::without_provenance_mut(WORD)) }
}

impl<T, E> Packed<T, E> {
    #[inline(always)]
    pub(crate) fn new(repr: Owned<T, E>) -> Self {
        let (held, word) = match repr {
            Repr::Ready(outcome) => (MaybeUninit::new(Held { ready: ManuallyDrop::new(outcome) }), tag::<READY>()),
            Repr::Granted(granted) => {
                (MaybeUninit::new(Held { granted: ManuallyDrop::new(granted) }), tag::<GRANTED>())
            }
            Repr::Cell(cell) => (MaybeUninit::uninit(), cell),
            Repr::Taken => (MaybeUninit::uninit(), tag::<TAKEN>()),
        };
        Self { held, word }
    }

    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_, T, E> {
        // SAFETY: the word tells what was written beside it.
        unsafe {
            match self.word.addr().get() {
                TAKEN => Repr::Taken,
                READY => Repr::Ready(&self.held.assume_init_ref().ready),
                GRANTED => Repr::Granted(&self.held.assume_init_ref().granted),
                _ => Repr::Cell(self.word),
            }
        }
    }

    /// Moves it out; it is taken afterwards.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Owned<T, E> {
        let word = core::mem::replace(&mut self.word, tag::<TAKEN>());
        // SAFETY: the word told what was written beside it, which is moved out once, as the word does not tell it any more.
        unsafe {
            match word.addr().get() {
                TAKEN => Repr::Taken,
                READY => Repr::Ready(ManuallyDrop::take(&mut self.held.assume_init_mut().ready)),
                GRANTED => Repr::Granted(ManuallyDrop::take(&mut self.held.assume_init_mut().granted)),
                _ => Repr::Cell(word),
            }
        }
    }
}

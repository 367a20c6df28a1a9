//! The one piece of memory behind a pending Deferred.
//!
//! A cell has two owners, the resolver's side and the consumer's, and sometimes handles.
//! The state word says who is left; whoever takes the last claim away frees the cell.
//!
//! # Who may touch what
//!
//! | part | touched by |
//! |---|---|
//! | `slot` | the resolver while `Pending`, unless the cell has a canceller, and then its queue, if it waits in one; else whoever made the cell `Running`; the consumer once `Done` |
//! | `tail` | written by the consumer while its kind is `None`, read by whoever sets the phase to `Done` |
//! | `chain`, writing end | the consumer |
//! | `chain`, reading end | whoever made the cell `Running` |
//! | `extra` | the kind of cell says so |

mod end;

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, offset_of};
use core::ops::Deref;
use core::panic::Location;
use core::ptr::{self, NonNull};
use core::task::{RawWakerVTable, Waker};

use crate::chain::Chain;
use crate::failure::Outcome;
use crate::origin::{Origin, Watcher};
use crate::pool;
use crate::state::{Phase, State, StateWord, TailKind};
use crate::sync::{Live, Track};
use crate::tail::Tail;
pub(crate) use crate::tail::{After, NewTail, NotifyFn, drop_waker};

pub(crate) use self::end::{finish, finish_notify, finish_waker, read_outcome, release, take, take_any, take_value};

/// The part of a cell that does not depend on its types.
#[repr(C)]
pub(crate) struct Header {
    state: StateWord,
    pub(crate) vtable: &'static VTable,
    /// Where the Deferred was created, and who watches for a cancel.
    origin: Origin,
    tail: Tail,
    /// Touched with `slot`.
    track: Track,
    _live: Live,
    pub(crate) chain: Chain,
}

/// A whole cell; `X` is what its kind adds.
#[repr(C)]
pub(crate) struct Cell<T, E, X = ()> {
    header: Header,
    /// The outcome as it was fired, or the record of what `forward` waits for.
    pub(crate) slot: UnsafeCell<MaybeUninit<Outcome<T, E>>>,
    pub(crate) extra: X,
}

/// What depends on the types of a cell that are forgotten.
pub(crate) struct VTable {
    /// Where `slot` begins.
    slot: usize,
    /// Whether it may be freed as a `Cell<T, E>`, since its kind adds nothing to that.
    is_plain: bool,
    /// Frees the cell, not the outcome.
    free: unsafe fn(NonNull<Header>),
    /// How the kind of cell reacts to being cancelled.
    pub(crate) kind: KindVTable,
}

/// How a kind of cell reacts to being cancelled.
#[derive(Clone, Copy)]
pub(crate) struct KindVTable {
    /// Runs the canceller. Called once at most, by whoever turned `CANCELLER` into `CANCELLED`.
    /// Returns whether it made the cell `Running`, so that the caller must run the chain.
    pub(crate) cancel: unsafe fn(NonNull<Header>) -> bool,
    /// Drops the canceller. Called once at most, by whoever took `CANCELLER` away.
    pub(crate) drop_canceller: unsafe fn(NonNull<Header>),
    /// Takes the outcome at the pointer back, when it was fired and nobody took it: returns whether it did.
    /// Called by the consumer of a finished cell.
    pub(crate) untaken: Option<unsafe fn(NonNull<Header>, *mut u8) -> bool>,
    /// Gives up what `untaken` needs, since somebody takes what was fired.
    /// Called by the runner before the first callback, or by the consumer, of a cell that was not cancelled.
    pub(crate) taken: Option<unsafe fn(NonNull<Header>)>,
    /// Takes a waiter out of its queue and frees it.
    /// Called by the consumer of a pending cell without callbacks or handles, who turned `CANCELLER` into `CANCELLED`.
    pub(crate) withdraw: Option<unsafe fn(NonNull<Header>)>,
}

impl KindVTable {
    /// For cells that never have `CANCELLER` set.
    pub(crate) const PLAIN: Self =
        Self { cancel: |_| false, drop_canceller: |_| (), untaken: None, taken: None, withdraw: None };
}

/// A kind of cell, by what it adds.
pub(crate) trait Kind<T, E>: Sized {
    /// How it reacts to being cancelled.
    const KIND: KindVTable;
}

impl<T, E> Kind<T, E> for () {
    const KIND: KindVTable = KindVTable::PLAIN;
}

impl<T, E, X: Kind<T, E>> Cell<T, E, X> {
    const VTABLE: &'static VTable = &VTable {
        slot: offset_of!(Self, slot),
        is_plain: size_of::<Self>() == size_of::<Cell<T, E>>()
            && align_of::<Self>() == align_of::<Cell<T, E>>()
            && !core::mem::needs_drop::<X>(),
        free: |header| {
            // SAFETY: called once, on a cell that `new` made with these types and that nobody owns any more.
            unsafe { Self::free(header.cast()) }
        },
        kind: X::KIND,
    };

    #[inline]
    pub(crate) fn new(state: State, created: &'static Location<'static>, extra: X) -> NonNull<Self> {
        // SAFETY: a cell has a state, so its size is not zero.
        let cell = unsafe { pool::allocate(Layout::new::<Self>()) }.cast();
        let header = Header {
            state: StateWord::new(state),
            vtable: Self::VTABLE,
            origin: Origin::new(created),
            tail: Tail::new(),
            track: Track::new(),
            _live: Live::new(),
            chain: Chain::new(),
        };
        // SAFETY: the room is new, and large enough.
        unsafe { cell.write(Self { header, slot: UnsafeCell::new(MaybeUninit::uninit()), extra }) };
        cell
    }

    /// Frees the cell, not the outcome.
    ///
    /// # Safety
    ///
    /// The cell must have these types, and nobody may own a claim on it.
    #[inline(always)]
    pub(crate) unsafe fn free(cell: NonNull<Self>) {
        // SAFETY: as promised; `new` allocated it as such.
        unsafe {
            let header = &cell.as_ref().header;
            if header.chain.is_empty() && !header.origin.is_watched() {
                // Most cells.
                cell.drop_in_place();
                pool::free_of(cell);
            } else {
                Self::free_parts(cell);
            }
        }
    }

    /// As [`free`](Self::free), whatever is in the cell.
    #[inline(never)]
    unsafe fn free_parts(cell: NonNull<Self>) {
        // SAFETY: as for `free`.
        unsafe {
            cell.as_ref().header.chain.free();
            cell.as_ref().header.origin.free();
            cell.drop_in_place();
            pool::free_of(cell);
        }
    }
}

/// The methods of the state word take it alone, and not the header: a cell may be gone before the one that ends a claim
/// on it returns.
impl Deref for Header {
    type Target = StateWord;

    #[inline(always)]
    fn deref(&self) -> &StateWord {
        &self.state
    }
}

impl Header {
    /// Where the Deferred was created.
    #[inline(always)]
    pub(crate) fn created(&self) -> &'static Location<'static> {
        self.origin.created()
    }

    /// Returns who watches for a cancel, from now on if nobody did.
    ///
    /// # Safety
    ///
    /// Only the resolver may call this.
    pub(crate) unsafe fn watcher(&self) -> &Watcher {
        // SAFETY: as promised.
        let (watcher, new) = unsafe { self.origin.watcher() };
        if new {
            self.set(State::WATCHED);
        }
        watcher
    }

    /// Tells the resolver that `CANCELLED` was set, in a transition from `before`.
    pub(crate) fn cancelled(&self, before: State) {
        if before.has(State::WATCHED) {
            self.origin.cancelled();
        }
    }

    /// Installs a new tail, or gives it back when the chain has run, so that the caller looks at the outcome itself.
    ///
    /// # Safety
    ///
    /// Only the consumer may call this; with a link or a function it hands its side over.
    #[inline]
    pub(crate) unsafe fn set_tail(cell: NonNull<Header>, tail: NewTail) -> Result<(), NewTail> {
        // SAFETY: as promised.
        unsafe {
            let s = cell.as_ref().load();
            Self::set_first_tail(cell, s, tail).or_else(|tail| Self::replace_tail(cell, tail))
        }
    }

    /// As [`set_tail`](Self::set_tail) where there is none in state `s`, as for most: one exchange.
    ///
    /// # Safety
    ///
    /// As for `set_tail`.
    #[inline(always)]
    unsafe fn set_first_tail(cell: NonNull<Header>, s: State, tail: NewTail) -> Result<(), NewTail> {
        if s.tail() != TailKind::None || s.is(Phase::Done) {
            return Err(tail);
        }
        let (data, code, kind) = tail.parts();
        // It is the consumer's to write while its kind is `None` and the phase is not `Done`.
        // Not `&self`: once a link or a function is set, the cell may be gone before this returns.
        // SAFETY: as promised.
        let header = unsafe { cell.as_ref() };
        header.tail.store(data, code);
        if header.exchange(s, s.with_tail(kind).with(State::SEEN)).is_err() {
            return Err(tail);
        }
        // A waker lives on in the cell.
        core::mem::forget(tail);
        Ok(())
    }

    /// As [`set_tail`](Self::set_tail), whatever is there.
    #[inline(never)]
    unsafe fn replace_tail(cell: NonNull<Header>, tail: NewTail) -> Result<(), NewTail> {
        // SAFETY: as promised.
        let header = unsafe { cell.as_ref() };
        let Ok(old) = header.open_tail() else { return Err(tail) };
        let (data, code, kind) = tail.parts();
        // `open_tail` made the tail the consumer's to write; the update publishes it.
        header.tail.store(data, code);
        let set = header.update(|s| match s.phase() {
            Phase::Done if s.is_takeable() => None,
            // Run but paused: whoever resumes it takes the tail.
            Phase::Done => Some(s.to(Phase::Held).with_tail(kind)),
            _ => Some(s.with_tail(kind)),
        });
        let result = match set {
            Ok(_) => {
                // It lives on in the cell, also when the drop of the old one unwinds.
                core::mem::forget(tail);
                Ok(())
            }
            Err(_) => Err(tail),
        };
        drop_waker(old);
        result
    }

    /// Sets a task's waker, unless it is set already; false when the chain has run meanwhile.
    ///
    /// # Safety
    ///
    /// Only the consumer may call this, with a state that it has just seen.
    #[inline]
    pub(crate) unsafe fn register(&self, s: State, waker: &Waker) -> bool {
        if s.tail() == TailKind::None && !s.is(Phase::Done) {
            // SAFETY: as promised.
            match unsafe { Self::set_first_tail(NonNull::from(self), s, NewTail::Waker(waker.clone())) } {
                Ok(()) => return true,
                Err(tail) => tail.drop_waker(),
            }
            if cfg!(canary = "lost_wakeup") {
                return true;
            }
        }
        // SAFETY: as promised.
        unsafe { self.register_again(waker) }
    }

    /// As [`register`](Self::register), where a waker may be set.
    #[inline(never)]
    unsafe fn register_again(&self, waker: &Waker) -> bool {
        let s = self.load();
        // SAFETY: as promised.
        unsafe {
            let same = !s.is_takeable() && s.tail() == TailKind::Waker && self.is_waker(waker);
            let same = same || cfg!(canary = "stale_waker") && s.tail() == TailKind::Waker;
            same || match Header::set_tail(NonNull::from(self), NewTail::Waker(waker.clone())) {
                Ok(()) => true,
                Err(tail) => {
                    tail.drop_waker();
                    false
                }
            }
        }
    }

    /// Makes the tail the consumer's to write; returns the waker that was there.
    /// Fails when the outcome may be taken.
    fn open_tail(&self) -> Result<Option<Waker>, ()> {
        let mut s = self.load();
        while !s.is_takeable() {
            if s.tail() == TailKind::None {
                return Ok(None);
            }
            // A finisher that has just read it finds that out, and looks again.
            let new = s.with_tail(TailKind::None).without(if cfg!(canary = "unseen") { 0 } else { State::SEEN });
            match self.exchange(s, new) {
                // SAFETY: it is a waker, since links and functions own the consumer's side, so no consumer meets them;
                // the exchange made it the consumer's.
                Ok(()) => return Ok(Some(unsafe { self.waker() })),
                Err(now) => s = now,
            }
        }
        Err(())
    }

    /// Ends a pending cell whose consumer goes and to whom nobody listens: gives the consumer's side up.
    ///
    /// # Safety
    ///
    /// Only the consumer may call this, with the state of a pending cell without callbacks or canceller.
    pub(crate) unsafe fn leave(cell: NonNull<Header>, s: State) -> Result<(), State> {
        // SAFETY: the consumer's side keeps the cell until the exchange, or until `release`.
        unsafe {
            let header = cell.as_ref();
            // Whoever watches for a cancel is told after it, so the cell must stay until then.
            let watched = s.has(State::WATCHED);
            let ours = if watched { 0 } else { State::CONSUMER };
            let gone = s.to(Phase::Done).with(State::CANCELLED | State::VOID).with_tail(TailKind::None);
            // The consumer's own waker. A finisher that has read it, too, finds out by its exchange.
            let waker = header.tail.load();
            header.exchange(s, gone.without(State::SEEN | ours))?;
            if s.tail() == TailKind::Waker {
                // SAFETY: these are the parts of a waker that was forgotten when they were stored.
                drop_waker(Some(Waker::new(waker.0, &*waker.1.cast::<RawWakerVTable>())));
            }
            if watched {
                header.origin.cancelled();
                release(cell, State::CONSUMER);
            }
            Ok(())
        }
    }

    /// Takes the waker out of a cell that nobody else can reach.
    ///
    /// # Safety
    ///
    /// The caller must own all sides of the cell, and free it.
    #[inline]
    pub(crate) unsafe fn take_waker(&self) -> Option<Waker> {
        // SAFETY: the kind says that there is one, and nobody else can take it.
        (self.load().tail() == TailKind::Waker).then(|| unsafe { self.waker() })
    }

    /// Tells whether `waker` is the tail that is set.
    ///
    /// # Safety
    ///
    /// Only the consumer may call this, having seen the kind `Waker`.
    #[inline]
    pub(crate) unsafe fn is_waker(&self, waker: &Waker) -> bool {
        let (data, vtable) = self.tail.load();
        ptr::eq(data, waker.data()) && ptr::eq(vtable.cast(), waker.vtable())
    }

    /// Reads the waker.
    ///
    /// # Safety
    ///
    /// The tail must hold one, and the caller must own it or forget what this returns.
    unsafe fn waker(&self) -> Waker {
        let (data, vtable) = self.tail.load();
        // SAFETY: these are the parts of a waker that was forgotten when they were stored.
        unsafe { Waker::new(data, &*vtable.cast::<RawWakerVTable>()) }
    }

    /// Reads the link.
    ///
    /// # Safety
    ///
    /// The state must have said that the tail is a link.
    pub(crate) unsafe fn link(&self) -> NonNull<Header> {
        // SAFETY: as promised, it was stored as such; a link is never replaced.
        unsafe { NonNull::new_unchecked(self.tail.load().0).cast() }
    }
}

/// Returns where the outcome lies, or the record of what the cell waits for.
///
/// # Safety
///
/// Only the runner, the consumer of a finished chain, or whoever set `BUSY` may call this.
#[inline]
pub(crate) unsafe fn current(cell: NonNull<Header>, ran: bool) -> *mut u8 {
    // SAFETY: as the caller promised.
    unsafe { if ran { cell.as_ref().chain.current() } else { slot(cell) } }
}

/// Returns where the outcome that is fired lies.
///
/// # Safety
///
/// The caller must have a claim on the cell.
#[inline]
pub(crate) unsafe fn slot(cell: NonNull<Header>) -> *mut u8 {
    // SAFETY: the vtable is that of the whole cell, which the pointer's provenance covers.
    unsafe {
        cell.as_ref().track.touch();
        cell.as_ptr().cast::<u8>().add(cell.as_ref().vtable.slot)
    }
}

/// As [`slot`], for types that are known: the offset does not depend on the kind of cell.
///
/// # Safety
///
/// As for [`slot`], with the types of the cell's slot.
#[inline(always)]
pub(crate) unsafe fn typed_slot<T, E>(cell: NonNull<Header>) -> *mut Outcome<T, E> {
    // SAFETY: `Cell` is `repr(C)` and its last field alone depends on the kind.
    unsafe {
        cell.as_ref().track.touch();
        cell.as_ptr().byte_add(offset_of!(Cell<T, E>, slot)).cast()
    }
}

//! The callbacks of one chain, in one growing buffer.
//!
//! Entries lie in blocks that double in size and never move; the first has room for a few, and its memory is used again.
//! An entry is a pointer to its [`EntryVTable`] followed by its payload: the closure at first, and once the closure has
//! been moved out to be called, its outcome, which is the input of the next entry.
//!
//! Two sides work on it at once: the consumer appends, whoever runs the chain reads.
//! An entry becomes visible by the release store of its vtable pointer, behind which a null pointer already stands.

use core::alloc::Layout;
use core::panic::Location;
use core::ptr::{self, NonNull};

use crate::cell::Header;
use crate::pool;
use crate::sync::{AtomicPtr, Ordering, Track};

/// What the chain knows of an entry whose types it has forgotten.
pub(crate) struct EntryVTable {
    /// Moves the closure out of `payload`, calls it with the outcome at `input` (null: cancelled), and writes what
    /// comes out to `payload`: an outcome, or, when this returns a cell, a [`Waited`](crate::run::Waited) record of it.
    pub(crate) call:
        unsafe fn(input: *mut u8, payload: *mut u8, created: &'static Location<'static>) -> Option<NonNull<Header>>,
    /// Room for the closure, the outcome and the record, whichever is largest.
    pub(crate) payload: Layout,
}

/// Stands in place of an entry: the chain goes on at the header whose address follows.
static JUMP: EntryVTable =
    EntryVTable { call: |_, _, _| unreachable!("a jump is never called"), payload: Layout::new::<*mut EntryHeader>() };

/// What stands in front of an entry's payload.
struct EntryHeader {
    /// The address of the entry's vtable; null while there is none.
    vtable: AtomicPtr<EntryVTable>,
    /// Touched with the payload.
    track: Track,
}

impl EntryHeader {
    fn new() -> Self {
        Self { vtable: AtomicPtr::new(ptr::null_mut()), track: Track::new() }
    }

    /// Makes what was written before visible to the runner.
    #[inline]
    fn publish(&self, vtable: *mut EntryVTable) {
        self.track.touch();
        self.vtable.store(vtable, if cfg!(canary = "relaxed_publish") { Ordering::Relaxed } else { Ordering::Release });
    }

    /// Returns the vtable; null while there is none.
    #[inline]
    fn vtable(&self) -> *mut EntryVTable {
        let vtable = self.vtable.load(Ordering::Acquire);
        if !vtable.is_null() {
            self.track.touch();
        }
        vtable
    }
}

const HEADER: usize = size_of::<EntryHeader>();
const ALIGN: usize = align_of::<EntryHeader>();
/// A jump: its header and the address of the next header.
const JUMP_SIZE: usize = HEADER + size_of::<*mut EntryHeader>();
/// Three callbacks with results of two words.
const FIRST_BLOCK: usize = 24 * size_of::<usize>();
const LARGEST_BLOCK: usize = 64 * 1024;

/// The callbacks of a cell.
pub(crate) struct Chain {
    /// The blocks; null until the first is needed. Written by the consumer, once.
    blocks: AtomicPtr<Blocks>,
}

/// What stands at the start of the first block.
struct Blocks {
    /// Touched with the runner's fields.
    runner: Track,
    /// Touched with the consumer's fields.
    consumer: Track,
    /// The runner's: the next header to look at.
    next: *mut EntryHeader,
    /// The runner's: the payload of the entry that ran last; null when none has.
    current: *mut u8,
    /// The consumer's: the header to write next; null is stored there.
    free: *mut EntryHeader,
    /// The consumer's: where the block ends, short of the room for a jump.
    end: *mut u8,
    /// The consumer's: the block it writes.
    last: *mut Block,
    first: Block,
}

struct Block {
    layout: Layout,
    /// The block before this one.
    before: *mut Block,
}

/// An entry that is ready to run.
pub(crate) struct Entry {
    pub(crate) vtable: &'static EntryVTable,
    pub(crate) payload: *mut u8,
    /// The payload of the entry before it, if there is one.
    pub(crate) input: Option<NonNull<u8>>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self { blocks: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Tells whether nothing was ever appended. For the consumer, or whoever is last.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.load(Ordering::Relaxed).is_null()
    }

    /// Appends an entry, whose closure `closure` is moved into it.
    ///
    /// The runner may see it at once; the caller must tell it by [`State::MORE`](crate::state::State::MORE).
    ///
    /// # Safety
    ///
    /// Only the consumer may call this, and `vtable` must be for a closure of type `S`.
    #[inline]
    pub(crate) unsafe fn push<S>(&self, vtable: &'static EntryVTable, closure: S) {
        // SAFETY: the caller is the consumer; `slot` gives room for `vtable.payload`, hence for `S`, behind `header`.
        // The store publishes what was written before it.
        unsafe {
            let slot = self.slot(vtable.payload);
            slot.payload.cast::<S>().write(closure);
            (*slot.header).publish(ptr::from_ref(vtable).cast_mut());
            if let Some(jump) = slot.jump {
                (*jump).publish(ptr::from_ref(&JUMP).cast_mut());
            }
        }
    }

    /// Finds room for an entry, in a new block if need be, and terminates the chain behind it.
    ///
    /// # Safety
    ///
    /// Only the consumer may call this, and it must fill the slot before the next call.
    #[inline]
    unsafe fn slot(&self, payload: Layout) -> Slot {
        let blocks = self.blocks.load(Ordering::Relaxed);
        if !blocks.is_null() {
            // SAFETY: `free` and `end` are the consumer's fields, and describe the block it writes.
            unsafe {
                (*blocks).consumer.touch();
                let header = (*blocks).free;
                let (start, next) = place(header, payload);
                if next.cast::<u8>().addr() <= (*blocks).end.addr() {
                    next.write(EntryHeader::new());
                    (*blocks).free = next;
                    return Slot { header, payload: start, jump: None };
                }
            }
        }
        // SAFETY: as the caller promised.
        unsafe { self.slot_in_new_block(payload) }
    }

    /// As [`slot`](Self::slot), always in a new block.
    #[cold]
    unsafe fn slot_in_new_block(&self, payload: Layout) -> Slot {
        let needed = HEADER + payload.size() + payload.align() + HEADER + ALIGN + JUMP_SIZE;
        let mut blocks = self.blocks.load(Ordering::Relaxed);
        let new = blocks.is_null();
        let (head, size) = if new {
            (size_of::<Blocks>(), FIRST_BLOCK)
        } else {
            // SAFETY: `last` is the consumer's field.
            let last = unsafe { (*(*blocks).last).layout.size() };
            (size_of::<Block>(), (2 * last).min(LARGEST_BLOCK))
        };
        let size = size.max(head + needed);
        let layout = Layout::from_size_align(size, align_of::<Blocks>()).expect("a callback of this size cannot exist");
        // SAFETY: the size is not zero.
        // The block is filled in before anyone else can reach it: the first through `blocks`, a later one by its jump.
        unsafe {
            let base = pool::allocate(layout).as_ptr();
            let header = base.add(head).cast::<EntryHeader>();
            let end = base.add(size - JUMP_SIZE);
            let (start, next) = place(header, payload);
            header.write(EntryHeader::new());
            next.write(EntryHeader::new());
            if new {
                blocks = base.cast::<Blocks>();
                let first = Block { layout, before: ptr::null_mut() };
                let last = &raw mut (*blocks).first;
                let (runner, consumer) = (Track::new(), Track::new());
                let current = ptr::null_mut();
                blocks.write(Blocks { runner, consumer, next: header, current, free: next, end, last, first });
                self.blocks.store(blocks, Ordering::Release);
                return Slot { header, payload: start, jump: None };
            }
            let block = base.cast::<Block>();
            block.write(Block { layout, before: (*blocks).last });
            let jump = (*blocks).free;
            jump.byte_add(HEADER).cast::<*mut EntryHeader>().write(header);
            (*blocks).free = next;
            (*blocks).end = end;
            (*blocks).last = block;
            Slot { header, payload: start, jump: Some(jump) }
        }
    }

    /// Finds the next entry, if there is one.
    ///
    /// # Safety
    ///
    /// Only the runner may call this.
    #[inline]
    pub(crate) unsafe fn find(&self) -> Option<Found> {
        let blocks = self.blocks.load(Ordering::Acquire);
        if blocks.is_null() {
            return None;
        }
        // SAFETY: `next` and `current` are the runner's fields. A header is initialised before its predecessor is
        // published, and an entry, or the address behind a jump, before its own header is.
        unsafe {
            (*blocks).runner.touch();
            let mut header = (*blocks).next;
            let mut vtable = (*header).vtable();
            if ptr::eq(vtable, &raw const JUMP) {
                header = header.byte_add(HEADER).cast::<*mut EntryHeader>().read();
                vtable = (*header).vtable();
            }
            if vtable.is_null() {
                return None;
            }
            Some(Found { blocks, header, vtable: &*vtable })
        }
    }

    /// Takes the entry that was found.
    ///
    /// # Safety
    ///
    /// Only the runner may call this, with what it found last, and it must call the entry.
    #[inline]
    pub(crate) unsafe fn take(&self, found: Found) -> Entry {
        let Found { blocks, header, vtable } = found;
        // SAFETY: as in `find`.
        unsafe {
            let (payload, next) = place(header, vtable.payload);
            let input = (*blocks).current;
            let again = cfg!(canary = "callback_twice") && !ptr::eq(input, payload);
            (*blocks).next = if again { header } else { next };
            (*blocks).current = payload;
            Entry { vtable, payload, input: NonNull::new(input) }
        }
    }

    /// Returns where the outcome of the last entry that ran lies.
    ///
    /// # Safety
    ///
    /// Only the runner, or the consumer of a finished chain, may call this, and an entry must have run.
    #[inline]
    pub(crate) unsafe fn current(&self) -> *mut u8 {
        let blocks = self.blocks.load(Ordering::Acquire);
        // SAFETY: what has run lies in a block; `current` is the runner's field.
        unsafe {
            (*blocks).runner.touch();
            (*blocks).current
        }
    }

    /// Frees the blocks.
    ///
    /// # Safety
    ///
    /// Nobody else may use the chain, now or later, and every entry must have been called.
    #[inline]
    pub(crate) unsafe fn free(&self) {
        let blocks = self.blocks.load(Ordering::Relaxed);
        if !blocks.is_null() {
            // SAFETY: as the caller promised.
            unsafe { free_blocks(blocks) }
        }
    }
}

/// An entry that is there.
pub(crate) struct Found {
    blocks: *mut Blocks,
    header: *mut EntryHeader,
    vtable: &'static EntryVTable,
}

/// Room for one entry.
struct Slot {
    header: *mut EntryHeader,
    payload: *mut u8,
    /// The end of the previous block, to be published once the entry is.
    jump: Option<*mut EntryHeader>,
}

/// Returns where an entry's payload lies and where the header behind it does.
///
/// # Safety
///
/// The addresses must lie in the block of `header`; whether `next` does is for the consumer to check.
#[inline]
unsafe fn place(header: *mut EntryHeader, payload: Layout) -> (*mut u8, *mut EntryHeader) {
    let start = header.cast::<u8>().wrapping_add(HEADER);
    // `next_multiple_of` would divide: the compiler does not know that an alignment is a power of two.
    let start = start.map_addr(|addr| (addr + payload.align() - 1) & !(payload.align() - 1));
    let next = start.wrapping_add(payload.size()).map_addr(|addr| (addr + ALIGN - 1) & !(ALIGN - 1));
    (start, next.cast())
}

/// # Safety
///
/// As [`Chain::free`].
#[cold]
unsafe fn free_blocks(blocks: *mut Blocks) {
    // SAFETY: every block was made by the pool with the layout it holds, and they form a list from the last to the
    // first, which begins with the `Blocks` and whose address and layout are therefore those of its `first`.
    unsafe {
        let first = &raw mut (*blocks).first;
        let mut block = (*blocks).last;
        while block != first {
            let Block { layout, before } = block.read();
            pool::free(NonNull::new_unchecked(block.cast()), layout);
            block = before;
        }
        let layout = (*first).layout;
        pool::free(NonNull::new_unchecked(blocks.cast()), layout);
    }
}

//! The memory that a thread keeps, in a list for each size.
//!
//! A thread keeps at most [`BASE`] pieces of a size, and beyond that one for each time that it had none left, which is
//! about as many as were in use at once. So a crowd that comes and goes is served without the allocator, and a thread that
//! only frees what others made keeps little.
//! What lies idle goes back, a few pieces at a time: when four times as many have been freed as may be kept, half of those
//! that were never needed meanwhile may not be kept any more. The measure, the lowest that a list has been, is that of
//! tcmalloc's thread caches.

use core::cell::Cell;
use core::ptr::{self, NonNull};

use super::{Layout, give_back};

/// How many pieces of one size a thread may keep in any case.
const BASE: usize = 1024;
/// How many it may keep at most.
const CEILING: usize = 1 << 17;
/// How many may be freed between two looks at whether there are too many; also how many go back at one look.
const STRIDE: usize = 256;
/// Sizes are rounded up to multiples of this, which is also how they are aligned.
const STEP: usize = 16;
/// Larger pieces are not kept.
const LARGEST: usize = 192;

/// The pieces of one size that are free.
struct Size {
    /// The first; each begins with the address of the next.
    first: Cell<*mut u8>,
    count: Cell<usize>,
    /// The lowest `count` of this period.
    fewest: Cell<usize>,
    /// How many may be kept before the next look.
    until_look: Cell<usize>,
    /// How many there may be.
    most: Cell<usize>,
    /// How many will have been freed in this period by the next look.
    freed: Cell<usize>,
}

impl Size {
    const fn new() -> Self {
        Self {
            first: Cell::new(ptr::null_mut()),
            count: Cell::new(0),
            fewest: Cell::new(0),
            until_look: Cell::new(STRIDE),
            most: Cell::new(BASE),
            freed: Cell::new(STRIDE),
        }
    }

    #[inline(always)]
    fn pop(&self) -> Option<NonNull<u8>> {
        let first = NonNull::new(self.first.get())?;
        // SAFETY: a free piece is this thread's alone and holds the address of the next.
        self.first.set(unsafe { first.cast::<*mut u8>().read() });
        let count = self.count.get() - 1;
        self.count.set(count);
        if count < self.fewest.get() {
            self.fewest.set(count);
        }
        Some(first)
    }

    /// # Safety
    ///
    /// As for [`give_back`], with the layout of this size.
    #[inline(always)]
    unsafe fn push(&self, room: NonNull<u8>) {
        // SAFETY: the room is ours, and large enough for an address.
        unsafe { room.cast::<*mut u8>().write(self.first.get()) };
        self.first.set(room.as_ptr());
        self.count.set(self.count.get() + 1);
    }

    /// Notes that there was none left.
    #[cold]
    #[inline(never)]
    fn missed(&self) {
        self.most.set((self.most.get() + 1).min(CEILING));
    }

    /// Looks at whether there are too many, and gives some back. Returns whether one more may be kept.
    #[cold]
    #[inline(never)]
    fn look(&self, layout: Layout) -> bool {
        if self.freed.get() >= 4 * self.most.get() {
            // A period has ended.
            let idle = (self.fewest.get() / 2).min(self.most.get() - BASE);
            self.most.set(self.most.get() - idle);
            self.freed.set(0);
            self.fewest.set(self.count.get());
        }
        for _ in 0..self.count.get().saturating_sub(self.most.get()).min(STRIDE) {
            let Some(piece) = self.pop() else { break };
            // SAFETY: all pieces of a list were allocated with its layout.
            unsafe { give_back(piece, layout) }
        }
        let room = self.most.get().saturating_sub(self.count.get()).min(STRIDE);
        self.until_look.set(room);
        // The one that finds no room counts, too.
        self.freed.set(self.freed.get() + room.max(1));
        room > 0
    }
}

/// The lists of a thread, by size.
struct Pool([Size; LARGEST / STEP]);

std::thread_local! {
    static POOL: Pool = const { Pool([const { Size::new() }; LARGEST / STEP]) };
}

/// Rounds up, so that one list serves several types.
#[inline(always)]
pub(super) const fn layout(exact: Layout) -> Layout {
    if exact.align() > STEP || exact.size() > LARGEST {
        return exact;
    }
    pieces_of(exact.size().next_multiple_of(STEP))
}

#[inline(always)]
const fn pieces_of(size: usize) -> Layout {
    match Layout::from_size_align(size, STEP) {
        Ok(layout) => layout,
        Err(_) => panic!("the size is a small multiple of the step"),
    }
}

/// Which list pieces of this layout belong to.
#[inline(always)]
fn index(layout: Layout) -> Option<usize> {
    (layout.align() == STEP && layout.size() <= LARGEST).then(|| layout.size() / STEP - 1)
}

#[inline]
pub(super) fn reuse(layout: Layout) -> Option<NonNull<u8>> {
    let index = index(layout)?;
    // A thread that is going away has no pool any more.
    let pop = |pool: &Pool| {
        let size = &pool.0[index];
        let piece = size.pop();
        if piece.is_none() {
            size.missed();
        }
        piece
    };
    POOL.try_with(pop).ok().flatten()
}

/// # Safety
///
/// As for [`give_back`].
#[inline]
pub(super) unsafe fn keep(room: NonNull<u8>, layout: Layout) {
    let push = |pool: &Pool| {
        let Some(size) = index(layout).map(|index| &pool.0[index]) else { return false };
        if size.until_look.get() == 0 && !size.look(layout) {
            return false;
        }
        size.until_look.set(size.until_look.get() - 1);
        // SAFETY: as promised; the list is that of the layout.
        unsafe { size.push(room) };
        true
    };
    if !POOL.try_with(push).unwrap_or(false) {
        // SAFETY: as promised.
        unsafe { give_back(room, layout) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (index, size) in self.0.iter().enumerate() {
            let layout = pieces_of((index + 1) * STEP);
            while let Some(piece) = size.pop() {
                // SAFETY: all pieces of a list were allocated with this layout.
                unsafe { give_back(piece, layout) }
            }
        }
    }
}

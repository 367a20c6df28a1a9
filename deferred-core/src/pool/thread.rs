//! The memory that a thread keeps, in a list for each size.
//!
//! A thread keeps at most [`BASE`] pieces of a size, and beyond that one for each time that it had none left. So a crowd that
//! comes and goes is served without the allocator, and a thread that only frees what others made keeps little.
//!
//! When four times as many have been freed as may be kept, the limit falls to [`BASE`] above the most that there were at
//! once, less half of those that were never needed meanwhile, and what is beyond it goes back to the allocator as more is
//! freed. The measure, the lowest that a list has been, is that of tcmalloc's thread caches. A thread that frees nothing
//! gives nothing back until it ends.

use core::cell::Cell;
use core::ptr::{self, NonNull};

use super::{Layout, give_back};

/// How many pieces of one size a thread may keep in any case.
const BASE: usize = 1024;
/// How many it may keep at most.
const CEILING: usize = 1 << 17;
/// How many may be freed between two looks at whether there are too many; also how many go back at one look at most.
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
}

impl Size {
    const fn new() -> Self {
        Self {
            first: Cell::new(ptr::null_mut()),
            count: Cell::new(0),
            fewest: Cell::new(0),
            until_look: Cell::new(STRIDE),
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
    /// As for [`give_back`], with the layout of this size; `until_look` must not be 0.
    #[inline(always)]
    unsafe fn push(&self, room: NonNull<u8>) {
        self.until_look.set(self.until_look.get() - 1);
        // SAFETY: the room is ours, and large enough for an address.
        unsafe { room.cast::<*mut u8>().write(self.first.get()) };
        self.first.set(room.as_ptr());
        self.count.set(self.count.get() + 1);
    }
}

/// How many pieces of one size may be kept.
struct Limit {
    most: Cell<usize>,
    /// The most that a look has found in this period.
    peak: Cell<usize>,
    /// How many will have been freed in this period by the next look.
    freed: Cell<usize>,
}

impl Limit {
    const fn new() -> Self {
        Self { most: Cell::new(BASE), peak: Cell::new(0), freed: Cell::new(STRIDE) }
    }
}

/// What a thread keeps, by size.
struct Pool {
    sizes: [Size; LARGEST / STEP],
    /// Apart from what is touched all the time.
    limits: [Limit; LARGEST / STEP],
}

impl Pool {
    const fn new() -> Self {
        Self { sizes: [const { Size::new() }; LARGEST / STEP], limits: [const { Limit::new() }; LARGEST / STEP] }
    }

    /// Notes that there was no piece left.
    #[cold]
    #[inline(never)]
    fn missed(&self, index: usize) {
        let most = &self.limits[index].most;
        most.set((most.get() + 1).min(CEILING));
    }

    /// Looks at whether there are too many, and gives some back. Returns whether one more may be kept.
    #[cold]
    #[inline(never)]
    fn look(&self, index: usize) -> bool {
        let (size, limit) = (&self.sizes[index], &self.limits[index]);
        limit.peak.set(limit.peak.get().max(size.count.get()));
        if limit.freed.get() >= 4 * limit.most.get() {
            // A period has ended.
            let needed = limit.most.get().min(limit.peak.get() + BASE) - size.fewest.get() / 2;
            limit.most.set(needed.max(BASE));
            limit.peak.set(size.count.get());
            limit.freed.set(0);
            size.fewest.set(size.count.get());
        }
        let most = limit.most.get();
        // So many that the next look is not at once again.
        for _ in 0..(size.count.get() + STRIDE).saturating_sub(most).min(STRIDE) {
            let Some(piece) = size.pop() else { break };
            // SAFETY: all pieces of a list were allocated with its layout.
            unsafe { give_back(piece, layout_of(index)) }
        }
        let room = most.saturating_sub(size.count.get()).min(STRIDE);
        size.until_look.set(room);
        // The one that finds no room counts, too.
        limit.freed.set(limit.freed.get() + room.max(1));
        room > 0
    }
}

std::thread_local! {
    static POOL: Pool = const { Pool::new() };
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

/// The layout of the pieces in a list.
const fn layout_of(index: usize) -> Layout {
    pieces_of((index + 1) * STEP)
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
        let piece = pool.sizes[index].pop();
        if piece.is_none() {
            pool.missed(index);
        }
        piece
    };
    POOL.try_with(pop).ok().flatten()
}

/// Each `C` has code of its own, which knows the list.
///
/// # Safety
///
/// As for [`give_back`].
#[inline]
pub(super) unsafe fn keep<C>(room: NonNull<C>, layout: Layout) {
    let room = room.cast();
    let push = |pool: &Pool| {
        let Some(index) = index(layout) else { return false };
        let size = &pool.sizes[index];
        let may_keep = size.until_look.get() > 0 || pool.look(index);
        if may_keep {
            // SAFETY: as promised; the list is that of the layout.
            unsafe { size.push(room) };
        }
        may_keep
    };
    if !POOL.try_with(push).unwrap_or(false) {
        // SAFETY: as promised.
        unsafe { give_back(room, layout) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (index, size) in self.sizes.iter().enumerate() {
            while let Some(piece) = size.pop() {
                // SAFETY: all pieces of a list were allocated with its layout.
                unsafe { give_back(piece, layout_of(index)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::pool::allocate_new;

    /// As `keep`.
    fn put(pool: &Pool, index: usize, piece: NonNull<u8>) {
        // SAFETY: the piece is ours, and of this size.
        unsafe {
            match pool.sizes[index].until_look.get() > 0 || pool.look(index) {
                true => pool.sizes[index].push(piece),
                false => give_back(piece, layout_of(index)),
            }
        }
    }

    #[test]
    fn half_of_what_lies_idle_goes_back_after_each_period() {
        const INDEX: usize = 3;
        let (pool, crowd) = (Pool::new(), 4000);
        // SAFETY: the size is not zero.
        let pieces: Vec<_> = (0..crowd).map(|_| unsafe { allocate_new(layout_of(INDEX)) }).collect();
        pieces.iter().for_each(|_| pool.missed(INDEX));
        pieces.into_iter().for_each(|piece| put(&pool, INDEX, piece));
        let (size, most) = (&pool.sizes[INDEX], &pool.limits[INDEX].most);
        assert_eq!((size.count.get(), most.get()), (crowd, BASE + crowd));

        let mut limits = vec![(most.get(), crowd)];
        let mut freed = crowd;
        let mut work = |until: &dyn Fn(usize) -> bool| {
            while !until(freed) {
                let piece = size.pop().unwrap();
                freed += 1;
                put(&pool, INDEX, piece);
                if limits.last().unwrap().0 != most.get() {
                    limits.push((most.get(), freed));
                }
            }
        };
        work(&|_| most.get() == BASE);
        // The first period began with none. All but one are idle in the others, and a stride less than the limit is kept.
        let fallen = [BASE + crowd, BASE + crowd - 1, 3024, 1640, BASE];
        work(&|freed| freed == 100_000);
        assert_eq!(limits.iter().map(|limit| limit.0).collect::<Vec<_>>(), fallen);
        let mut end = 0;
        for (most, (_, freed)) in fallen.into_iter().zip(&limits[1..]) {
            end += 4 * most;
            assert!(freed.abs_diff(end) <= fallen.len() * STRIDE, "{limits:?}");
        }
        assert!(size.count.get() <= BASE);
    }

    #[test]
    fn a_list_that_is_full_is_seldom_looked_at() {
        const INDEX: usize = 5;
        let pool = Pool::new();
        for _ in 0..=BASE {
            // SAFETY: the size is not zero.
            put(&pool, INDEX, unsafe { allocate_new(layout_of(INDEX)) });
        }
        let size = &pool.sizes[INDEX];
        assert_eq!((size.count.get(), size.until_look.get()), (BASE - STRIDE + 1, STRIDE - 1));
    }

    #[test]
    fn there_is_an_end_to_what_may_be_kept() {
        let pool = Pool::new();
        (0..CEILING).for_each(|_| pool.missed(0));
        assert_eq!(pool.limits[0].most.get(), CEILING);
    }
}

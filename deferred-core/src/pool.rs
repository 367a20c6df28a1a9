//! Memory for cells, and for the first callbacks of a chain.
//!
//! A cell mostly lives for a few hundred instructions, so what the allocator costs is a good part of what it costs.
//! With `std` each thread therefore keeps the memory of cells that were freed on it for those that it makes next:
//! at most [`MOST`] of each size, until it ends.
//!
//! Built with `--cfg unpooled`, and without `std`, all memory goes back to the allocator at once, for tools that
//! watch what is used after it was freed.

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::ptr::NonNull;

/// Allocates room.
///
/// # Safety
///
/// The size must not be zero.
#[inline]
pub(crate) unsafe fn allocate(layout: Layout) -> NonNull<u8> {
    let layout = imp::layout(layout);
    // SAFETY: as promised.
    imp::reuse(layout).unwrap_or_else(|| unsafe { allocate_new(layout) })
}

/// # Safety
///
/// As for [`allocate`].
#[cold]
#[inline(never)]
unsafe fn allocate_new(layout: Layout) -> NonNull<u8> {
    // SAFETY: as promised.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Frees it.
///
/// # Safety
///
/// It must come from `allocate` with this layout, and nobody may use it any more.
#[inline]
pub(crate) unsafe fn free(room: NonNull<u8>, layout: Layout) {
    // SAFETY: as promised.
    unsafe { imp::keep(room, imp::layout(layout)) }
}

/// # Safety
///
/// As for [`free`], with the layout that the room was allocated with.
#[cold]
#[inline(never)]
unsafe fn give_back(room: NonNull<u8>, layout: Layout) {
    // SAFETY: as promised.
    unsafe { dealloc(room.as_ptr(), layout) }
}

#[cfg(all(feature = "std", not(any(loom, shuttle, miri, unpooled))))]
mod imp {
    use core::cell::Cell;
    use core::ptr::{self, NonNull};

    use super::{Layout, give_back};

    /// How many pieces of one size a thread keeps at most.
    const MOST: usize = 1024;
    /// Sizes are rounded up to multiples of this, which is also how they are aligned.
    const STEP: usize = 16;
    /// Larger pieces are not kept.
    const LARGEST: usize = 192;

    /// The pieces of one size that are free.
    struct Size {
        /// The first; each begins with the address of the next.
        first: Cell<*mut u8>,
        count: Cell<usize>,
    }

    impl Size {
        const fn new() -> Self {
            Self { first: Cell::new(ptr::null_mut()), count: Cell::new(0) }
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
            let first = NonNull::new(size.first.get())?;
            // SAFETY: a free piece is this thread's alone and holds the address of the next.
            size.first.set(unsafe { first.cast::<*mut u8>().read() });
            size.count.set(size.count.get() - 1);
            Some(first)
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
            let fits = size.count.get() < MOST;
            if fits {
                // SAFETY: the room is ours, and large enough for an address.
                unsafe { room.cast::<*mut u8>().write(size.first.get()) };
                size.first.set(room.as_ptr());
                size.count.set(size.count.get() + 1);
            }
            fits
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
                while let Some(first) = NonNull::new(size.first.get()) {
                    // SAFETY: as for `reuse`; all pieces of a list were allocated with this layout.
                    unsafe {
                        size.first.set(first.cast::<*mut u8>().read());
                        give_back(first, layout);
                    }
                }
            }
        }
    }
}

#[cfg(not(all(feature = "std", not(any(loom, shuttle, miri, unpooled)))))]
mod imp {
    use core::ptr::NonNull;

    use super::{Layout, give_back};

    #[inline(always)]
    pub(super) const fn layout(exact: Layout) -> Layout {
        exact
    }

    #[inline(always)]
    pub(super) fn reuse(_: Layout) -> Option<NonNull<u8>> {
        None
    }

    /// # Safety
    ///
    /// As for [`give_back`].
    #[inline(always)]
    pub(super) unsafe fn keep(room: NonNull<u8>, layout: Layout) {
        // SAFETY: as promised.
        unsafe { give_back(room, layout) }
    }
}

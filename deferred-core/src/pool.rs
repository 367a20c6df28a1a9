//! Memory for cells, and for the first callbacks of a chain.
//!
//! A cell mostly lives for a few hundred instructions, so what the allocator costs is a good part of what it costs.
//! With `std` each thread therefore keeps the memory of cells that were freed on it for those that it makes next, until
//! it ends; `pool/thread.rs` says how much.
//!
//! Built with `--cfg unpooled`, and without `std`, all memory goes back to the allocator at once, for tools that
//! watch what is used after it was freed.

#[cfg(all(feature = "std", not(any(loom, shuttle, miri, unpooled))))]
mod thread;

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::ptr::NonNull;

#[cfg(all(feature = "std", not(any(loom, shuttle, miri, unpooled))))]
use self::thread as imp;

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
pub(crate) unsafe fn free(room: NonNull<u8>, layout: Layout) {
    // SAFETY: as promised.
    unsafe { imp::keep(room, imp::layout(layout)) }
}

/// Frees what was allocated for a `C`.
///
/// # Safety
///
/// As for [`free`].
#[inline]
pub(crate) unsafe fn free_of<C>(room: NonNull<C>) {
    // SAFETY: as promised.
    unsafe { imp::keep(room, imp::layout(Layout::new::<C>())) }
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
    pub(super) unsafe fn keep<C>(room: NonNull<C>, layout: Layout) {
        // SAFETY: as promised.
        unsafe { give_back(room.cast(), layout) }
    }
}

//! Uses each library without std, with a panic handler and an allocator of its own.
//!
//! Once std is anywhere below, its panic handler clashes with the one here, and this does not compile.

#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};
use core::panic::PanicInfo;

use deferred_core::Deferred;
// To be named is enough for the compiler to look at all that a crate brings.
use {deferred_list as _, deferred_queue as _, deferred_sync as _};

// Every host has a C library, whose start-up code calls `main`.
#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
    fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    fn free(memory: *mut c_void);
}

struct CAllocator;

#[global_allocator]
static ALLOCATOR: CAllocator = CAllocator;

// SAFETY: `aligned_alloc` returns memory of this size and alignment or null, and `free` takes it back.
unsafe impl GlobalAlloc for CAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the alignment is a power of two, and the size is one of its multiples.
        unsafe { aligned_alloc(layout.align(), layout.pad_to_align().size()).cast() }
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: `alloc` above gave this memory out.
        unsafe { free(memory.cast()) }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: ends the process, whatever its state.
    unsafe { abort() }
}

/// Exits with 0 if a result goes through a callback and comes out.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    let (resolver, deferred) = Deferred::<c_int>::new();
    let mut doubled = deferred.add_callback(|number| Ok(number * 2));
    let fired = resolver.callback(21).is_ok();
    let right = matches!(doubled.try_take(), Some(Ok(42)));
    c_int::from(!(fired && right))
}

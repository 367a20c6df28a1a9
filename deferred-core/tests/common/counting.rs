//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread;

/// Counts what the thread allocates and holds.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        HELD.set(HELD.get() + size as isize - layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns how many allocations `f` makes on a thread that has no memory of earlier cells; it must give all of them back.
#[track_caller]
pub(crate) fn allocations(mut f: impl FnMut() + Send) -> usize {
    // What `f` shares with the outside may grow once.
    f();
    let counted = thread::scope(|scope| {
        let count = scope.spawn(|| {
            let before = ALLOCATIONS.get();
            f();
            let count = ALLOCATIONS.get() - before;
            // The memory of cells stays with the thread, for the next ones; everything else must be back.
            let held = HELD.get();
            f();
            (count, HELD.get() - held)
        });
        count.join()
    });
    let (count, leaked) = counted.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    assert_eq!(leaked, 0, "bytes are leaked");
    count
}

/// Returns how many bytes the thread holds of what it allocated.
pub(crate) fn held() -> isize {
    HELD.get()
}

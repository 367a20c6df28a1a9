//! A counting allocator, installed only in the binary that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static CALLS: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counting what it is asked for.
pub struct Counting;

/// What has been asked of the allocator, or what was asked between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Calls that gave out memory; a `realloc` is one.
    pub calls: u64,
    /// Bytes given out.
    pub bytes: u64,
    /// Bytes given out and not taken back.
    pub live: u64,
}

impl Count {
    /// The counts so far; all zero where [`Counting`] is not installed.
    pub fn now() -> Self {
        let bytes = ASKED.load(Relaxed);
        Self { calls: CALLS.load(Relaxed), bytes, live: bytes - FREED.load(Relaxed) }
    }

    /// What has been counted since `earlier`.
    pub fn since(earlier: Self) -> Self {
        let now = Self::now();
        Self {
            calls: now.calls - earlier.calls,
            bytes: now.bytes - earlier.bytes,
            live: now.live.saturating_sub(earlier.live),
        }
    }
}

fn count(bytes: usize) {
    CALLS.fetch_add(1, Relaxed);
    ASKED.fetch_add(bytes as u64, Relaxed);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        FREED.fetch_add(layout.size() as u64, Relaxed);
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        FREED.fetch_add(layout.size() as u64, Relaxed);
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

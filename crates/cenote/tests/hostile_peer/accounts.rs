//! What this process has: bytes of heap, descriptors, mappings.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are allocated now, and the most that were since `watch`.
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

// Relaxed throughout: they count, and order nothing.
fn more(size: usize) {
    let now = NOW.fetch_add(size, Ordering::Relaxed) + size;
    MOST.fetch_max(now, Ordering::Relaxed);
}

fn less(size: usize) {
    NOW.fetch_sub(size, Ordering::Relaxed);
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counted {
    // SAFETY: as the trait says, and passed on.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: as the trait says, and passed on.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    // SAFETY: as the trait says, and passed on.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        more(size);
        less(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.realloc(memory, layout, size) }
    }

    // SAFETY: as the trait says, and passed on.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        less(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// The result, and how many bytes more than before it took at its height.
pub(crate) fn watched<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let result = work();
    (result, MOST.load(Ordering::Relaxed).saturating_sub(before))
}

/// What must be as it was once all segments are detached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stock {
    pub(crate) heap: usize,
    pub(crate) descriptors: usize,
    /// Of native segments.
    pub(crate) mappings: usize,
}

impl Stock {
    pub(crate) fn taken() -> Self {
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
        let maps = fs::read("/proc/self/maps").unwrap();
        let lines = maps.split(|&byte| byte == b'\n');
        let mappings = lines.filter(|line| line.windows(16).any(|part| part == b"/dev/shm/cenote.")).count();
        Self { heap: NOW.load(Ordering::Relaxed), descriptors, mappings }
    }
}

//! What a peer does to a segment's size never makes this process allocate for it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::OpenOptions;

use cenote::{ErrorKind, Segment};
use testkit::names::ShmName;

use crate::minute;

thread_local! {
    /// The largest piece that this thread has allocated since it last looked.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Watched;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn note(size: usize) {
    // A thread that is ending has no variables any more.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Watched {
    // SAFETY: as the trait says, and passed on.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: as the trait says, and passed on.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    // SAFETY: as the trait says, and passed on.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(memory, layout, size) }
    }

    // SAFETY: as the trait says, and passed on.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// The result, and the largest allocation that it took.
fn watched<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.set(0);
    let result = work();
    (result, LARGEST.get())
}

const SIZE: usize = 1 << 20;
/// What messages may take.
const WORDS: usize = 4096;

fn resize(name: &ShmName, size: u64) {
    OpenOptions::new().write(true).open(name.path()).unwrap().set_len(size).unwrap();
}

#[test]
fn the_watch_sees_an_allocation() {
    assert!(watched(|| vec![0_u8; SIZE].len()).1 >= SIZE);
}

#[test]
fn a_copy_of_a_segment_that_shrank_allocates_no_more_than_its_length() {
    let _watchdog = minute();
    let name = ShmName::unique("allocation");
    let segment = Segment::create(format!("posix:{}", name.name()), SIZE as u64).unwrap();
    resize(&name, 4096);
    let (result, largest) = watched(|| segment.read_to_vec(..));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(largest <= SIZE, "{largest}");
    // Known to be lost by now.
    let (result, largest) = watched(|| segment.read_to_vec(..));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(largest <= SIZE, "{largest}");
}

#[test]
fn a_segment_that_grew_is_read_as_it_was_attached() {
    let _watchdog = minute();
    let name = ShmName::unique("grown");
    let segment = Segment::create(format!("posix:{}", name.name()), SIZE as u64).unwrap();
    resize(&name, 1 << 40);
    let (result, largest) = watched(|| segment.read_to_vec(..));
    assert_eq!(result.unwrap().len(), SIZE);
    assert!(largest <= SIZE, "{largest}");
    assert_eq!(segment.stat().unwrap().size, 1 << 40, "which can be seen");
}

#[test]
fn a_segment_larger_than_memory_is_attached_and_an_impossible_copy_is_an_error() {
    let _watchdog = minute();
    let name = ShmName::unique("huge");
    let address = format!("posix:{}", name.name());
    drop(Segment::create(&address, 4096).unwrap());
    resize(&name, 1 << 46);
    // The hostile size may be too much to map, or to copy; neither ends the process.
    match Segment::attach(&address) {
        Ok(segment) => {
            segment.write_at(1 << 45, b"far").unwrap();
            let error = segment.read_to_vec(..).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfResources, "{error}");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::OutOfResources, "{error}"),
    }
}

#[test]
fn a_range_that_is_out_of_bounds_allocates_nothing_for_it() {
    let _watchdog = minute();
    let name = ShmName::unique("bounds");
    let segment = Segment::create(format!("posix:{}", name.name()), 4096).unwrap();
    for range in [0..SIZE, 4000..usize::MAX, 0..usize::MAX] {
        let (result, largest) = watched(|| segment.read_to_vec(range));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidSize);
        assert!(largest <= WORDS, "{largest}");
    }
}

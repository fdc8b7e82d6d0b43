//! Which addresses are mappings of ours: read by a signal handler while other threads map and unmap.
//!
//! Writers take turns (the caller sees to it). Each entry is a small seqlock: its version is odd while it changes, so
//! that a reader never takes the start of one mapping with the end of another. A reader that meets a changing entry
//! passes over it: the mapping it looks for is in use by its own thread, and so is not changing.

#![allow(unsafe_code)]

use crate::sys::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};

#[cfg(not(loom))]
const ENTRIES: usize = 64;
#[cfg(loom)]
const ENTRIES: usize = 1;

/// A list of blocks that only grows: what a handler may be reading is never freed.
pub(super) struct Table {
    entries: [Entry; ENTRIES],
    next: AtomicPtr<Table>,
}

/// One mapping, or none.
pub(super) struct Entry {
    version: AtomicUsize,
    start: AtomicUsize,
    /// One past the last byte; 0 in an entry that is free.
    end: AtomicUsize,
    writable: AtomicBool,
    lost: AtomicBool,
}

/// What the table knows of an address.
pub(super) struct Found<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) writable: bool,
    entry: &'a Entry,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { entries: std::array::from_fn(|_| Entry::new()), next: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Enters a mapping. One writer at a time.
    pub(super) fn insert(&'static self, start: usize, end: usize, writable: bool) -> &'static Entry {
        let mut block = self;
        loop {
            // Relaxed: only writers change it, and they take turns.
            if let Some(entry) = block.entries.iter().find(|entry| entry.end.load(Ordering::Relaxed) == 0) {
                entry.set(start, end, writable);
                return entry;
            }
            block = block.next_block().unwrap_or_else(|| {
                let new: &'static mut Table = Box::leak(Box::new(Table::new()));
                let new: *mut Table = new;
                // Release: pairs with the Acquire in `next_block`, which then sees the entries made.
                block.next.store(new, Ordering::Release);
                block.next_block().unwrap_or(block)
            });
        }
    }

    /// The mapping that holds `address`.
    pub(super) fn find(&'static self, address: usize) -> Option<Found<'static>> {
        let mut block = self;
        loop {
            let found =
                block.entries.iter().find_map(|entry| entry.read().filter(|found| found.holds(address)));
            if found.is_some() {
                return found;
            }
            block = block.next_block()?;
        }
    }

    fn next_block(&self) -> Option<&'static Table> {
        // Acquire: pairs with the Release in `insert`.
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: null, or a block that `insert` leaked, and so valid for ever.
        unsafe { next.as_ref() }
    }
}

impl Entry {
    fn new() -> Self {
        Self {
            version: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            writable: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }
    }

    /// Empties the entry. One writer at a time.
    pub(super) fn clear(&self) {
        self.set(0, 0, false);
    }

    /// Whether the memory behind the mapping was taken away.
    #[inline]
    pub(super) fn is_lost(&self) -> bool {
        // Acquire: pairs with the Release in `Found::lose`. Whoever read the zero pages that replaced the memory has
        // met the remapping, which comes after that store.
        self.lost.load(Ordering::Acquire)
    }

    fn set(&self, start: usize, end: usize, writable: bool) {
        // Relaxed: only writers change it, and they take turns.
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        // Release fence: pairs with the Acquire fence in `read`. A reader that saw any of the stores below also sees
        // the odd version, and so a change, when it looks at the version again.
        fence(Ordering::Release);
        self.start.store(start, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
        self.writable.store(writable, Ordering::Relaxed);
        self.lost.store(false, Ordering::Relaxed);
        // Release: pairs with the first load in `read`, which then sees all of the stores above.
        self.version.store(version + 2, Ordering::Release);
    }

    fn read(&self) -> Option<Found<'_>> {
        // Acquire: pairs with the last store in `set`.
        let version = self.version.load(Ordering::Acquire);
        let start = self.start.load(Ordering::Relaxed);
        let end = self.end.load(Ordering::Relaxed);
        let writable = self.writable.load(Ordering::Relaxed);
        // Acquire fence: pairs with the Release fence in `set`.
        fence(Ordering::Acquire);
        let unchanged = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        unchanged.then_some(Found { start, end, writable, entry: self })
    }
}

impl Found<'_> {
    fn holds(&self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// Says that the memory is gone: before it is replaced, so that nobody takes the replacement for data.
    pub(super) fn lose(&self) {
        // Release: pairs with the Acquire in `is_lost`.
        self.entry.lost.store(true, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod loom_model {
    //! A reader against a writer that unmaps and maps, in every interleaving with up to three preemptions.

    use super::{Found, Table};

    fn explore(model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    fn new_table() -> &'static Table {
        Box::leak(Box::new(Table::new()))
    }

    #[test]
    fn loom_a_reader_never_mixes_two_mappings() {
        explore(|| {
            let table = new_table();
            let first = table.insert(0x1000, 0x2000, true);
            let writer = loom::thread::spawn(move || {
                first.clear();
                table.insert(0x8000, 0x9000, false);
            });
            if let Some(Found { start, end, writable, .. }) = table.entries[0].read() {
                let seen = (start, end, writable);
                let whole = [(0x1000, 0x2000, true), (0, 0, false), (0x8000, 0x9000, false)];
                assert!(whole.contains(&seen), "{seen:x?}");
            }
            writer.join().unwrap();
        });
    }

    #[test]
    fn loom_a_mapping_that_nobody_changes_is_found_while_others_come_and_go() {
        explore(|| {
            let table = new_table();
            let other = table.insert(0x1000, 0x2000, true);
            // Blocks have one entry here, so this one is in the second.
            table.insert(0x4000, 0x5000, true);
            let writer = loom::thread::spawn(move || {
                other.clear();
                table.insert(0x8000, 0x9000, false);
            });
            let found = table.find(0x4800).expect("it is there all the time");
            assert_eq!((found.start, found.end), (0x4000, 0x5000));
            writer.join().unwrap();
        });
    }

    #[test]
    fn loom_a_lost_mapping_is_seen_as_lost() {
        explore(|| {
            let table = new_table();
            let entry = table.insert(0x1000, 0x2000, true);
            let handler = loom::thread::spawn(move || table.find(0x1800).expect("it is there").lose());
            // What `Mapping` does after a copy; before the handler came, it may say either.
            let _ = entry.is_lost();
            handler.join().unwrap();
            assert!(entry.is_lost());
        });
    }
}

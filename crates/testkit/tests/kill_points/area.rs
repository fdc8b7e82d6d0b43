//! A file that is mapped shared, with stores that are one instruction each.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr;

/// A mapped file; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Area {
    base: *mut u8,
    len: usize,
}

impl Area {
    /// A new file of `len` zeros in the place of what is there.
    pub(crate) fn create(path: &Path, len: usize) -> Self {
        let _ = std::fs::remove_file(path);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
        file.set_len(len as u64).unwrap();
        Self::map(&file, len)
    }

    /// What `create` made.
    pub(crate) fn open(path: &str) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
        Self::map(&file, len)
    }

    /// The first `len` bytes of a file.
    pub(crate) fn map(file: &File, len: usize) -> Self {
        let (rights, descriptor) = (libc::PROT_READ | libc::PROT_WRITE, file.as_raw_fd());
        // SAFETY: a new mapping where the kernel likes it disturbs nobody.
        let base = unsafe { libc::mmap(ptr::null_mut(), len, rights, libc::MAP_SHARED, descriptor, 0) };
        assert_ne!(base, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        Self { base: base.cast(), len }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.len);
        self.base.wrapping_add(offset)
    }

    /// Stores a word by one instruction.
    pub(crate) fn store(&self, offset: usize, value: u64) {
        let to: *mut u64 = self.at(offset).cast();
        assert!(offset + 8 <= self.len && to.is_aligned());
        // SAFETY: aligned and inside the mapping; volatile, since another process looks.
        unsafe { to.write_volatile(value) };
    }

    /// The word that is there now.
    pub(crate) fn load(&self, offset: usize) -> u64 {
        let from: *const u64 = self.at(offset).cast();
        assert!(offset + 8 <= self.len && from.is_aligned());
        // SAFETY: aligned and inside the mapping; volatile, since another process has stored.
        unsafe { from.read_volatile() }
    }

    /// All bytes that are there now.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let words = (0..self.len / 8).map(|index| self.load(index * 8));
        words.flat_map(u64::to_le_bytes).collect()
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: our own mapping, and nothing refers to it any more.
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}

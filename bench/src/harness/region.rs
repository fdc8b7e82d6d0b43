//! A piece of memory that both processes have mapped: found by its path, and held until dropped.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::path::Path;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::{Fault, fault};

/// A shared mapping of a whole file.
pub(crate) struct Region {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to the process and not to a thread; who may touch which bytes when, the users of `words`
// and `at` promise.
unsafe impl Send for Region {}

impl Region {
    /// Makes the file of shared memory, with all its pages there, and maps it.
    pub(crate) fn create(path: &Path, length: usize) -> Result<Self, Fault> {
        let opened = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = opened.map_err(fault("a file of shared memory"))?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, length as u64)
            .map_err(fault("fallocate"))?;
        Self::map(&file)
    }

    /// Maps the file that somebody made.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        Self::map(&opened.map_err(fault("a file of shared memory"))?)
    }

    pub(crate) fn map(file: &File) -> Result<Self, Fault> {
        let length = file.metadata().map_err(fault("fstat"))?.len() as usize;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: the kernel chooses the address, so nothing that is mapped already is replaced.
        let start = unsafe { mmap(null_mut(), length, access, flags, file.as_fd(), 0) };
        let start = NonNull::new(start.map_err(fault("mmap"))?.cast()).ok_or("mmap: no address")?;
        Ok(Self { start, length })
    }

    /// The place `offset` bytes in, where a `T` fits.
    ///
    /// # Panics
    /// If it would reach beyond the end, or is not aligned.
    pub(crate) fn at<T>(&self, offset: usize) -> NonNull<T> {
        assert!(offset.checked_add(size_of::<T>()).is_some_and(|end| end <= self.length));
        // SAFETY: the assertion above: it lies within the mapping.
        let place = unsafe { self.start.add(offset) }.cast::<T>();
        assert!(place.is_aligned());
        place
    }

    /// `count` words from `offset` on, to write.
    ///
    /// # Safety
    /// Until the reference is gone, nobody else may touch these words: the two sides of a link take turns by a word of
    /// their own, which is read with acquire before and written with release after.
    #[allow(clippy::mut_from_ref, reason = "whose turn it is, the words in the memory say")]
    #[inline]
    pub(crate) unsafe fn words_mut(&self, offset: usize, count: usize) -> &mut [u64] {
        debug_assert!(offset.is_multiple_of(8) && offset + count * 8 <= self.length);
        // SAFETY: the caller keeps to the mapping (as the assertion checks in tests).
        let start = unsafe { self.start.add(offset) }.cast::<u64>().as_ptr();
        // SAFETY: mapped and aligned, any bytes are words, and the caller promises that they are nobody else's.
        unsafe { std::slice::from_raw_parts_mut(start, count) }
    }

    /// `count` words from `offset` on, to read.
    ///
    /// # Safety
    /// Until the reference is gone, nobody may write these words; see [`words_mut`](Self::words_mut).
    #[inline]
    pub(crate) unsafe fn words(&self, offset: usize, count: usize) -> &[u64] {
        debug_assert!(offset.is_multiple_of(8) && offset + count * 8 <= self.length);
        // SAFETY: the caller keeps to the mapping (as the assertion checks in tests).
        let start = unsafe { self.start.add(offset) }.cast::<u64>().as_ptr();
        // SAFETY: mapped and aligned, any bytes are words, and the caller promises that nobody writes them.
        unsafe { std::slice::from_raw_parts(start, count) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: it is exactly what `map` was given, and what was handed out of it borrows from `self` or is used by
        // the owner of `self` alone.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.length) };
    }
}

//! A segment's memory in this process: mapped once, copied in and out with bounds, unmapped once.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags};
use zerocopy::FromBytes;

use super::fault::Watch;
use super::os_error;
use super::whole_pages;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::copy;

/// Mapped memory that other processes may change at any time.
///
/// Nothing here hands out a reference to it: bytes go in and out by copies.
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    source: Source,
}

enum Source {
    /// A file, which somebody may shrink unless it is sealed. Before the drop of the mapping ends, so does the watch.
    File(Option<Watch>),
    /// A System V segment, which cannot shrink.
    SystemV,
}

// SAFETY: the memory belongs to no thread, and every access to it is a copy that tolerates changes by others.
unsafe impl Send for Mapping {}
// SAFETY: likewise.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of a file, shared.
    pub(crate) fn of_file(file: &OwnedFd, len: usize, writable: bool) -> Result<Self> {
        let base = map(file, len, writable)?;
        let watch = Watch::new(base as usize, whole_pages(len as u64) as usize, writable);
        Self::new(base, len, writable, Source::File(Some(watch)))
    }

    /// Maps the first `len` bytes of a file that is sealed against writing and shrinking, read-only. It is under no
    /// watch: nothing may ever take the place of these bytes.
    pub(super) fn of_sealed_file(file: &OwnedFd, len: usize) -> Result<Self> {
        Self::new(map(file, len, false)?, len, false, Source::File(None))
    }

    /// Attaches a System V segment of `len` bytes.
    pub(crate) fn of_segment(id: i32, len: usize, writable: bool) -> Result<Self> {
        let flags = if writable { 0 } else { libc::SHM_RDONLY };
        // SAFETY: attaching at a place of the kernel's choice changes nothing that exists.
        let base = unsafe { libc::shmat(id, ptr::null(), flags) };
        if base.addr() == usize::MAX {
            let error = std::io::Error::last_os_error();
            return Err(match error.raw_os_error() {
                Some(libc::EINVAL | libc::EIDRM) => {
                    os_error("shmat", error).with_kind(ErrorKind::NotFound).because("it was removed just now")
                }
                _ => os_error("shmat", error),
            });
        }
        Self::new(base, len, writable, Source::SystemV)
    }

    fn new(base: *mut c_void, len: usize, writable: bool, source: Source) -> Result<Self> {
        let base = NonNull::new(base.cast())
            .ok_or_else(|| Error::new(ErrorKind::Unknown, "the system mapped the memory at address 0"))?;
        Ok(Self { base, len, writable, source })
    }

    /// The segment's size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The size as mapped: whole pages.
    pub(crate) fn mapped(&self) -> usize {
        whole_pages(self.len as u64) as usize
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Reserves every page now, as far as the kernel can do so: an error instead of a SIGBUS later.
    pub(crate) fn populate(&self) -> Result<()> {
        let advice = if self.writable { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
        // SAFETY: the whole mapping, which is ours; populating changes no byte.
        let result = unsafe { libc::madvise(self.base.as_ptr().cast(), self.mapped(), advice) };
        if result == 0 {
            return Ok(());
        }
        let error = std::io::Error::last_os_error();
        match error.raw_os_error() {
            // Linux before 5.14 does not know it.
            Some(libc::EINVAL) => Ok(()),
            _ => Err(os_error("madvise(MADV_POPULATE)", error).with_kind(ErrorKind::OutOfResources)),
        }
    }

    /// Copies out as many bytes from `offset` on as fit into `to`.
    #[inline]
    pub(crate) fn read(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        // SAFETY: the slice is ours to write.
        unsafe { self.read_raw(offset, to.as_mut_ptr(), to.len()) }
    }

    /// Copies out `len` bytes from `offset` on.
    pub(crate) fn read_to_vec(&self, offset: usize, len: usize) -> Result<Vec<u8>> {
        // Checked before anything is allocated for it.
        self.at(offset, len)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| {
            Error::new(ErrorKind::OutOfResources, format!("there is no memory for a copy of {len} bytes"))
        })?;
        // SAFETY: the vector has room for `len` bytes.
        unsafe { self.read_raw(offset, bytes.as_mut_ptr(), len) }?;
        // SAFETY: they were written just now.
        unsafe { bytes.set_len(len) };
        Ok(bytes)
    }

    /// Copies out a value of a type for which all bytes are valid.
    #[inline]
    pub(crate) fn read_value<T: FromBytes>(&self, offset: usize) -> Result<T> {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the value is ours to write, and has its size in bytes.
        unsafe { self.read_raw(offset, value.as_mut_ptr().cast(), size_of::<T>()) }?;
        // SAFETY: all its bytes were written, and FromBytes says that any are valid.
        Ok(unsafe { value.assume_init() })
    }

    /// # Safety
    /// `to` is valid for writes of `len` bytes, which nobody else uses meanwhile.
    #[inline]
    unsafe fn read_raw(&self, offset: usize, to: *mut u8, len: usize) -> Result<()> {
        let from = self.at(offset, len)?;
        // SAFETY: `at` checked that the `len` bytes are mapped; `to` is the caller's promise.
        unsafe { copy::read(from.as_ptr(), to, len) };
        self.intact()
    }

    /// Copies `from` to `offset`.
    #[inline]
    pub(crate) fn write(&self, offset: usize, from: &[u8]) -> Result<()> {
        let to = self.at_for_writing(offset, from.len())?;
        // SAFETY: `at` checked that the bytes are mapped, writable; the slice is borrowed.
        unsafe { copy::write(from.as_ptr(), to.as_ptr(), from.len()) };
        self.intact()
    }

    /// Copies `len` bytes to another mapping, or to another place of this one.
    pub(crate) fn copy_to(&self, offset: usize, to: &Mapping, to_offset: usize, len: usize) -> Result<()> {
        let from = self.at(offset, len)?;
        let target = to.at_for_writing(to_offset, len)?;
        // SAFETY: both ranges were checked and are mapped while `self` and `to` are borrowed.
        unsafe { copy::across(from.as_ptr(), target.as_ptr(), len) };
        self.intact()?;
        to.intact()
    }

    /// Sets `len` bytes from `offset` on to `byte`.
    pub(crate) fn fill(&self, offset: usize, len: usize, byte: u8) -> Result<()> {
        let to = self.at_for_writing(offset, len)?;
        // SAFETY: the range was checked and is mapped and writable.
        unsafe { copy::fill(to.as_ptr(), byte, len) };
        self.intact()
    }

    /// The word at `offset`, for lock-free code: others change it at any time.
    pub(crate) fn word(&self, offset: usize) -> Result<&AtomicU64> {
        let at = self.at_for_writing(offset, size_of::<AtomicU64>())?.cast::<AtomicU64>();
        if !at.is_aligned() {
            return Err(Error::new(ErrorKind::InvalidSize, "a word has an offset that is a multiple of 8"));
        }
        // SAFETY: aligned, within the mapping and writable, and borrowed no longer than that lives.
        Ok(unsafe { at.as_ref() })
    }

    /// `Corrupt` once the memory behind the mapping was taken away.
    #[inline]
    pub(crate) fn intact(&self) -> Result<()> {
        match &self.source {
            Source::File(Some(watch)) if watch.lost() => Err(lost()),
            _ => Ok(()),
        }
    }

    /// Unmaps, and says if that failed.
    pub(crate) fn unmap(mut self) -> Result<()> {
        let result = self.unmap_once();
        std::mem::forget(self);
        result
    }

    #[inline]
    fn at_for_writing(&self, offset: usize, len: usize) -> Result<NonNull<u8>> {
        if self.writable { self.at(offset, len) } else { Err(read_only()) }
    }

    /// The address of `len` bytes from `offset` on, all of them within the segment.
    #[inline]
    fn at(&self, offset: usize, len: usize) -> Result<NonNull<u8>> {
        match offset.checked_add(len) {
            // SAFETY: offset <= len of the mapping, so the pointer stays within it or one past its end.
            Some(end) if end <= self.len => Ok(unsafe { self.base.add(offset) }),
            _ => Err(Error::outside(offset, len, self.len)),
        }
    }

    fn unmap_once(&mut self) -> Result<()> {
        let base = self.base.as_ptr().cast();
        match &mut self.source {
            Source::File(watch) => {
                // First: once unmapped, the addresses may be somebody else's.
                drop(watch.take());
                // SAFETY: mapped in `of_file` with this length; nothing borrows `self` any more.
                unsafe { rustix::mm::munmap(base, self.len) }.map_err(|errno| os_error("munmap", errno))
            }
            Source::SystemV => {
                // SAFETY: attached in `of_segment`; nothing borrows `self` any more.
                let result = unsafe { libc::shmdt(base) };
                if result == 0 { Ok(()) } else { Err(os_error("shmdt", std::io::Error::last_os_error())) }
            }
        }
    }
}

fn map(file: &OwnedFd, len: usize, writable: bool) -> Result<*mut c_void> {
    let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
    // SAFETY: a new mapping at a place of the kernel's choice changes nothing that exists.
    unsafe { rustix::mm::mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, file, 0) }
        .map_err(|errno| os_error("mmap", errno))
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // `unmap` reports errors; here nobody could hear of them.
        let _ = self.unmap_once();
    }
}

#[cold]
fn lost() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "the memory behind it is gone: another process shrank it, or a sparse one found no more",
    )
}

#[cold]
fn read_only() -> Error {
    Error::new(ErrorKind::PermissionDenied, "it is attached read-only")
        .with_hint("attach it read-write, that is without read_only()")
}

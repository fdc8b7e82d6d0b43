//! How memory is mapped here: files by mmap(2), System V segments by shmat(2).

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::os::fd::OwnedFd;
use std::ptr;

use rustix::mm::{MapFlags, ProtFlags};

use super::fault::Watch;
use super::os_error;
use crate::error::{ErrorKind, Result};
use crate::sys::{Mapping, whole_pages};

/// What a mapping is of.
pub(crate) enum Source {
    /// A file, which somebody may shrink unless it is sealed. Before the drop of the mapping ends, so does the watch.
    File(Option<Watch>),
    /// A System V segment, which cannot shrink.
    SystemV,
}

impl Source {
    /// Whether the memory was taken away.
    #[inline]
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::File(Some(watch)) if watch.lost())
    }

    /// # Safety
    /// The `len` bytes at `base` were mapped in this way, are not unmapped yet, and nobody uses them any more.
    pub(crate) unsafe fn unmap(&mut self, base: *mut u8, len: usize) -> Result<()> {
        match self {
            Self::File(watch) => {
                // First: once unmapped, the addresses may be somebody else's.
                drop(watch.take());
                // SAFETY: the caller's promise.
                unsafe { rustix::mm::munmap(base.cast(), len) }.map_err(|errno| os_error("munmap", errno))
            }
            Self::SystemV => {
                // SAFETY: likewise.
                let result = unsafe { libc::shmdt(base.cast()) };
                if result == 0 { Ok(()) } else { Err(os_error("shmdt", std::io::Error::last_os_error())) }
            }
        }
    }
}

impl Mapping {
    /// Maps `len` bytes of a file from a multiple of [`granularity`](crate::sys::granularity) on, shared.
    pub(in crate::sys) fn of_file_from(
        file: &OwnedFd,
        offset: u64,
        len: usize,
        writable: bool,
    ) -> Result<Self> {
        let base = map(file, offset, len, writable)?;
        let watch = Watch::new(base as usize, whole_pages(len as u64) as usize, writable);
        // SAFETY: mapped just now, and owned by what comes back.
        unsafe { Self::new(base.cast(), len, writable, Source::File(Some(watch))) }
    }

    /// Maps the first `len` bytes of a file that is sealed against writing and shrinking, read-only. It is under no
    /// watch: nothing may ever take the place of these bytes.
    pub(super) fn of_sealed_file(file: &OwnedFd, len: usize) -> Result<Self> {
        let base = map(file, 0, len, false)?;
        // SAFETY: mapped just now, and owned by what comes back.
        unsafe { Self::new(base.cast(), len, false, Source::File(None)) }
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
        // SAFETY: attached just now, and owned by what comes back.
        unsafe { Self::new(base.cast(), len, writable, Source::SystemV) }
    }

    /// Reserves every page now, as far as the kernel can do so: an error instead of a SIGBUS later.
    pub(crate) fn populate(&self) -> Result<()> {
        let advice = if self.writable() { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
        // SAFETY: the whole mapping, which is ours; populating changes no byte.
        let result =
            unsafe { libc::madvise(self.base().cast(), whole_pages(self.len() as u64) as usize, advice) };
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
}

fn map(file: &OwnedFd, offset: u64, len: usize, writable: bool) -> Result<*mut c_void> {
    let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
    // SAFETY: a new mapping at a place of the kernel's choice changes nothing that exists.
    unsafe { rustix::mm::mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, file, offset) }
        .map_err(|errno| os_error("mmap", errno))
}

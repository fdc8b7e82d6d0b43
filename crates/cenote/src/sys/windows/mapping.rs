//! How memory is mapped here: views of sections. A view does not shrink, whatever others do.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use windows_sys::Win32::System::Memory::{
    FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS,
    MapViewOfFile, UnmapViewOfFile, VirtualQuery,
};

use super::{Handle, Section, last_error};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Mapping;

/// What a mapping is of.
pub(crate) enum Source {
    View,
}

impl Source {
    /// Whether the memory was taken away, which cannot be here.
    #[inline]
    pub(crate) fn is_lost(&self) -> bool {
        false
    }

    /// # Safety
    /// `base` is that of a view which is not unmapped yet, and nobody uses it any more.
    pub(crate) unsafe fn unmap(&mut self, base: *mut u8, _len: usize) -> Result<()> {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: base.cast() };
        // SAFETY: the caller's promise.
        if unsafe { UnmapViewOfFile(view) } == 0 { Err(last_error("UnmapViewOfFile")) } else { Ok(()) }
    }
}

impl Mapping {
    /// Maps the first `len` bytes of a file, shared.
    pub(crate) fn of_file(file: &Handle, len: usize, writable: bool) -> Result<Self> {
        Self::of_section(&Section::of_file(file, len, writable)?, Some(len), writable)
    }

    /// Maps the first `len` bytes of a section, or all of it.
    pub(crate) fn of_section(section: &Section, len: Option<usize>, writable: bool) -> Result<Self> {
        let access = if writable { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ };
        // SAFETY: a new view at a place of the system's choice changes nothing that exists.
        let view = unsafe { MapViewOfFile(section.raw(), access, 0, 0, len.unwrap_or(0)) };
        if view.Value.is_null() {
            return Err(last_error("MapViewOfFile"));
        }
        let base = view.Value.cast::<u8>();
        let there = committed(base);
        let len = len.unwrap_or(there).min(there);
        // SAFETY: mapped just now, and owned by what comes back.
        let mapping = unsafe { Self::new(base, len, writable, Source::View) }?;
        if there == 0 {
            return Err(Error::new(
                ErrorKind::InvalidSize,
                "its memory is reserved, and not there yet (SEC_RESERVE)",
            )
            .with_hint("its maker commits it: try again when it has"));
        }
        Ok(mapping)
    }
}

/// How many bytes from `base` on can be touched. What was made with SEC_RESERVE has memory only as far as somebody has
/// asked for it; nobody takes it back from a view.
fn committed(base: *mut u8) -> usize {
    let mut len = 0;
    loop {
        let mut region = MaybeUninit::<MEMORY_BASIC_INFORMATION>::uninit();
        let at = base.wrapping_add(len);
        // SAFETY: any address may be asked about, and the answer has room for what is said of one.
        let told =
            unsafe { VirtualQuery(at.cast(), region.as_mut_ptr(), size_of::<MEMORY_BASIC_INFORMATION>()) };
        if told == 0 {
            return len;
        }
        // SAFETY: it was filled.
        let region = unsafe { region.assume_init() };
        if region.AllocationBase != base.cast() || region.State != MEM_COMMIT {
            return len;
        }
        len += region.RegionSize;
    }
}

//! How memory is mapped here: views of sections. A view does not shrink, whatever others do. What it takes from a disk or
//! another machine can fail to come, and that ends the process: see `docs/safety.md`.

#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;

use windows_sys::Win32::Foundation::ERROR_INVALID_HANDLE;
use windows_sys::Win32::System::Memory::{
    FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEM_MAPPED, MEMORY_BASIC_INFORMATION,
    MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE,
    PAGE_EXECUTE_WRITECOPY, PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY, UnmapViewOfFile, VirtualQuery,
};

use super::{Handle, Section, last_error, os_error};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Mapping, Part};

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
    /// Maps `len` bytes of a file from a multiple of [`granularity`](crate::sys::granularity) on, shared.
    pub(in crate::sys) fn of_file_from(
        file: &Handle,
        offset: u64,
        len: usize,
        writable: bool,
    ) -> Result<Self> {
        Self::of_view(&Section::of_file(file, writable)?, offset, Some(len), writable)
    }

    /// Maps a section, all of it.
    pub(super) fn of_section(section: &Section, writable: bool) -> Result<Self> {
        Self::of_view(section, 0, None, writable)
    }

    /// Maps a part of a section.
    pub(super) fn of_section_part(section: &Section, part: Part, writable: bool) -> Result<Self> {
        let lead = part.lead();
        let from = part.offset - lead as u64;
        Self::of_view(section, from, Some(lead + part.len), writable)?.narrowed(lead, part.len)
    }

    fn of_view(section: &Section, offset: u64, len: Option<usize>, writable: bool) -> Result<Self> {
        let access = if writable { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ };
        let (high, low) = ((offset >> 32) as u32, offset as u32);
        // SAFETY: a new view at a place of the system's choice changes nothing that exists.
        let view = unsafe { MapViewOfFile(section.raw(), access, high, low, len.unwrap_or(0)) };
        if view.Value.is_null() {
            let error = io::Error::last_os_error();
            return Err(match error.raw_os_error().map(i32::cast_unsigned) {
                Some(ERROR_INVALID_HANDLE) => {
                    Error::new(ErrorKind::KeyError, "that handle is no file mapping")
                        .with_hint("check the number")
                }
                _ => os_error("MapViewOfFile", error),
            });
        }
        let base = view.Value.cast::<u8>();
        let there = usable(base, writable);
        let len = len.unwrap_or(there).min(there);
        // SAFETY: mapped just now, and owned by what comes back.
        let mapping = unsafe { Self::new(base, len, writable, Source::View) }?;
        if there == 0 {
            return Err(Error::new(
                ErrorKind::InvalidSize,
                "its memory is reserved, and not there yet (SEC_RESERVE), or an image of a program (SEC_IMAGE)",
            )
            .with_hint("its maker commits what is reserved: try again when it has; an image is no segment"));
        }
        Ok(mapping)
    }
}

/// How many bytes from `base` on can be read, or also written. What was made with SEC_RESERVE has memory only as far as
/// somebody has asked for it; nobody takes it back from a view. An image of a program (SEC_IMAGE) is none of ours: its
/// parts have protections of their own, whatever the view was asked for.
fn usable(base: *mut u8, writable: bool) -> usize {
    const TO_WRITE: [u32; 2] = [PAGE_READWRITE, PAGE_EXECUTE_READWRITE];
    const TO_READ: [u32; 4] = [PAGE_READONLY, PAGE_WRITECOPY, PAGE_EXECUTE_READ, PAGE_EXECUTE_WRITECOPY];
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
        let is_there = region.State == MEM_COMMIT && region.Type == MEM_MAPPED;
        // Compared as a whole: with PAGE_GUARD it is none of them.
        let is_open = TO_WRITE.contains(&region.Protect) || !writable && TO_READ.contains(&region.Protect);
        if region.AllocationBase != base.cast() || !is_there || !is_open {
            return len;
        }
        len += region.RegionSize;
    }
}

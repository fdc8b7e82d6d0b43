//! Sections, which Windows calls file mappings: CreateFileMapping, OpenFileMapping.

#![allow(unsafe_code)]

use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::{io, ptr};

use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, ERROR_INVALID_HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, OpenFileMappingW, PAGE_READONLY, PAGE_READWRITE,
};

use super::names::{Access, wide};
use super::{Handle, os_error};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Mapping;

/// An open section.
pub(crate) struct Section(Handle);

impl Section {
    /// Makes a section of `size` zero bytes in the paging file. The name must be free.
    pub(crate) fn create(name: &str, size: u64, mode: u32) -> Result<Self> {
        let (wide, access) = (wide(name)?, Access::of_mode(mode)?);
        // SAFETY: no file, a descriptor and a name that outlive the call.
        let made = unsafe {
            CreateFileMappingW(
                INVALID_HANDLE_VALUE,
                Access::attributes(access.as_deref()),
                PAGE_READWRITE,
                (size >> 32) as u32,
                size as u32,
                wide.as_ptr(),
            )
        };
        Self::made(made, true)
    }

    /// A section without a name over a file.
    pub(super) fn of_file(file: &Handle, len: usize, writable: bool) -> Result<Self> {
        let protection = if writable { PAGE_READWRITE } else { PAGE_READONLY };
        let len = len as u64;
        // SAFETY: an open file; no descriptor, no name.
        let made = unsafe {
            CreateFileMappingW(
                file.as_raw_handle(),
                ptr::null(),
                protection,
                (len >> 32) as u32,
                len as u32,
                ptr::null(),
            )
        };
        Self::made(made, false)
    }

    fn made(made: *mut std::ffi::c_void, named: bool) -> Result<Self> {
        let error = io::Error::last_os_error();
        let number = error.raw_os_error().map(i32::cast_unsigned);
        if made.is_null() {
            return Err(match number {
                Some(ERROR_INVALID_HANDLE) if named => another_kind(),
                _ => os_error("CreateFileMapping", error),
            });
        }
        // SAFETY: open, and nobody else's.
        let section = Self(unsafe { Handle::from_raw_handle(made) });
        if named && number == Some(ERROR_ALREADY_EXISTS) {
            return Err(os_error("CreateFileMapping", error).because("there is one already"));
        }
        Ok(section)
    }

    /// Opens the section that has the name.
    pub(crate) fn open(name: &str, writable: bool) -> Result<Self> {
        let wide = wide(name)?;
        let access = if writable { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ };
        // SAFETY: a name that outlives the call.
        let opened = unsafe { OpenFileMappingW(access, 0, wide.as_ptr()) };
        if opened.is_null() {
            let error = io::Error::last_os_error();
            return Err(match error.raw_os_error().map(i32::cast_unsigned) {
                Some(ERROR_INVALID_HANDLE) => another_kind().with_kind(ErrorKind::KeyError),
                _ => os_error("OpenFileMapping", error),
            });
        }
        // SAFETY: open, and nobody else's.
        Ok(Self(unsafe { Handle::from_raw_handle(opened) }))
    }

    pub(super) fn raw(&self) -> *mut std::ffi::c_void {
        self.0.as_raw_handle()
    }
}

/// Maps a section, all of it.
pub(crate) fn view_of(section: &Section, writable: bool) -> Result<Mapping> {
    Mapping::of_section(section, None, writable)
}

/// All kernel objects share their names.
#[cold]
fn another_kind() -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "an object of another kind has this name: an event, a mutex, a semaphore or the like",
    )
    .with_hint("choose another name")
}

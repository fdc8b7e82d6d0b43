//! Sections, which Windows calls file mappings: CreateFileMapping, OpenFileMapping, DuplicateHandle.

#![allow(unsafe_code)]

use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::{io, ptr};

use windows_sys::Wdk::Foundation::{NtQueryObject, ObjectBasicInformation};
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_INVALID_HANDLE, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, OpenFileMappingW, PAGE_READONLY, PAGE_READWRITE,
};
use windows_sys::Win32::System::WindowsProgramming::PUBLIC_OBJECT_BASIC_INFORMATION;

use super::names::{self, Access, no_such_folder, wide};
use super::{Handle, os_error, people, process};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Mapped, Mapping, Part};

/// Sections without a name are found by a process and its handle.
pub(crate) const ANONYMOUS_SECTIONS: bool = true;

/// An open section.
pub(crate) struct Section(Handle);

impl Section {
    /// Makes a section of `size` zero bytes in the paging file. The name must be free.
    pub(crate) fn create(name: &str, size: u64, mode: u32) -> Result<Self> {
        Self::new(INVALID_HANDLE_VALUE, name, size, mode)
    }

    /// Makes one over a file, which becomes as large if it is smaller.
    pub(crate) fn create_over(file: &Handle, name: &str, size: u64, mode: u32) -> Result<Self> {
        Self::new(file.as_raw_handle(), name, size, mode)
    }

    fn new(file: HANDLE, name: &str, size: u64, mode: u32) -> Result<Self> {
        let (wide, access) = (wide(name)?, Access::of_mode(mode)?);
        // SAFETY: an open file or none; a descriptor and a name that outlive the call.
        let (made, error) =
            unsafe { make(file, Access::attributes(access.as_deref()), PAGE_READWRITE, size, wide.as_ptr()) };
        let number = error.raw_os_error().map(i32::cast_unsigned);
        match (made, number) {
            (None, Some(ERROR_INVALID_HANDLE)) => Err(another_kind()),
            (None, _) => Err(no_such_folder(&error).unwrap_or_else(|| os_error("CreateFileMapping", error))),
            (Some(_), Some(ERROR_ALREADY_EXISTS)) => {
                Err(os_error("CreateFileMapping", error).because("there is one already"))
            }
            (Some(section), _) => Ok(section),
        }
    }

    /// Makes a section of `size` zero bytes that has no name.
    pub(crate) fn create_nameless(size: u64) -> Result<Self> {
        Self::without_name(INVALID_HANDLE_VALUE, true, size)
    }

    /// A section without a name over a file, all of it.
    pub(super) fn of_file(file: &Handle, writable: bool) -> Result<Self> {
        Self::without_name(file.as_raw_handle(), writable, 0)
    }

    fn without_name(file: HANDLE, writable: bool, size: u64) -> Result<Self> {
        let protection = if writable { PAGE_READWRITE } else { PAGE_READONLY };
        // SAFETY: an open file or none; no descriptor, no name.
        let (made, error) = unsafe { make(file, ptr::null(), protection, size, ptr::null()) };
        made.ok_or_else(|| os_error("CreateFileMapping", error))
    }

    /// Opens the section that has the name.
    pub(crate) fn open(name: &str, writable: bool) -> Result<Self> {
        open(name, access(writable))
    }

    /// Opens what a process, perhaps this one, has as a handle.
    pub(crate) fn of_process(pid: u32, number: u32, writable: bool) -> Result<Self> {
        let process = process::for_duplicates(pid)?;
        let opened = process::duplicate(&process, number as usize, access(writable), 0);
        opened.map(Self).map_err(|error| match error.raw_os_error().map(i32::cast_unsigned) {
            Some(ERROR_INVALID_HANDLE) => {
                Error::new(ErrorKind::NotFound, format!("process {pid} has no handle {number}"))
            }
            _ => os_error("DuplicateHandle", error),
        })
    }

    /// As what this process has it.
    pub(crate) fn number(&self) -> u32 {
        // Handles have 32 bits that matter, so that processes of both sizes can share them.
        self.raw().addr() as u32
    }

    /// The name by which this session finds it, if it has one.
    pub(crate) fn name(&self) -> Option<String> {
        names::path_of(&self.0).as_deref().and_then(names::in_session)
    }

    /// For finding who has it open.
    pub(crate) fn mapped(&self) -> Mapped {
        names::mapped(&self.0)
    }

    /// How many handles there are of it on the machine, this one left out.
    pub(crate) fn other_handles(&self) -> Option<u64> {
        let mut facts = PUBLIC_OBJECT_BASIC_INFORMATION::default();
        // SAFETY: an open section, and room for what is said of it.
        let status = unsafe {
            NtQueryObject(
                self.raw(),
                ObjectBasicInformation,
                (&raw mut facts).cast(),
                size_of::<PUBLIC_OBJECT_BASIC_INFORMATION>() as u32,
                ptr::null_mut(),
            )
        };
        (status >= 0).then(|| u64::from(facts.HandleCount).saturating_sub(1))
    }

    /// The account that owns the section of that name.
    pub(crate) fn owner(name: &str) -> Option<String> {
        people::owner_of(&open(name, READ_CONTROL).ok()?.0)
    }

    pub(super) fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}

fn access(writable: bool) -> u32 {
    if writable { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ }
}

fn open(name: &str, access: u32) -> Result<Section> {
    let wide = wide(name)?;
    // SAFETY: a name that outlives the call.
    let opened = unsafe { OpenFileMappingW(access, 0, wide.as_ptr()) };
    if opened.is_null() {
        let error = io::Error::last_os_error();
        return Err(match error.raw_os_error().map(i32::cast_unsigned) {
            Some(ERROR_INVALID_HANDLE) => another_kind().with_kind(ErrorKind::KeyError),
            _ => no_such_folder(&error).unwrap_or_else(|| os_error("OpenFileMapping", error)),
        });
    }
    // SAFETY: open, and nobody else's.
    Ok(Section(unsafe { Handle::from_raw_handle(opened) }))
}

/// CreateFileMapping, and what GetLastError says after it, also if it made something.
///
/// # Safety
/// The pointers are null or valid, the name with its NUL.
unsafe fn make(
    file: HANDLE,
    attributes: *const SECURITY_ATTRIBUTES,
    protection: u32,
    size: u64,
    name: *const u16,
) -> (Option<Section>, io::Error) {
    let (high, low) = ((size >> 32) as u32, size as u32);
    // SAFETY: the caller's promise.
    let made = unsafe { CreateFileMappingW(file, attributes, protection, high, low, name) };
    let error = io::Error::last_os_error();
    if made.is_null() {
        return (None, error);
    }
    // SAFETY: open, and nobody else's.
    (Some(Section(unsafe { Handle::from_raw_handle(made) })), error)
}

/// Maps a section, all of it.
pub(crate) fn view_of(section: &Section, writable: bool) -> Result<Mapping> {
    Mapping::of_section(section, writable)
}

/// Maps a part of a section, which it has.
pub(crate) fn view_of_part(section: &Section, part: Part, writable: bool) -> Result<Mapping> {
    Mapping::of_section_part(section, part, writable)
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

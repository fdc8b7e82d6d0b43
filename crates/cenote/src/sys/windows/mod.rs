//! Windows.

#![allow(unsafe_code)]

mod catalog;
mod file;
mod lock_file;
mod mapping;
mod names;
mod object;
mod people;
mod process;
mod section;

use std::io;

use windows_sys::Win32::Foundation::{NTSTATUS, RtlNtStatusToDosError};

use crate::address::Kind;
use crate::error::{Error, ErrorKind};
use crate::qt::KeyType;

pub(crate) use catalog::{hides_processes, section_names, sees_all_processes, uses};
pub(crate) use file::*;
pub(crate) use lock_file::{IdleLock, LockFile, range_holder};
pub(crate) use mapping::Source;
pub(crate) use object::{KernelMutex, KernelSemaphore};
pub(crate) use people::user_of;
pub(crate) use process::*;
pub(crate) use section::{ANONYMOUS_SECTIONS, Section, view_of, view_of_part};

/// An error for the kinds of segments that there is no place for here.
pub(crate) fn lacks(kind: Kind) -> Option<Error> {
    let what = match kind {
        Kind::Cenote => return Some(crate::sys::no_linux::no_native_segments()),
        Kind::Posix => "objects of shm_open",
        Kind::Sysv => "System V segments",
        Kind::File | Kind::Memfd | Kind::Windows | Kind::Qt => return None,
    };
    Some(crate::sys::no_linux::absent(what).with_hint("windows: segments are the nearest kind here"))
}

/// What programs of Qt's use here, new ones and older ones.
pub(crate) const DEFAULT_KEY_TYPE: KeyType = KeyType::Windows;
pub(crate) const LEGACY_KEY_TYPE: KeyType = KeyType::Windows;

/// What the system knows a file or a section by.
pub(crate) type Handle = std::os::windows::io::OwnedHandle;

/// An error of the system: `call` is its name as in the manual.
fn os_error(call: &str, error: io::Error) -> Error {
    use windows_sys::Win32::Foundation as code;
    let exhausted = [
        code::ERROR_COMMITMENT_LIMIT,
        code::ERROR_NO_SYSTEM_RESOURCES,
        code::ERROR_NOT_ENOUGH_MEMORY,
        code::ERROR_TOO_MANY_OPEN_FILES,
        code::ERROR_DISK_FULL,
    ];
    let number = error.raw_os_error().map(i32::cast_unsigned);
    let error = Error::os(call, error);
    if number.is_some_and(|number| exhausted.contains(&number)) {
        return error.with_kind(ErrorKind::OutOfResources);
    }
    error
}

/// The error of a call that answers with a status.
fn refused(call: &str, status: NTSTATUS) -> Error {
    // SAFETY: takes a plain number.
    let number = unsafe { RtlNtStatusToDosError(status) };
    os_error(call, io::Error::from_raw_os_error(number.cast_signed()))
}

/// The error of a call that failed just now.
fn last_error(call: &str) -> Error {
    os_error(call, io::Error::last_os_error())
}

/// The size of whole pages that hold `size` bytes.
pub(crate) fn whole_pages(size: u64) -> u64 {
    size.next_multiple_of(page_size())
}

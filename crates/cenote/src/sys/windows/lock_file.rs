//! Locks on a whole file: LockFileEx. They belong to the handle, and go with it.

#![allow(unsafe_code)]

use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::sync::{Mutex, PoisonError};

use windows_sys::Win32::Foundation::{
    ERROR_LOCK_VIOLATION, GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY,
    LockFileEx, ReOpenFile, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

use super::{Handle, last_error};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Backoff, Wait};

/// A handle of its own for one holder of the lock.
pub(crate) struct LockFile(Handle);

impl LockFile {
    /// Opens the file once more.
    pub(crate) fn reopen(file: &Handle, writable: bool) -> Result<Self> {
        let access = if writable { GENERIC_READ | GENERIC_WRITE } else { GENERIC_READ };
        let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
        // SAFETY: an open file.
        let opened = unsafe { ReOpenFile(file.as_raw_handle(), access, share, 0) };
        if opened == INVALID_HANDLE_VALUE {
            return Err(last_error("ReOpenFile"));
        }
        // SAFETY: open, and nobody else's.
        Ok(Self(unsafe { Handle::from_raw_handle(opened) }))
    }

    /// Takes the lock: false if `wait` ended first. The system's own waiting has no end, so it is looked at again and
    /// again.
    pub(crate) fn lock(&self, shared: bool, wait: Wait) -> Result<bool> {
        let exclusive = if shared { 0 } else { LOCKFILE_EXCLUSIVE_LOCK };
        let mut backoff = Backoff::new();
        loop {
            let mut from_start = OVERLAPPED::default();
            // SAFETY: an open file, and a struct that outlives the call, which does not wait.
            let locked = unsafe {
                LockFileEx(
                    self.0.as_raw_handle(),
                    exclusive | LOCKFILE_FAIL_IMMEDIATELY,
                    0,
                    u32::MAX,
                    u32::MAX,
                    &raw mut from_start,
                )
            };
            if locked != 0 {
                return Ok(true);
            }
            let error = std::io::Error::last_os_error();
            if error.raw_os_error().map(i32::cast_unsigned) != Some(ERROR_LOCK_VIOLATION) {
                return Err(super::os_error("LockFileEx", error).with_kind(ErrorKind::LockError));
            }
            if !backoff.pause(wait) {
                return Ok(false);
            }
        }
    }

    pub(crate) fn unlock(&self) -> Result<()> {
        let mut from_start = OVERLAPPED::default();
        // SAFETY: an open file, and a struct that outlives the call.
        let done =
            unsafe { UnlockFileEx(self.0.as_raw_handle(), 0, u32::MAX, u32::MAX, &raw mut from_start) };
        if done == 0 { Err(last_error("UnlockFileEx").with_kind(ErrorKind::LockError)) } else { Ok(()) }
    }
}

/// A place for one [`LockFile`] that is not in use, so that not every lock opens a file.
#[derive(Default)]
pub(crate) struct IdleLock(Mutex<Option<LockFile>>);

impl IdleLock {
    pub(crate) fn take(&self) -> Option<LockFile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn put(&self, file: LockFile) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }
}

/// Nobody can see it without trying to take it.
pub(crate) fn range_holder(_file: &Handle) -> Result<Option<Option<u32>>> {
    Err(Error::new(ErrorKind::Unsupported, "this system does not tell who has locked a file"))
}

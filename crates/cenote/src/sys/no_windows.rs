//! What only Windows has: file mappings by name, its mutexes and semaphores. `lacks` says no before anybody asks.

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Mapping, Taken, Wait};

#[cold]
pub(super) fn no_file_mappings() -> Error {
    Error::new(ErrorKind::Unsupported, "this system has no Windows file mappings")
        .with_hint("posix: segments are the nearest kind here")
}

/// A section; there is none.
pub(crate) enum Section {}

impl Section {
    pub(crate) fn create(_name: &str, _size: u64, _mode: u32) -> Result<Self> {
        Err(no_file_mappings())
    }

    pub(crate) fn open(_name: &str, _writable: bool) -> Result<Self> {
        Err(no_file_mappings())
    }
}

pub(crate) fn view_of(section: &Section, _writable: bool) -> Result<Mapping> {
    match *section {}
}

/// A semaphore of Windows; there is none.
pub(crate) enum KernelSemaphore {}

impl KernelSemaphore {
    pub(crate) fn open(_name: &str, _initial: i32) -> Result<Self> {
        Err(no_file_mappings())
    }

    pub(crate) fn take(&self, _wait: Wait) -> Result<bool> {
        match *self {}
    }

    pub(crate) fn release(&self, _count: i32) -> Result<()> {
        match *self {}
    }
}

/// A mutex of Windows; there is none.
pub(crate) enum KernelMutex {}

impl KernelMutex {
    pub(crate) fn open(_name: &str, _mode: u32) -> Result<Self> {
        Err(no_file_mappings())
    }

    pub(crate) fn take(&self, _wait: Wait) -> Result<Taken> {
        match *self {}
    }

    pub(crate) fn release(&self) -> Result<()> {
        match *self {}
    }
}

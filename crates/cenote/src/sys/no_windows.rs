//! What only Windows has: file mappings by name, its mutexes and semaphores. `lacks` says no before anybody asks.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Handle, Mapped, Mapping, MutexState, Part, Taken, Wait};

#[cold]
pub(super) fn no_file_mappings() -> Error {
    Error::new(ErrorKind::Unsupported, "this system has no Windows file mappings")
        .with_hint("posix: segments are the nearest kind here")
}

pub(crate) const ANONYMOUS_SECTIONS: bool = false;

pub(crate) fn section_names() -> Result<Vec<String>> {
    Err(no_file_mappings())
}

/// A section; there is none.
pub(crate) enum Section {}

impl Section {
    pub(crate) fn create_over(_file: &Handle, _name: &str, _size: u64, _mode: u32) -> Result<Self> {
        Err(no_file_mappings())
    }

    pub(crate) fn create_nameless(_size: u64) -> Result<Self> {
        Err(no_file_mappings())
    }

    pub(crate) fn of_process(_pid: u32, _number: u32, _writable: bool) -> Result<Self> {
        Err(no_file_mappings())
    }

    pub(crate) fn number(&self) -> u32 {
        match *self {}
    }

    pub(crate) fn name(&self) -> Option<String> {
        match *self {}
    }

    pub(crate) fn mapped(&self) -> Mapped {
        match *self {}
    }

    pub(crate) fn other_handles(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn owner(_name: &str) -> Option<String> {
        None
    }

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

pub(crate) fn view_of_part(section: &Section, _part: Part, _writable: bool) -> Result<Mapping> {
    match *section {}
}

pub(crate) fn open_or_make_file(_path: &Path) -> Result<(Handle, bool)> {
    Err(no_file_mappings())
}

pub(crate) fn cut_file(_file: &Handle, _len: u64) -> Result<()> {
    Err(no_file_mappings())
}

/// A semaphore of Windows; there is none.
pub(crate) enum KernelSemaphore {}

impl KernelSemaphore {
    pub(crate) fn look(_name: &str) -> Result<Option<(i32, Mapped)>> {
        Err(no_file_mappings())
    }

    pub(crate) fn open(_name: &str, _initial: i32) -> Result<Self> {
        Err(no_file_mappings())
    }

    pub(crate) fn find(_name: &str) -> Result<Option<Self>> {
        Err(no_file_mappings())
    }

    pub(crate) fn take(&self, _wait: Wait) -> Result<bool> {
        match *self {}
    }

    pub(crate) fn release(&self, _count: i32) -> Result<i32> {
        match *self {}
    }
}

/// A mutex of Windows; there is none.
pub(crate) enum KernelMutex {}

impl KernelMutex {
    pub(crate) fn open(_name: &str, _mode: u32) -> Result<(Self, bool)> {
        Err(no_file_mappings())
    }

    pub(crate) fn look(_name: &str) -> Result<Option<MutexState>> {
        Err(no_file_mappings())
    }

    pub(crate) fn path(&self) -> Option<String> {
        match *self {}
    }

    pub(crate) fn take(&self, _wait: Wait) -> Result<Taken> {
        match *self {}
    }

    pub(crate) fn release(&self) -> Result<()> {
        match *self {}
    }
}

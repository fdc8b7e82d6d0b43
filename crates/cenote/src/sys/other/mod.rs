//! A system that nothing is built for yet: everything says so.

#![allow(unsafe_code)]

use std::path::{Path, PathBuf};

use crate::address::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::qt::KeyType;
use crate::sys::{FileFacts, Mapping, NewFile, Uses, Wait};

/// What the system knows a file by.
pub(crate) type Handle = std::fs::File;

/// What new programs of Qt's use on Unix, and what older ones do.
pub(crate) const DEFAULT_KEY_TYPE: KeyType = KeyType::Posix;
pub(crate) const LEGACY_KEY_TYPE: KeyType = KeyType::SYSTEM_V;

fn not_built() -> Error {
    Error::new(ErrorKind::Unsupported, "shared memory is not built for this system yet")
        .with_hint("Linux and Windows are the systems that it is built for")
}

/// An error for the kinds of segments that there is no place for here.
pub(crate) fn lacks(_kind: Kind) -> Option<Error> {
    Some(not_built())
}

/// What a mapping is of; there is none.
pub(crate) enum Source {}

impl Source {
    pub(crate) fn is_lost(&self) -> bool {
        match *self {}
    }

    /// # Safety
    /// None: it cannot be called.
    pub(crate) unsafe fn unmap(&mut self, _base: *mut u8, _len: usize) -> Result<()> {
        match *self {}
    }
}

impl Mapping {
    pub(in crate::sys) fn of_file_from(
        _file: &Handle,
        _offset: u64,
        _len: usize,
        _writable: bool,
    ) -> Result<Self> {
        Err(not_built())
    }
}

/// A lock on a file; there is none.
pub(crate) enum LockFile {}

impl LockFile {
    pub(crate) fn reopen(_file: &Handle, _writable: bool) -> Result<Self> {
        Err(not_built())
    }

    pub(crate) fn lock(&self, _shared: bool, _wait: Wait) -> Result<bool> {
        match *self {}
    }

    pub(crate) fn unlock(&self) -> Result<()> {
        match *self {}
    }
}

/// A place for one [`LockFile`].
#[derive(Default)]
pub(crate) struct IdleLock(());

impl IdleLock {
    pub(crate) fn take(&self) -> Option<LockFile> {
        None
    }

    #[allow(clippy::needless_pass_by_value, reason = "there is none to be kept")]
    pub(crate) fn put(&self, file: LockFile) {
        match file {}
    }
}

pub(crate) fn range_holder(_file: &Handle) -> Result<Option<Option<u32>>> {
    Err(not_built())
}

pub(crate) fn open_file(_path: &Path, _writable: bool, _follow: bool) -> Result<(Handle, FileFacts)> {
    Err(not_built())
}

pub(crate) fn create_file(_path: &Path, _new: NewFile) -> Result<Handle> {
    Err(not_built())
}

pub(crate) fn create_file_with(_path: &Path, _new: NewFile, _bytes: &[u8]) -> Result<Handle> {
    Err(not_built())
}

pub(crate) fn remove_file(_path: &Path, _only_files: bool) -> Result<()> {
    Err(not_built())
}

pub(crate) fn stat_path(_path: &Path, _follow: bool) -> Result<FileFacts> {
    Err(not_built())
}

pub(crate) fn stat_file(_file: &Handle) -> Result<FileFacts> {
    Err(not_built())
}

pub(crate) fn make_key_file(_path: &Path, _mode: u32) -> Result<bool> {
    Err(not_built())
}

pub(crate) fn temporary_directory() -> PathBuf {
    std::env::temp_dir()
}

pub(crate) fn generation() -> u32 {
    0
}

pub(crate) fn without_forks<R>(change: impl FnOnce() -> R) -> R {
    change()
}

pub(crate) fn whole_pages(size: u64) -> u64 {
    size
}

pub(crate) fn page_size() -> u64 {
    1
}

pub(crate) fn granularity() -> u64 {
    1
}

pub(crate) fn pages(bytes: u64) -> u64 {
    bytes
}

pub(crate) fn process_exists(_pid: u32) -> bool {
    true
}

pub(crate) fn command_of(_pid: u32) -> Option<String> {
    None
}

pub(crate) fn uses() -> Result<Uses> {
    Err(not_built())
}

pub(crate) fn sees_all_processes() -> bool {
    false
}

pub(crate) fn hides_processes() -> bool {
    false
}

pub(crate) fn user_of(_pid: u32) -> Option<String> {
    None
}

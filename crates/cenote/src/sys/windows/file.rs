//! Files that are segments: made complete before they have a name.

#![allow(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, GetFileInformationByHandle,
};

use super::{Handle, last_error, os_error};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{FileFacts, NewFile};

/// Opens the segment at `path`.
pub(crate) fn open_file(path: &Path, writable: bool, _follow: bool) -> Result<(Handle, FileFacts)> {
    let opened = OpenOptions::new().read(true).write(writable).open(path);
    let file = match opened {
        // A directory cannot be opened in this way.
        Err(_) if path.is_dir() => return Err(not_a_file()),
        opened => opened.map_err(|error| os_error("CreateFile", error))?.into(),
    };
    let facts = stat_file(&file)?;
    Ok((file, facts))
}

/// Makes a file of zeros at `path`, which must be free. It gets its name when it is complete.
pub(crate) fn create_file(path: &Path, new: NewFile) -> Result<Handle> {
    create_file_with(path, new, &[])
}

/// The same for a file that begins with `bytes`.
pub(crate) fn create_file_with(path: &Path, new: NewFile, bytes: &[u8]) -> Result<Handle> {
    let (temporary, mut file) = new_neighbour(path)?;
    let made = fill(&mut file, new, bytes).and_then(|()| {
        // Unlike a rename, it never takes another's place.
        fs::hard_link(&temporary, path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::new(ErrorKind::AlreadyExists, "there is one already"),
            _ => os_error("CreateHardLink", error),
        })
    });
    drop(file);
    let _ = fs::remove_file(&temporary);
    made?;
    open_file(path, true, false).map(|(file, _)| file)
}

/// A file beside `path`, under a name that nobody has: a killed process may have left some.
fn new_neighbour(path: &Path) -> Result<(PathBuf, File)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".cenote-new-{}-{count}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            opened => {
                return opened.map(|file| (temporary, file)).map_err(|error| os_error("CreateFile", error));
            }
        }
    }
}

/// Opens the file at `path` for reading and writing, or makes an empty one: true if it did.
pub(crate) fn open_or_make_file(path: &Path) -> Result<(Handle, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    match options.clone().create_new(true).open(path) {
        Ok(file) => Ok((file.into(), true)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            open_file(path, true, true).map(|(file, _)| (file, false))
        }
        Err(_) if path.is_dir() => Err(not_a_file()),
        Err(error) => Err(os_error("CreateFile", error)),
    }
}

/// Makes a file as long as it was, if it is longer by now.
pub(crate) fn cut_file(file: &Handle, len: u64) -> Result<()> {
    let file = File::from(file.try_clone().map_err(|error| os_error("DuplicateHandle", error))?);
    let now = file.metadata().map_err(|error| os_error("GetFileInformationByHandle", error))?.len();
    if now > len { file.set_len(len).map_err(|error| os_error("SetEndOfFile", error)) } else { Ok(()) }
}

fn fill(file: &mut File, new: NewFile, bytes: &[u8]) -> Result<()> {
    let written = file.set_len(new.size).and_then(|()| file.write_all(bytes));
    written.map_err(|error| match error.raw_os_error() {
        // ERROR_INVALID_PARAMETER: larger than files can be.
        Some(87) => os_error("SetEndOfFile", error).with_kind(ErrorKind::InvalidSize),
        _ => os_error("SetEndOfFile", error),
    })
}

/// Takes the name of a segment away.
pub(crate) fn remove_file(path: &Path, _only_files: bool) -> Result<()> {
    if path.is_dir() {
        return Err(not_a_file());
    }
    fs::remove_file(path).map_err(|error| {
        let error = os_error("DeleteFile", error);
        match error.kind() {
            ErrorKind::PermissionDenied => {
                error.with_hint("somebody may have it attached, or it is another user's")
            }
            _ => error,
        }
    })
}

/// Looks at the file at `path`.
pub(crate) fn stat_path(path: &Path, follow: bool) -> Result<FileFacts> {
    open_file(path, false, follow).map(|(_, facts)| facts)
}

pub(crate) fn stat_file(file: &Handle) -> Result<FileFacts> {
    let mut facts = MaybeUninit::<BY_HANDLE_FILE_INFORMATION>::uninit();
    // SAFETY: an open file, and room for what is said of it.
    let told = unsafe { GetFileInformationByHandle(file.as_raw_handle(), facts.as_mut_ptr()) };
    if told == 0 {
        return Err(last_error("GetFileInformationByHandle"));
    }
    // SAFETY: it was filled.
    let facts = unsafe { facts.assume_init() };
    let attribute = |bit: u32| facts.dwFileAttributes & bit != 0;
    if attribute(FILE_ATTRIBUTE_DIRECTORY) {
        return Err(not_a_file());
    }
    let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    Ok(FileFacts {
        size: join(facts.nFileSizeHigh, facts.nFileSizeLow),
        memory: None,
        uid: None,
        gid: None,
        mode: None,
        device: facts.dwVolumeSerialNumber.into(),
        inode: join(facts.nFileIndexHigh, facts.nFileIndexLow),
        removed: facts.nNumberOfLinks == 0,
        modified: time(facts.ftLastWriteTime),
        accessed: time(facts.ftLastAccessTime),
        changed: None,
    })
}

/// In steps of 100 ns since 1601; 0 is never.
fn time(time: FILETIME) -> Option<SystemTime> {
    const FROM_1601_TO_1970: u64 = 116_444_736_000_000_000;
    let steps = u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    let steps = steps.checked_sub(FROM_1601_TO_1970)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(steps.checked_mul(100)?))
}

/// Makes an empty lock file if nothing is there: true if it did.
pub(crate) fn make_key_file(path: &Path, _mode: u32) -> Result<bool> {
    match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(_) if path.is_dir() => Err(not_a_file()),
        Err(error) => Err(os_error("CreateFile", error)),
    }
}

pub(crate) fn temporary_directory() -> PathBuf {
    std::env::temp_dir()
}

#[cold]
fn not_a_file() -> Error {
    Error::new(ErrorKind::KeyError, "a directory stands there, not a segment")
        .with_hint("choose another name, or move away what stands there")
}

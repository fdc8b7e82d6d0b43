//! Where the demo plays on Windows: a file mapping in the paging file, and a mapped file. Qt's own lock is not part of
//! it: on Windows nobody gives back what the dead have taken of that.

use std::path::{Path, PathBuf};

use crate::demo::words::Words;

pub(crate) const WORDS: Words = Words {
    creates_picture: "CreateFileMapping MapViewOfFile",
    creates_greeting: "CreateFile SetEndOfFile CreateHardLink",
    locks: "WaitForSingleObject(mutex) LockFileEx",
    unlocks: "ReleaseMutex UnlockFileEx",
    attaches_picture: "OpenFileMapping(FILE_MAP_READ)",
    attaches_greeting: "CreateFile(GENERIC_READ) MapViewOfFile",
    waits: "WAIT_TIMEOUT; asleep in WaitForSingleObject",
    kills: ("TerminateProcess of ", ""),
    lets_go: "WAIT_ABANDONED; the lock's file is closed",
    last: ("is last to detach: the mapping goes", "UnmapViewOfFile CloseHandle"),
    removes_greeting: "DeleteFile",
    looks: "the session's objects, temporary files",
};

/// The lock of a file is beside it.
pub(crate) const GREETING_IS_READ_ONLY: bool = true;

/// The picture's segment and the greeting's.
pub(crate) fn demo_addresses(key: &str, _name: &str, directory: &Path) -> [String; 2] {
    [format!(r"windows:Local\{key}"), format!("file:{}", directory.join("greeting").display())]
}

/// The directory for temporary files, as the library and Qt choose it.
pub(crate) fn temporary_directory() -> PathBuf {
    std::env::temp_dir()
}

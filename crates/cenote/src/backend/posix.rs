//! `posix:/name`: the objects of `shm_open`, see shm_overview(7). No header: the bytes are all there is.

use std::path::Path;

use super::Backend;
use super::mapped_file::{FileBackend, Links};
use super::semaphore_file::SemaphoreFile;
use crate::sys::SHM_DIRECTORY;

/// `name` begins with its slash.
pub(super) fn backend(name: &str) -> Box<dyn Backend> {
    let name = name.trim_start_matches('/');
    if let Some(semaphore) = SemaphoreFile::of(name) {
        return Box::new(semaphore);
    }
    // As shm_open does, no symbolic link is followed: anybody may put one into the directory.
    Box::new(FileBackend { path: Path::new(SHM_DIRECTORY).join(name), links: Links::Refused })
}

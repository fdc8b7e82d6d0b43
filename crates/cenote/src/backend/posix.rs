//! `posix:/name`: the objects of `shm_open`, see shm_overview(7). No header: the bytes are all there is.

use std::path::Path;

use super::mapped_file::{FileBackend, Links};
use crate::sys::SHM_DIRECTORY;

/// `name` begins with its slash.
pub(super) fn backend(name: &str) -> FileBackend {
    let path = Path::new(SHM_DIRECTORY).join(name.trim_start_matches('/'));
    // As shm_open does, no symbolic link is followed: anybody may put one into the directory.
    FileBackend { path, links: Links::Refused }
}

//! `file:/path`: a mapped file, which stays when all have gone.

use std::path::Path;

use super::mapped_file::{FileBackend, Links};

pub(super) fn backend(path: &Path) -> FileBackend {
    FileBackend { path: path.to_owned(), links: Links::Followed }
}

/// One that was found in /dev/shm, and not by way of any link: whatever anybody puts there meanwhile is not taken for it.
pub(super) fn found_in_shm(path: &Path) -> FileBackend {
    FileBackend { path: path.to_owned(), links: Links::RefusedOnTheWay }
}

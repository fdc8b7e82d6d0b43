//! `file:/path`: a mapped file, which stays when all have gone.

use std::path::Path;

use super::mapped_file::FileBackend;

pub(super) fn backend(path: &Path) -> FileBackend {
    FileBackend { path: path.to_owned(), follow: true }
}

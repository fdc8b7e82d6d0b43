//! Key files: empty files whose device and inode make a System V key, by ftok(3).

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::qt;
use crate::sys::{self, Handle, SemSet};

/// The mode that Qt gives its key files, less the umask.
const MODE: u32 = 0o640;

/// A key file, and the project id for `ftok`.
#[derive(Clone, Debug)]
pub(crate) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) project: u8,
}

impl KeyFile {
    /// Where Qt keeps the key file of a legacy name.
    pub(crate) fn of_legacy_name(name: &str, project: u8) -> Self {
        Self::new(sys::temporary_directory().join(name), project)
    }

    /// The native key is the path.
    pub(crate) fn of_native_key(path: &str, project: u8) -> Result<Self> {
        // They make negative keys, which Qt takes for a failure.
        if project >= 0x80 {
            let what = format!("Qt fails with the project id {project}");
            return Err(Error::new(ErrorKind::KeyError, what).with_hint("choose one from 1 to 127"));
        }
        Ok(Self::new(path.into(), project))
    }

    /// As seen from here: a process that goes to another directory must not get another lock on the way.
    fn new(path: PathBuf, project: u8) -> Self {
        Self { path: std::path::absolute(&path).unwrap_or(path), project }
    }

    /// The last part of its path.
    pub(super) fn name(&self) -> Option<&str> {
        self.path.file_name()?.to_str()
    }

    /// Makes the file if it is missing: true if it did. A new one leads to nothing yet.
    ///
    /// Qt deletes a key file before the set, and while others still use the segment. A new file with the old one's
    /// inode would lead to them: to a set that is about to go or was left for ever, to a segment of another key.
    pub(super) fn make(&self) -> Result<bool> {
        let is_free = |key| {
            let no_segment = sys::shm_find(key).is_err_and(|error| error.kind() == ErrorKind::NotFound);
            no_segment && matches!(SemSet::find(key, 0), Ok(None))
        };
        sys::make_fresh_key_file(&self.path, MODE, self.project, is_free).map_err(|error| {
            match error.kind() {
                // As in Qt: nothing can ever be found under such a key.
                ErrorKind::NotFound => error
                    .with_kind(ErrorKind::KeyError)
                    .with_hint("make its folder first, or choose a path in one that is there"),
                _ => error,
            }
        })
    }

    /// The System V key that it leads to now.
    pub(super) fn key(&self) -> Result<i32> {
        sys::ftok_of_key_file(&self.path, self.project)
    }

    /// Keeps its inode from being another file's: that file's key, whatever name it has, would lead to our objects.
    pub(super) fn keep_inode(&self) -> Option<Handle> {
        sys::open_file(&self.path, false, false).ok().map(|(file, _)| file)
    }

    /// Unlinks it; one that is gone already is as good. A native key may name any file: one that has something in it
    /// is not ours to delete, unless its name is of the form that Qt makes of legacy keys.
    pub(super) fn remove(&self) {
        let is_legacy =
            |name: &str| qt::semaphore_name_beside(name).is_some() || qt::segment_name_beside(name).is_some();
        let is_empty = || sys::stat_path(&self.path, false).is_ok_and(|facts| facts.size == 0);
        if self.name().is_some_and(is_legacy) || is_empty() {
            let _ = sys::remove_file(&self.path, true);
        }
    }
}

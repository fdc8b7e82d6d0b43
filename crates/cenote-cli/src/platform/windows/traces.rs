//! What the demo may leave on Windows: files. All else goes with its last handle.

use std::fs;

use super::temporary_directory;

/// What the system calls the things of a run: nothing but their names.
pub(crate) struct Traces(());

impl Traces {
    /// Looks while everything is there.
    pub(crate) fn of(_key: &str) -> Result<Self, String> {
        Ok(Self(()))
    }

    /// What is left that no address leads to.
    pub(crate) fn left(&self, _key: &str, name: &str) -> Result<Vec<String>, String> {
        let path = temporary_directory().join(name);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(vec![format!("the directory {}", path.display())]),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(format!("cannot see whether {} is left: {error}", path.display())),
        }
    }
}

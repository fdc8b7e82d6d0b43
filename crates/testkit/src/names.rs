//! Names that no other test uses, and guards that take away what a failed test leaves under them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A number that this process has not had before.
pub(crate) fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A name that begins with `cenote-test-PREFIX` and is used nowhere else: letters, digits and dashes.
#[must_use]
pub fn unique(prefix: &str) -> String {
    format!("cenote-test-{prefix}-{}-{}", process::id(), next_number())
}

/// A name for `shm_open`; what still has it when this is dropped is removed.
#[derive(Debug)]
pub struct ShmName(String);

impl ShmName {
    /// A name of its own, with its leading slash: `/cenote-test-PREFIX-...`.
    #[must_use]
    pub fn unique(prefix: &str) -> Self {
        Self(format!("/{}", unique(prefix)))
    }

    /// The name, with its slash.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The file that a segment of this name is, on Linux.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new("/dev/shm").join(&self.0[1..])
    }

    /// The file that a semaphore of this name is, on Linux.
    #[must_use]
    pub fn semaphore_path(&self) -> PathBuf {
        Path::new("/dev/shm").join(format!("sem.{}", &self.0[1..]))
    }
}

impl Drop for ShmName {
    fn drop(&mut self) {
        // Most tests remove it themselves.
        let _ = fs::remove_file(self.path());
        let _ = fs::remove_file(self.semaphore_path());
    }
}

/// A name for a native segment of this user; what still has it when this is dropped is removed.
#[cfg(unix)]
#[derive(Debug)]
pub struct NativeName(String);

#[cfg(unix)]
impl NativeName {
    /// A name of its own: `cenote-test-PREFIX-...`.
    #[must_use]
    pub fn unique(prefix: &str) -> Self {
        Self(unique(prefix))
    }

    /// Without a kind, as a native segment is named.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0
    }

    /// The file that it is, on Linux.
    ///
    /// # Panics
    /// If `/proc` does not tell who we are.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        use std::os::unix::fs::MetadataExt;
        let own = fs::metadata("/proc/self").expect("a process knows itself");
        format!("/dev/shm/cenote.{}.{}", own.uid(), self.0).into()
    }

    /// Whether anything has the name.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.path().symlink_metadata().is_ok()
    }
}

#[cfg(unix)]
impl Drop for NativeName {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path());
    }
}

/// A folder for temporary files, removed with all in it when this is dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new, empty folder.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(unique("dir"));
        if let Err(error) = fs::create_dir(&path) {
            panic!("{}: {error}", path.display());
        }
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of `name` in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Default for TempDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_can_be_recognised() {
        let (one, other) = (unique("x"), unique("x"));
        assert_ne!(one, other);
        assert!(one.contains("cenote-test"));
        assert!(one.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'));
    }

    #[test]
    fn a_folder_goes_with_its_contents() {
        let folder = TempDir::new();
        let path = folder.path().to_path_buf();
        fs::write(folder.join("file"), "text").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}

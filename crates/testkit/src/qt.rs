//! Qt keys that no other test uses, and folders for keys that others use too. Qt itself leaves much behind
//! when a program is killed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::names::{TempDir, next_number};
use crate::sysv;
use crate::words::encode;

/// Where POSIX segments and semaphores are, on Linux.
const POSIX: &str = "/dev/shm";

/// The project id that Qt gives to ftok(3) unless a native key has another.
pub const PROJECT: u8 = b'Q';

/// A key for `QSharedMemory` and `QSystemSemaphore`; what they leave of it is removed when this is
/// dropped.
#[derive(Debug)]
pub struct QtKey {
    /// What every file that belongs to it has in its name.
    name: String,
    /// A native key as text; else the name itself is a legacy key.
    native: Option<String>,
    /// Where its key files can be.
    folder: PathBuf,
    project: u8,
}

impl QtKey {
    /// A legacy key of its own. It is all letters, because those are what Qt keeps of a key beside its
    /// hash, and so what its files can be recognised by.
    #[must_use]
    pub fn unique() -> Self {
        Self { name: unique_name(), native: None, folder: std::env::temp_dir(), project: PROJECT }
    }

    /// A native key of the POSIX type.
    #[must_use]
    pub fn posix() -> Self {
        let name = unique_name();
        let native = Some(format!("posix:/{name}"));
        Self { name, native, folder: std::env::temp_dir(), project: PROJECT }
    }

    /// A native key of the System V type: a file in `folder`, and a project id. The folder's path must
    /// need no encoding.
    #[must_use]
    pub fn systemv(folder: &Path, project: u8) -> Self {
        let name = unique_name();
        // As Qt writes it: its own project id is not shown.
        let kind = if project == PROJECT { "systemv".to_owned() } else { format!("systemv-{project}") };
        let native = Some(format!("{kind}:{}", folder.join(&name).display()));
        Self { name, native, folder: folder.to_owned(), project }
    }

    /// The legacy key; for a native one, the last part of its name.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.name
    }

    /// What `QNativeIpcKey::fromString` takes; a legacy key as it is.
    #[must_use]
    pub fn text(&self) -> &str {
        self.native.as_deref().unwrap_or(&self.name)
    }

    /// What stands for NAME in a command to a Qt peer.
    #[must_use]
    pub fn word(&self) -> String {
        match &self.native {
            Some(text) => format!("native:{}", encode(text)),
            None => self.name.clone(),
        }
    }

    /// The file of a POSIX segment.
    #[must_use]
    pub fn posix_path(&self) -> PathBuf {
        Path::new(POSIX).join(&self.name)
    }

    /// The file of a POSIX semaphore.
    #[must_use]
    pub fn posix_semaphore_path(&self) -> PathBuf {
        Path::new(POSIX).join(format!("sem.{}", self.name))
    }

    /// The file of a native System V key, for the segment and the semaphore.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// All that is left of it: files in its folder and in `/dev/shm`.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = files_with(&self.name, &self.folder);
        found.extend(files_with(&self.name, Path::new(POSIX)));
        found
    }
}

impl Drop for QtKey {
    fn drop(&mut self) {
        for file in files_with(&self.name, &self.folder) {
            remove_objects(&file, self.project);
            let _ = fs::remove_file(file);
        }
        // Nothing here stands for a System V object: its number may be that of somebody's.
        for file in files_with(&self.name, Path::new(POSIX)) {
            let _ = fs::remove_file(file);
        }
    }
}

/// A `TMPDIR` for programs whose Qt keys cannot be chosen: a key file in another folder is another key.
/// What they leave in it is removed when this is dropped.
#[derive(Debug, Default)]
pub struct QtFolder(TempDir);

impl QtFolder {
    /// A new, empty folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The files of Qt's legacy keys in it.
    #[must_use]
    pub fn key_files(&self) -> Vec<PathBuf> {
        files_with("qipc_", self.path())
    }
}

impl Drop for QtFolder {
    fn drop(&mut self) {
        for file in self.key_files() {
            remove_objects(&file, PROJECT);
        }
    }
}

/// Letters alone, and in every test others.
fn unique_name() -> String {
    let number = format!("{}x{}x", std::process::id(), next_number());
    let letters =
        number.bytes().map(|digit| char::from(if digit == b'x' { b'x' } else { digit - b'0' + b'a' }));
    format!("CenoteTest{}", letters.collect::<String>())
}

fn files_with(name: &str, folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().contains(name))
        .map(|entry| entry.path())
        .collect()
}

/// Removes the System V objects that a key file stands for.
fn remove_objects(file: &Path, project: u8) {
    if let Some(key) = sysv::key_of(file, project) {
        sysv::remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_keys_are_written_as_qt_writes_them() {
        let key = QtKey::posix();
        assert_eq!(key.text(), format!("posix:/{}", key.key()));
        assert_eq!(key.word(), format!("native:posix:/{}", key.key()));
        let key = QtKey::systemv(Path::new("/somewhere"), 7);
        assert_eq!(key.text(), format!("systemv-7:/somewhere/{}", key.key()));
        let key = QtKey::systemv(Path::new("/somewhere"), PROJECT);
        assert_eq!(key.text(), format!("systemv:{}", key.key_file().display()));
    }
}

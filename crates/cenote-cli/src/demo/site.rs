//! The names of one run and what is under them; taken away again, whatever happens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cenote::{Address, ErrorKind, Segment, qt};

use super::CLEANING_PATIENCE;
use super::trouble::Trouble;
use super::wire::timed;
use crate::platform;

/// The file that the client writes.
const PICTURE: &str = "picture.png";

/// Where the play takes place. Dropped, it removes all there is.
pub(super) struct Site {
    /// The key of the Qt segment: letters only, so that listings can tell it.
    pub(super) key: String,
    /// The name of the POSIX segment and of the directory, without a slash.
    pub(super) name: String,
    /// For the client's file: a directory that is this user's alone.
    directory: PathBuf,
}

impl Site {
    /// Names that nobody uses, and the directory.
    pub(super) fn new() -> Result<Self, Trouble> {
        let process = std::process::id();
        // What has the first name is left from another process of the same number, or somebody's joke.
        for attempt in 0..100 {
            let (key, name) = names(process, attempt);
            let directory = temporary_directory().join(&name);
            if has_key_files(&key) || !is_free(&Address::qt(&key)?)? || !is_free(&Address::posix(&name)?)? {
                continue;
            }
            match platform::make_own_directory(&directory) {
                Ok(()) => return Ok(Self { key, name, directory }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let what = format!("cannot make the directory {}: {error}", directory.display());
                    return Err(Trouble::told(what, "set TMPDIR to a directory that can be written to"));
                }
            }
        }
        Err(Trouble::told("all names are in use", "remove what earlier runs left: `cenote ls` shows it"))
    }

    pub(super) fn qt(&self) -> String {
        format!("qt:{}", self.key)
    }

    pub(super) fn posix(&self) -> String {
        format!("posix:/{}", self.name)
    }

    /// Removes the POSIX segment, and says how long it took.
    pub(super) fn remove_posix(&self) -> Result<Duration, Trouble> {
        let (removed, time) = timed(|| Segment::remove(self.posix()));
        removed?;
        Ok(time)
    }

    /// Removes the Qt segment, if it is there although its last holder detached: true if it was.
    pub(super) fn remove_qt(&self) -> Result<bool, Trouble> {
        match Segment::options().timeout(CLEANING_PATIENCE).remove(self.qt()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What the client writes.
    pub(super) fn picture(&self) -> PathBuf {
        self.directory.join(PICTURE)
    }

    pub(super) fn remove_directory(&self) -> Result<(), Trouble> {
        remove_directory(&self.directory)
            .map_err(|error| Trouble::io(&format!("cannot remove {}", self.directory.display()), &error))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // As a rule there is nothing left to remove; otherwise this is the end of a story that went wrong.
        clear(&self.qt(), &self.posix());
    }
}

/// Removes what there is of a run, whoever made it; nobody could hear of errors.
pub(super) fn clear(qt: &str, posix: &str) {
    let options = Segment::options().timeout(CLEANING_PATIENCE);
    let _ = options.remove(posix);
    let _ = options.remove(qt);
    if let Some(name) = posix.strip_prefix("posix:/") {
        let _ = remove_directory(&temporary_directory().join(name));
    }
}

/// Removes nothing but what the demo put there.
fn remove_directory(directory: &Path) -> io::Result<()> {
    let _ = fs::remove_file(directory.join(PICTURE));
    fs::remove_dir(directory)
}

/// The directory for temporary files, as the library and Qt choose it.
pub(super) fn temporary_directory() -> PathBuf {
    std::env::var_os("TMPDIR")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

fn names(process: u32, attempt: u32) -> (String, String) {
    let (key, name) = (format!("CenoteDemo{}", letters(process)), format!("cenote-demo-{process}"));
    if attempt == 0 {
        (key, name)
    } else {
        (format!("{key}X{}", letters(attempt)), format!("{name}-{attempt}"))
    }
}

/// The digits of a number as letters.
fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// They may be another user's, which cannot be removed.
fn has_key_files(key: &str) -> bool {
    let names = [qt::legacy_segment_name(key), qt::legacy_semaphore_name(key)];
    names.iter().any(|name| temporary_directory().join(name).symlink_metadata().is_ok())
}

fn is_free(address: &Address) -> Result<bool, Trouble> {
    match Segment::stat_of(address.clone()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        // Whatever else it is, it is somebody's.
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_process_and_attempt() {
        assert_eq!(names(4207, 0), ("CenoteDemoecah".to_owned(), "cenote-demo-4207".to_owned()));
        assert_eq!(names(4207, 12), ("CenoteDemoecahXbc".to_owned(), "cenote-demo-4207-12".to_owned()));
    }
}

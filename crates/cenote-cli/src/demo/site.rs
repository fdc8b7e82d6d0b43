//! The names of one run and what is under them; taken away again, whatever happens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cenote::{ErrorKind, Segment, qt};

use super::CLEANING_PATIENCE;
use super::trouble::Trouble;
use super::wire::timed;
use crate::platform;

/// The file that the client writes.
const PICTURE: &str = "picture.png";

/// Where the play takes place. Dropped, it removes all there is.
pub(super) struct Site {
    /// The key of the picture's segment: letters only, so that listings can tell it.
    pub(super) key: String,
    /// The name of the directory, and as a rule of the greeting's segment.
    pub(super) name: String,
    /// For files: a directory that is this user's alone.
    pub(super) directory: PathBuf,
    /// The address of the picture's segment.
    pub(super) picture: String,
    /// That of the greeting's.
    pub(super) greeting: String,
}

impl Site {
    /// Names that nobody uses, and the directory.
    pub(super) fn new() -> Result<Self, Trouble> {
        let process = std::process::id();
        // What has the first name is left from another process of the same number, or somebody's joke.
        for attempt in 0..100 {
            let (key, name) = names(process, attempt);
            let directory = platform::temporary_directory().join(&name);
            let [picture, greeting] = platform::demo_addresses(&key, &name, &directory);
            if has_key_files(&key) || !is_free(&picture)? || !is_free(&greeting)? {
                continue;
            }
            match platform::make_own_directory(&directory) {
                Ok(()) => return Ok(Self { key, name, directory, picture, greeting }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let what = format!("cannot make the directory {}: {error}", directory.display());
                    return Err(Trouble::told(what, "set TMPDIR to a directory that can be written to"));
                }
            }
        }
        Err(Trouble::told("all names are in use", "remove what earlier runs left: `cenote ls` shows it"))
    }

    /// Removes the greeting's segment, if its kind does not go with its last holder, and says how long it took.
    pub(super) fn remove_greeting(&self) -> Result<Option<Duration>, Trouble> {
        match timed(|| Segment::remove(&*self.greeting)) {
            (Ok(()), time) => Ok(Some(time)),
            (Err(error), _) if error.kind() == ErrorKind::NotFound => Ok(None),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Removes the picture's segment, if it is there although its last holder detached: true if it was.
    pub(super) fn remove_picture(&self) -> Result<bool, Trouble> {
        match Segment::options().timeout(CLEANING_PATIENCE).remove(&*self.picture) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What the client writes.
    pub(super) fn picture_file(&self) -> PathBuf {
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
        clear(&self.picture, &self.greeting, &self.directory);
    }
}

/// Removes what there is of a run, whoever made it; nobody could hear of errors.
pub(super) fn clear(picture: &str, greeting: &str, directory: &Path) {
    let options = Segment::options().timeout(CLEANING_PATIENCE);
    let _ = options.remove(greeting);
    let _ = options.remove(picture);
    let _ = remove_directory(directory);
}

/// Removes nothing but what the demo put there.
fn remove_directory(directory: &Path) -> io::Result<()> {
    let _ = fs::remove_file(directory.join(PICTURE));
    fs::remove_dir(directory)
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
    names.iter().any(|name| platform::temporary_directory().join(name).symlink_metadata().is_ok())
}

fn is_free(address: &str) -> Result<bool, Trouble> {
    match Segment::stat_of(address) {
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

//! Where a native segment's file is: whose it is, and its name as one file name.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// What all of them begin with.
const PREFIX: &str = "cenote.";
/// As long as file names can be.
const LONGEST: usize = 255;

/// A path, and whose the file there has to be.
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) uid: u32,
}

impl Place {
    pub(super) fn of(owner: Option<&str>, name: &str) -> Result<Self> {
        let uid = match owner {
            None => sys::own_user(),
            Some(owner) => owner.parse().ok().or_else(|| sys::uid_of_name(owner)),
        };
        let uid = uid.ok_or_else(|| {
            let what = format!("there is no user {}", owner.unwrap_or_default());
            Error::new(ErrorKind::NotFound, what).with_hint("use the login name, or the number of the user")
        })?;
        let file = file_name(uid, name);
        if file.len() > LONGEST {
            let what =
                format!("its name takes {} bytes as a file name, and {LONGEST} is the most", file.len());
            return Err(
                Error::new(ErrorKind::KeyError, what).with_hint("use a shorter name, or fewer slashes")
            );
        }
        Ok(Self { path: Path::new(sys::SHM_DIRECTORY).join(file), uid })
    }
}

fn file_name(uid: u32, name: &str) -> String {
    let mut file = format!("{PREFIX}{uid}.");
    for letter in name.chars() {
        match letter {
            '%' | '/' => {
                // Writing to a string cannot fail.
                let _ = write!(file, "%{:02X}", letter as u32);
            }
            _ => file.push(letter),
        }
    }
    file
}

/// The uid and the name that a file name stands for, if it is one that was made here.
pub(crate) fn native_name(file: &str) -> Option<(u32, String)> {
    let (uid, escaped) = file.strip_prefix(PREFIX)?.split_once('.')?;
    let name = escaped.replace("%2F", "/").replace("%25", "%");
    let uid = uid.parse().ok()?;
    (file_name(uid, &name) == file).then_some((uid, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_files_and_back() {
        let cases = [
            ("camera", "cenote.1000.camera"),
            ("camera/front", "cenote.1000.camera%2Ffront"),
            ("100%/é 日本", "cenote.1000.100%25%2Fé 日本"),
            ("%2F", "cenote.1000.%252F"),
        ];
        for (name, file) in cases {
            assert_eq!(file_name(1000, name), file);
            assert_eq!(native_name(file), Some((1000, name.to_owned())));
        }
        for other in [
            "cenote.1000",
            "cenote.x.camera",
            "cenote.01000.camera",
            "sem.x",
            "cenote.1.a%2f",
            "cenote.1.%41",
        ] {
            assert_eq!(native_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_that_makes_too_long_a_file_name_is_refused() {
        assert!(Place::of(Some("1000"), &"x".repeat(200)).is_ok());
        let error = Place::of(Some("1000"), &"%".repeat(200)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::KeyError);
        let error = Place::of(Some("nobody-of-that-name"), "x").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

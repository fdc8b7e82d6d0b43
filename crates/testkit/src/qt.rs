//! Qt keys that no other test uses. Qt itself leaves much behind when a program is killed.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::names::next_number;
use crate::sysv;

/// A key for `QSharedMemory` and `QSystemSemaphore`; what they leave of it is removed when this is
/// dropped.
#[derive(Debug)]
pub struct QtKey(String);

impl QtKey {
    /// A key of its own. It is all letters, because those are what Qt keeps of a key beside its hash,
    /// and so what its files can be recognised by.
    #[must_use]
    pub fn unique() -> Self {
        let number = format!("{}x{}x", std::process::id(), next_number());
        let letters =
            number.bytes().map(|digit| char::from(if digit == b'x' { b'x' } else { digit - b'0' + b'a' }));
        Self(format!("CenoteTest{}", letters.collect::<String>()))
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0
    }
}

impl Drop for QtKey {
    fn drop(&mut self) {
        for folder in [&std::env::temp_dir(), Path::new("/dev/shm")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().contains(&self.0) {
                    remove(&entry.path());
                }
            }
        }
    }
}

/// Removes a key file and the System V objects that it stands for.
fn remove(file: &Path) {
    if let Ok(path) = CString::new(file.as_os_str().as_bytes()) {
        // SAFETY: the path is a C string that lives through the call.
        let key = unsafe { libc::ftok(path.as_ptr(), i32::from(b'Q')) };
        if key != -1 {
            sysv::remove(key);
        }
    }
    let _ = fs::remove_file(file);
}

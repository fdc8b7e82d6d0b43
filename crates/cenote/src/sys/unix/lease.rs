//! Whether anybody else has a file open or mapped: the kernel knows, for all containers and PID namespaces.
//!
//! It grants a write lease on a file only while the file is open once; a mapping counts as open. See fcntl(2),
//! F_SETLEASE. The lease is given back at once.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::sys::Leased;

/// Which signal tells that somebody opens the file; the libc crate lacks it. See fcntl(2).
const F_SETSIG: i32 = 10;

/// Does `work` while the kernel keeps everybody else from opening the file: `None`, and nothing is done, unless it is
/// proven that nobody else has it open. Only the file's owner and root can prove it. To be short: others wait.
pub(crate) fn while_open_nowhere_else<T>(file: &OwnedFd, work: impl FnOnce() -> T) -> Option<T> {
    match lease(file, work) {
        Leased::Alone(done) => Some(done),
        Leased::Open | Leased::Refused => None,
    }
}

/// The same, and why it was not done.
pub(crate) fn lease<T>(file: &OwnedFd, work: impl FnOnce() -> T) -> Leased<T> {
    // Whoever opens the file while the lease lasts makes the kernel send a signal: one that nobody minds.
    if call(file, F_SETSIG, libc::SIGURG) != 0 {
        return Leased::Refused;
    }
    if call(file, libc::F_SETLEASE, libc::F_WRLCK) != 0 {
        let open = io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN);
        return if open { Leased::Open } else { Leased::Refused };
    }
    let done = work();
    // It goes with the descriptor, if not before.
    call(file, libc::F_SETLEASE, libc::F_UNLCK);
    Leased::Alone(done)
}

/// Whether nobody has come to open the file since the lease began: who does waits until it is given back.
pub(crate) fn lease_lasts(file: &OwnedFd) -> bool {
    call(file, libc::F_GETLEASE, 0) == libc::F_WRLCK
}

fn call(file: &OwnedFd, command: i32, argument: i32) -> i32 {
    // SAFETY: the descriptor is borrowed, and these commands take a number, or none.
    unsafe { libc::fcntl(file.as_raw_fd(), command, argument) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn is_open_nowhere_else(file: &OwnedFd) -> bool {
        while_open_nowhere_else(file, || ()).is_some()
    }

    #[test]
    fn another_descriptor_and_a_mapping_are_seen() {
        let name = testkit::names::ShmName::unique("lease");
        let file = OwnedFd::from(File::create_new(name.path()).unwrap());
        assert!(is_open_nowhere_else(&file));
        let other = File::open(name.path()).unwrap();
        assert!(!is_open_nowhere_else(&file), "open for reading, by anybody");
        drop(other);
        assert!(is_open_nowhere_else(&file));
        File::from(file.try_clone().unwrap()).set_len(1).unwrap();
        let mapping = crate::sys::Mapping::of_file(&file, crate::sys::Part::first(1), false).unwrap();
        drop(file);
        let again = OwnedFd::from(File::options().write(true).open(name.path()).unwrap());
        assert!(!is_open_nowhere_else(&again), "mapped");
        mapping.unmap().unwrap();
        assert!(is_open_nowhere_else(&again));
    }

    #[test]
    fn who_comes_while_it_lasts_is_noticed_and_waits() {
        let name = testkit::names::ShmName::unique("lease");
        let file = OwnedFd::from(File::create_new(name.path()).unwrap());
        let path = name.path();
        let mut comer = None;
        let done = lease(&file, || {
            assert!(lease_lasts(&file));
            comer = Some(std::thread::spawn(move || File::open(path).map(drop)));
            while lease_lasts(&file) {
                std::thread::yield_now();
            }
        });
        assert!(matches!(done, Leased::Alone(())));
        comer.unwrap().join().unwrap().unwrap();
    }
}

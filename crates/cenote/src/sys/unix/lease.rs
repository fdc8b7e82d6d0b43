//! Whether anybody else has a file open or mapped: the kernel knows, for all containers and PID namespaces.
//!
//! It grants a write lease on a file only while the file is open once; a mapping counts as open. See fcntl(2),
//! F_SETLEASE. The lease is given back at once.
//!
//! It counts by inode. A file system that is laid over another (overlayfs, FUSE) or that other machines use (NFS) lets
//! a process map a file by an inode which is not the one that was opened: a lease on that proves nothing.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::uninterrupted;
use crate::sys::{Backoff, Leased, Wait};

/// Which signal tells that somebody opens the file; the libc crate lacks it. See fcntl(2).
const F_SETSIG: i32 = 10;

/// Whose files are mapped by the inode that is opened, as statfs(2) has it: tmpfs, ramfs, ext2 to ext4, XFS, Btrfs and F2FS.
const COUNT_BY_INODE: [u32; 6] = [0x0102_1994, 0x8584_58f6, 0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010];

/// Does `work` while the kernel keeps everybody else from opening the file: `None`, and nothing is done, unless it is
/// proven that nobody else has it open. Only the file's owner and root can prove it. To be short: others wait.
pub(crate) fn while_open_nowhere_else<T>(file: &OwnedFd, work: impl FnOnce() -> T) -> Option<T> {
    match lease(file, work) {
        Leased::Alone(done) => Some(done),
        Leased::Open | Leased::Refused | Leased::Uncounted => None,
    }
}

/// The same, and why it was not done.
pub(crate) fn lease<T>(file: &OwnedFd, work: impl FnOnce() -> T) -> Leased<T> {
    if !counts_by_inode(file) {
        return Leased::Uncounted;
    }
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

#[allow(clippy::unnecessary_cast, reason = "the field's type differs between architectures")]
fn counts_by_inode(file: &OwnedFd) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|system| COUNT_BY_INODE.contains(&(system.f_type as u32)))
}

/// Whether nobody has come to open the file since the lease began: who does waits until it is given back.
pub(crate) fn lease_lasts(file: &OwnedFd) -> bool {
    call(file, libc::F_GETLEASE, 0) == libc::F_WRLCK
}

/// Opens a file. With O_NONBLOCK, one that somebody has a lease on cannot be: it is waited for a little, ours last for
/// microseconds.
pub(super) fn open_unless_leased(
    folder: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let open = || uninterrupted(|| rustix::fs::openat(folder, path, flags, Mode::empty()));
    let mut opened = open();
    if !matches!(opened, Err(Errno::AGAIN)) {
        return opened;
    }
    let (begin, mut backoff) = (Instant::now(), Backoff::new());
    let wait = Wait::up_to(Some(PATIENCE.left()));
    while matches!(opened, Err(Errno::AGAIN)) && backoff.pause(wait) {
        opened = open();
    }
    if opened.is_err() {
        PATIENCE.take(begin.elapsed());
    }
    opened
}

/// How long leases that are not given back are waited for. Anybody may have one on each of thousands of files, and who lists
/// them all is not to wait for each.
static PATIENCE: Patience = Patience(Mutex::new(None));

/// Since when it was spent, and how much of it.
struct Patience(Mutex<Option<(Instant, Duration)>>);

impl Patience {
    /// For one file.
    const MOST: Duration = Duration::from_secs(1);
    /// For so long nobody of ours has a lease without a pause.
    const LEAST: Duration = Duration::from_millis(10);
    /// For all files, in some time.
    const FOR_ALL: Duration = Duration::from_secs(2);
    const PERIOD: Duration = Duration::from_secs(60);

    fn left(&self) -> Duration {
        match *self.spent() {
            Some((since, spent)) if since.elapsed() < Self::PERIOD => {
                Self::FOR_ALL.saturating_sub(spent).clamp(Self::LEAST, Self::MOST)
            }
            _ => Self::MOST,
        }
    }

    fn take(&self, time: Duration) {
        let mut spent = self.spent();
        *spent = match *spent {
            Some((since, before)) if since.elapsed() < Self::PERIOD => Some((since, before + time)),
            _ => Some((Instant::now(), time)),
        };
    }

    fn spent(&self) -> MutexGuard<'_, Option<(Instant, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    /// Of a stranger, on many files.
    #[test]
    fn leases_that_are_not_given_back_are_not_waited_for_one_after_the_other() {
        const FILES: usize = 20;
        let patience = Patience(Mutex::new(None));
        assert_eq!(patience.left(), Patience::MOST);
        let mut waited = Duration::ZERO;
        for _ in 0..FILES {
            waited += patience.left();
            patience.take(patience.left());
        }
        assert!(waited < Patience::FOR_ALL + FILES as u32 * Patience::LEAST, "{waited:?}");
        assert_eq!(patience.left(), Patience::LEAST);
        let long_ago = Instant::now().checked_sub(Patience::PERIOD);
        *patience.spent() = long_ago.map(|since| (since, waited));
        assert_eq!(patience.left(), Patience::MOST);
    }
}

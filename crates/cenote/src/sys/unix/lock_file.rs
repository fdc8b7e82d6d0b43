//! Byte-range locks of an open file description, over a whole file: the kernel releases them at any death.
//!
//! They exclude `lockf` and `fcntl` locks of other programs, and each other between descriptions, threads included.
//! See fcntl(2), "Open file description locks".

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::catalog::lock_owner;
use super::fork::Unshared;
use super::os_error;
use super::uninterrupted;
use crate::error::{ErrorKind, Result};
use crate::sys::{Backoff, Wait};

/// An open file description of its own, which can hold one lock. Dropped, it lets go.
pub(crate) struct LockFile(Unshared);

impl LockFile {
    /// Opens another description of the file behind `file`.
    pub(crate) fn reopen(file: &OwnedFd, writable: bool) -> Result<Self> {
        reopen(file, writable).map(Self)
    }

    /// Takes the lock: false if `wait` ended first. `shared` excludes only exclusive ones.
    pub(crate) fn lock(&self, shared: bool, wait: Wait) -> Result<bool> {
        let failed = |errno| os_error("fcntl(F_OFD_SETLK)", errno).with_kind(ErrorKind::LockError);
        if matches!(wait, Wait::Forever) {
            return uninterrupted(|| self.set(shared, libc::F_OFD_SETLKW)).map(|()| true).map_err(failed);
        }
        // The system has no timed form of this lock.
        let mut backoff = Backoff::new();
        loop {
            match self.set(shared, libc::F_OFD_SETLK) {
                Ok(()) => return Ok(true),
                Err(Errno::AGAIN | Errno::ACCESS) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(failed(errno)),
            }
            if !backoff.pause(wait) {
                return Ok(false);
            }
        }
    }

    /// Lets go of the lock. In a forked child there is nothing to let go: the description is the parent's.
    pub(crate) fn unlock(&self) -> Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        self.call(libc::F_UNLCK, libc::F_OFD_SETLK)
            .map_err(|errno| os_error("fcntl(F_UNLCK)", errno).with_kind(ErrorKind::LockError))
    }

    /// Whether it was opened by this process, rather than by the one that this was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.0.is_ours()
    }

    fn set(&self, shared: bool, command: i32) -> Result<(), Errno> {
        self.call(if shared { libc::F_RDLCK } else { libc::F_WRLCK }, command)
    }

    /// From the start to the end, however far that may move.
    fn call(&self, kind: i32, command: i32) -> Result<(), Errno> {
        apply(&self.0, command, &mut byte_range(kind, 0, 0))
    }
}

/// Opens a file once more, as a description that no child shares.
pub(super) fn reopen(file: &OwnedFd, writable: bool) -> Result<Unshared> {
    let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    let open = || uninterrupted(|| rustix::fs::open(path.as_str(), access | OFlags::CLOEXEC, Mode::empty()));
    Unshared::open(open).map_err(|errno| {
        let error =
            os_error("open", errno).because("the lock needs the file opened once more, which is refused");
        match error.kind() {
            ErrorKind::OutOfResources => error.with_hint("close files, or raise the limit (`ulimit -n`)"),
            _ => error
                .with_kind(ErrorKind::LockError)
                .with_hint("has its mode changed, or is /proc not mounted?"),
        }
    })
}

/// A lock of `len` bytes from `start` on, to the end of any file if that is 0. The pid must be 0 for locks of
/// descriptions.
pub(super) fn byte_range(kind: i32, start: i64, len: i64) -> libc::flock {
    libc::flock { l_type: kind as _, l_whence: libc::SEEK_SET as _, l_start: start, l_len: len, l_pid: 0 }
}

/// Sets a lock, or asks for one.
pub(super) fn apply(file: &Unshared, command: i32, range: &mut libc::flock) -> Result<(), Errno> {
    // SAFETY: the descriptor is open while `file` lives in its process, and the struct is what these commands take.
    let result = unsafe { libc::fcntl(file.descriptor(), command, std::ptr::from_mut(range)) };
    if result == -1 { Err(last_errno()) } else { Ok(()) }
}

/// A place for one [`LockFile`] that is not in use, so that not every lock opens a file.
#[derive(Default)]
pub(crate) struct IdleLock(AtomicU64);

impl IdleLock {
    pub(crate) fn take(&self) -> Option<LockFile> {
        // Acquire: pairs with the Release in `put`. What was opened before a fork is not for the child.
        Unshared::from_word(self.0.swap(0, Ordering::Acquire)).map(LockFile).filter(LockFile::is_ours)
    }

    pub(crate) fn put(&self, file: LockFile) {
        let word = file.0.into_word();
        // Release: pairs with the Acquire in `take`, for whoever unlocked it before.
        let before = self.0.swap(word, Ordering::AcqRel);
        drop(Unshared::from_word(before));
    }
}

impl Drop for IdleLock {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Who has a byte-range lock on the file: `Some(None)` is somebody who cannot be seen.
pub(crate) fn range_holder(file: &OwnedFd) -> Result<Option<Option<u32>>> {
    let mut range = byte_range(libc::F_WRLCK, 0, 0);
    // SAFETY: the descriptor is borrowed, and the struct is what this command fills.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut range) };
    if result == -1 {
        return Err(os_error("fcntl(F_OFD_GETLK)", last_errno()));
    }
    let held = i32::from(range.l_type) != libc::F_UNLCK;
    // An open file description has no process, so that the pid is -1; but somebody has it open.
    let holder = || u32::try_from(range.l_pid).ok().filter(|&pid| pid != 0).or_else(|| lock_owner(file));
    Ok(held.then(holder))
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

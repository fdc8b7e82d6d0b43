//! Witnesses of life: locks on single bytes of a file, by an open file description that nobody shares. The kernel drops
//! them at any death, and in every container.
//!
//! The bytes lie far behind the end of any file. What they mean is said in `docs/format/segment.md`.

#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW};
use rustix::io::Errno;

use super::fork::Unshared;
use super::lock_file::{apply, byte_range, reopen};
use super::object::facts;
use super::{os_error, uninterrupted};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Backoff, FileFacts, Wait};

/// Where the bytes begin.
const BASE: i64 = 1 << 62;

/// Which bytes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Byte {
    /// For whoever attaches, leaves or removes.
    Door,
    /// Of that holder.
    Slot(u32),
    /// Of all who only read.
    Readers,
    /// The slots' and the readers'.
    Holders,
}

/// How many slots there are before the readers' byte.
pub(crate) const WITNESS_SLOTS: u32 = 256;
const SLOTS: i64 = WITNESS_SLOTS as i64;

impl Byte {
    fn lock(self, kind: i32) -> libc::flock {
        let (start, len) = match self {
            Self::Door => (BASE - 1, 1),
            Self::Slot(index) => (BASE + i64::from(index), 1),
            Self::Readers => (BASE + SLOTS, 1),
            Self::Holders => (BASE, SLOTS + 1),
        };
        byte_range(kind, start, len)
    }
}

/// An open file description of this process alone, and the locks that it has. With it they go.
pub(crate) struct Witness(Unshared);

impl Witness {
    /// Opens the file once more. What is mapped must be another description's: a mapping keeps its description, and with
    /// it the locks, also in a forked child.
    pub(crate) fn of(file: &OwnedFd, writable: bool) -> Result<Self> {
        reopen(file, writable).map(Self)
    }

    /// What the file is now.
    pub(crate) fn facts(&self) -> Result<FileFacts> {
        if !self.is_ours() {
            return Err(inherited());
        }
        // SAFETY: open while `self` lives in this process.
        let file = unsafe { BorrowedFd::borrow_raw(self.0.descriptor()) };
        rustix::fs::fstat(file).map(|stat| facts(&stat)).map_err(|errno| os_error("fstat", errno))
    }

    /// Writes down that the file was used now: stores to its memory leave no trace. Not everybody may.
    pub(crate) fn touch(&self) {
        if self.is_ours() {
            // SAFETY: open while `self` lives in this process.
            let file = unsafe { BorrowedFd::borrow_raw(self.0.descriptor()) };
            let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            // It is for those who ask later how old it is, and nothing depends on it.
            let _ = rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now });
        }
    }

    /// Whether this process opened it, rather than the one that it was forked from: then it is closed.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.0.is_ours()
    }

    /// Takes a lock, shared or not: false if somebody has it.
    pub(crate) fn try_lock(&self, byte: Byte, shared: bool) -> Result<bool> {
        let kind = if shared { libc::F_RDLCK } else { libc::F_WRLCK };
        match self.set(byte, kind) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(errno) => Err(os_error("fcntl(F_OFD_SETLK)", errno).with_kind(ErrorKind::LockError)),
        }
    }

    /// The same, waiting for it: false if the wait ended first. The system's own waiting has no end.
    pub(crate) fn lock(&self, byte: Byte, wait: Wait) -> Result<bool> {
        let mut backoff = Backoff::new();
        while !self.try_lock(byte, false)? {
            if !backoff.pause(wait) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn unlock(&self, byte: Byte) -> Result<()> {
        self.set(byte, libc::F_UNLCK)
            .map_err(|errno| os_error("fcntl(F_UNLCK)", errno).with_kind(ErrorKind::LockError))
    }

    /// Whether anybody else has a lock there.
    pub(crate) fn is_held_by_others(&self, byte: Byte) -> Result<bool> {
        let mut range = byte.lock(libc::F_WRLCK);
        let asked = uninterrupted(|| self.call(libc::F_OFD_GETLK, &mut range));
        asked.map_err(|errno| os_error("fcntl(F_OFD_GETLK)", errno).with_kind(ErrorKind::LockError))?;
        Ok(i32::from(range.l_type) != libc::F_UNLCK)
    }

    /// Lets go of all: closing does so only once nobody else has the description, and for a moment a child may, that
    /// another thread has split off to start a program in it.
    fn leave(&self) -> Result<(), Errno> {
        let mut all = byte_range(libc::F_UNLCK, BASE - 1, SLOTS + 2);
        uninterrupted(|| self.call(libc::F_OFD_SETLK, &mut all))
    }

    fn set(&self, byte: Byte, kind: i32) -> Result<(), Errno> {
        uninterrupted(|| self.call(libc::F_OFD_SETLK, &mut byte.lock(kind)))
    }

    fn call(&self, command: i32, range: &mut libc::flock) -> Result<(), Errno> {
        if !self.is_ours() {
            // In a forked child the number may be another file's by now.
            return Err(Errno::BADF);
        }
        apply(&self.0, command, range)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // What is not ours was closed when this process was forked, and what is lets go of its locks in the end.
        let _ = self.leave();
    }
}

/// For a forked child that uses what it has not attached itself.
#[cold]
pub(crate) fn inherited() -> Error {
    Error::new(ErrorKind::LockError, "it was attached by the process that this one was forked from")
        .with_hint("attach it in the child, which is a holder of its own then")
}

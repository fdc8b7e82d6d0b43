//! Anonymous memory: made and sealed, found through /proc, and read as a plain slice once it can never change.
//!
//! See memfd_create(2), and fcntl(2), "File Sealing". A seal is never taken off again, so that what is seen once holds
//! for ever.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;

use super::object::{prepare, stat_file};
use super::{os_error, uninterrupted};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Backoff, FileFacts, Mapping, NewFile, Wait};

/// What memfd_create(2) gives its files in front of their label.
const LINK: &str = "/memfd:";
/// tmpfs, which anonymous memory is of unless it is of huge pages, as statfs(2) has it.
const TMPFS: u64 = 0x0102_1994;

/// How long to wait for what keeps memory from being sealed for a moment only.
const SEALING_WAITS: Duration = Duration::from_millis(100);

/// What keeps bytes as they are, and where they are, for good.
const IMMUTABLE: SealFlags = SealFlags::WRITE.union(SealFlags::SHRINK);

/// Makes memory of zeros that cannot shrink. The label is only shown to people.
pub(crate) fn create_memfd(label: &str, new: NewFile) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = uninterrupted(|| rustix::fs::memfd_create(label, flags | MemfdFlags::NOEXEC_SEAL))
        .or_else(|errno| match errno {
            // Linux before 6.3 does not know NOEXEC_SEAL.
            Errno::INVAL => uninterrupted(|| rustix::fs::memfd_create(label, flags)),
            errno => Err(errno),
        })
        .map_err(|errno| os_error("memfd_create", errno))?;
    // Nobody runs memory, and the kernel would refuse the bits: the mode is without them from the start.
    prepare(&file, None, NewFile { mode: new.mode & 0o666, ..new })?;
    add_seals(&file, SealFlags::SHRINK)?;
    Ok(file)
}

/// Descriptor `fd` of process `pid`, which must be anonymous memory, without access to its bytes.
pub(crate) fn find_memfd(pid: u32, fd: u32) -> Result<(OwnedFd, FileFacts)> {
    // Without access, so that nothing happens to what it may be instead: devices and FIFOs notice being opened.
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let path = format!("/proc/{pid}/fd/{fd}");
    let found =
        uninterrupted(|| rustix::fs::open(path.as_str(), flags, Mode::empty())).map_err(|errno| {
            match errno {
                Errno::NOENT | Errno::SRCH => not_there(pid, fd),
                Errno::ACCESS | Errno::PERM => os_error("open", errno).with_hint(
                    "only its own user, or root, reaches the descriptors of a process: have it handed over instead \
                     (cenote::handover)",
                ),
                errno => os_error("open", errno),
            }
        })?;
    ensure_memfd(&found)?;
    let facts = stat_file(&found)?;
    Ok((found, facts))
}

/// Opens what [`find_memfd`] found, or what is ours, with a description of its own.
pub(crate) fn open_memfd(found: &OwnedFd, writable: bool) -> Result<OwnedFd> {
    let file = reopen(found, writable).map_err(|errno| os_error("open", errno))?;
    if writable {
        ensure_unsealed(&file)?;
    }
    Ok(file)
}

/// Takes over a descriptor that came from another process, which may be anything. What is given back is anonymous
/// memory that cannot shrink, with a description of its own wherever its mode lets us open one: no lock of the
/// sender's lives on in us.
pub(crate) fn adopt_memfd(received: OwnedFd, writable: bool) -> Result<OwnedFd> {
    let flags = rustix::fs::fcntl_getfl(&received).map_err(|errno| os_error("fcntl(F_GETFL)", errno))?;
    // Opening it anew would give rights that the sender has not given.
    let enough = match flags & OFlags::ACCMODE {
        _ if flags.contains(OFlags::PATH) => false,
        OFlags::RDWR => true,
        access => access == OFlags::RDONLY && !writable,
    };
    if !enough {
        return Err(untrusted("a descriptor came that does not give the access it is said to give"));
    }
    ensure_memfd(&received)?;
    if writable {
        ensure_unsealed(&received)?;
    }
    if !seals(&received)?.contains(SealFlags::SHRINK) {
        return Err(untrusted("the memory that came is not sealed against shrinking"));
    }
    match reopen(&received, writable) {
        Ok(file) => Ok(file),
        // Another user's memory, whose mode shuts us out. Whoever sent this has let us in.
        Err(Errno::ACCESS | Errno::PERM) => Ok(received),
        Err(errno) => Err(os_error("open", errno)),
    }
}

/// From now on nobody can map it writable, write to it or change its size. Writable mappings that exist stay.
pub(crate) fn seal_writes(file: &OwnedFd) -> Result<()> {
    let wanted = SealFlags::FUTURE_WRITE | SealFlags::SHRINK | SealFlags::GROW;
    let there = seals(file)?;
    // What is sealed for good has more than that.
    if there.contains(wanted) || there.contains(IMMUTABLE | SealFlags::GROW) {
        return Ok(());
    }
    add_seals(file, wanted)
}

/// What this process calls a descriptor.
pub(crate) fn number_of(descriptor: &OwnedFd) -> u32 {
    descriptor.as_raw_fd().unsigned_abs()
}

fn reopen(file: &OwnedFd, writable: bool) -> Result<OwnedFd, Errno> {
    let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
    let path = link_to(file);
    uninterrupted(|| rustix::fs::open(&path, access | OFlags::CLOEXEC, Mode::empty()))
}

fn link_to(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// `KeyError` for all but anonymous memory in ordinary pages.
fn ensure_memfd(file: &OwnedFd) -> Result<()> {
    let what = rustix::fs::readlink(link_to(file), Vec::new())
        .map_err(|errno| os_error("readlink", errno).with_hint("is /proc not mounted?"))?;
    let what = what.to_string_lossy();
    if !what.starts_with(LINK) {
        return Err(Error::new(
            ErrorKind::KeyError,
            format!("the descriptor is {what}, not anonymous memory"),
        )
        .with_hint("`ls -l /proc/PID/fd` shows which ones are: their names begin with /memfd:"));
    }
    let system = rustix::fs::fstatfs(file).map_err(|errno| os_error("fstatfs", errno))?;
    #[allow(clippy::unnecessary_cast, reason = "the field's type differs from one architecture to the next")]
    if system.f_type as u64 != TMPFS {
        return Err(Error::new(ErrorKind::Unsupported, "it is anonymous memory in huge pages")
            .with_hint("make it without MFD_HUGETLB"));
    }
    Ok(())
}

/// A writable mapping would be refused; this says why.
fn ensure_unsealed(file: &OwnedFd) -> Result<()> {
    if !seals(file)?.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::PermissionDenied, "it is sealed against writing")
        .with_hint("attach it, or hand it over, read-only: nobody can take a seal off"))
}

fn seals(file: &OwnedFd) -> Result<SealFlags> {
    rustix::fs::fcntl_get_seals(file).map_err(|errno| os_error("fcntl(F_GET_SEALS)", errno))
}

fn add_seals(file: &OwnedFd, wanted: SealFlags) -> Result<()> {
    rustix::fs::fcntl_add_seals(file, wanted).map_err(|errno| match errno {
        Errno::BUSY => os_error("fcntl(F_ADD_SEALS)", errno)
            .with_kind(ErrorKind::PermissionDenied)
            .because("somebody else has it mapped writable, or a forked child of this process does")
            .with_hint("`cenote show` names its holders: those who can write must detach first"),
        Errno::PERM => os_error("fcntl(F_ADD_SEALS)", errno)
            .because("it is open read-only here, or somebody has sealed the seals")
            .with_hint("let its maker seal it"),
        errno => os_error("fcntl(F_ADD_SEALS)", errno),
    })
}

#[cold]
fn not_there(pid: u32, fd: u32) -> Error {
    let what = if rustix::fs::stat(format!("/proc/{pid}")).is_ok() {
        format!("process {pid} has no descriptor {fd}")
    } else {
        format!("there is no process {pid}")
    };
    Error::new(ErrorKind::NotFound, what).with_hint(
        "anonymous memory goes with its last holder; `ls -l /proc/PID/fd` shows what a process has",
    )
}

#[cold]
fn untrusted(what: &str) -> Error {
    Error::new(ErrorKind::Untrusted, what).with_hint("find out who is at the other end")
}

/// Memory that nobody can change or shrink any more, whatever they do: the kernel has refused it for good.
pub(crate) struct SealedMemory {
    file: OwnedFd,
    mapping: Mapping,
}

impl SealedMemory {
    /// Seals a file for good. Nobody may have it mapped writable, this process included.
    pub(crate) fn seal(file: &OwnedFd) -> Result<Self> {
        // Opened first: sealed memory that cannot be read would be lost. It stays here, is seen in /proc, and cannot
        // write either.
        let reader = reopen(file, false).map_err(|errno| os_error("open", errno))?;
        if !seals(file)?.contains(IMMUTABLE) {
            let all = IMMUTABLE | SealFlags::GROW | SealFlags::SEAL;
            // A program that another thread is just starting has our old mapping until it is loaded.
            let (wait, mut backoff) = (Wait::up_to(Some(SEALING_WAITS)), Backoff::new());
            while let Err(error) = add_seals(file, all) {
                let busy = error.os_error().and_then(std::io::Error::raw_os_error) == Some(libc::EBUSY);
                if !busy || !backoff.pause(wait) {
                    return Err(error);
                }
            }
            // What cannot be written looks like it, where the file is ours.
            if let Ok(FileFacts { mode: Some(mode), .. }) = stat_file(file) {
                let _ = rustix::fs::fchmod(file, Mode::from_raw_mode(mode & 0o444));
            }
        }
        Self::of(reader)
    }

    /// Maps what is sealed already, as far as the kernel says so.
    pub(crate) fn of(file: OwnedFd) -> Result<Self> {
        ensure_memfd(&file)?;
        let seals = seals(&file)?;
        if !seals.contains(IMMUTABLE) {
            return Err(untrusted("the memory is not sealed against writing and shrinking"));
        }
        // It can only grow from here on, and what is mapped stays.
        let FileFacts { size, .. } = stat_file(&file)?;
        let len = usize::try_from(size).ok().filter(|&len| isize::try_from(len).is_ok() && len > 0);
        let len = len.ok_or_else(|| {
            Error::new(ErrorKind::InvalidSize, format!("sealed memory of {size} bytes cannot be mapped"))
                .with_hint("its maker gave it that size for good: ask for another")
        })?;
        let mapping = Mapping::of_sealed_file(&file, len)?;
        Ok(Self { file, mapping })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping has `len` bytes, readable, and lives as long as `self`, which the slice borrows. Nobody
        // changes or removes them: `of` saw F_SEAL_WRITE, which the kernel grants only while no writable mapping
        // exists and after which it refuses any, with write(2) and the punching of holes, and F_SEAL_SHRINK; neither
        // is ever taken off. Only shmem files have seals, so no other file system can have lied. A page that cannot be had
        // (no memory) kills the process: the mapping is under no watch that would put zeros in its place.
        unsafe { std::slice::from_raw_parts(self.mapping.base(), self.mapping.len()) }
    }

    /// A descriptor for another process: read-only, and with a description of its own if it can be had. None carries
    /// locks.
    pub(crate) fn for_sending(&self) -> Result<OwnedFd> {
        reopen(&self.file, false)
            .or_else(|_| rustix::io::fcntl_dupfd_cloexec(&self.file, 0))
            .map_err(|errno| os_error("dup", errno))
    }

    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }
}

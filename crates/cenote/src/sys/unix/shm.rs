//! System V shared memory segments: shmget(2), shmctl(2). Attaching is in `mapping`.

#![allow(unsafe_code)]

use std::io;

use super::object::time;
use super::os_error;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::ShmFacts;

/// In a segment's mode: marked for removal. The libc crate lacks it; see <linux/shm.h>.
pub(super) const SHM_DEST: u32 = 0o1000;

/// Makes a segment of zeros under a key that must be free. Gives its id.
pub(crate) fn shm_create(key: i32, size: u64, mode: u32, sparse: bool) -> Result<i32> {
    let Ok(bytes) = usize::try_from(size) else {
        return Err(Error::new(
            ErrorKind::InvalidSize,
            format!("{size} bytes are beyond what can be addressed"),
        ));
    };
    if !sparse {
        super::headroom::check(size)?;
    }
    // SAFETY: takes three numbers.
    let id =
        unsafe { libc::shmget(key, bytes, libc::IPC_CREAT | libc::IPC_EXCL | (mode & 0o777).cast_signed()) };
    if id != -1 {
        return Ok(id);
    }
    let error = io::Error::last_os_error();
    Err(match error.raw_os_error() {
        Some(libc::EINVAL) => os_error("shmget", error)
            .with_kind(ErrorKind::InvalidSize)
            .with_hint("the kernel's limit is in /proc/sys/kernel/shmmax"),
        Some(libc::EEXIST) => os_error("shmget", error).because("there is one already"),
        Some(libc::ENOSPC) => os_error("shmget", error)
            .because("the kernel's limit on segments or on their sum is reached")
            .with_hint("`cenote ls sysv:` lists them; the limits are /proc/sys/kernel/shmmni and shmall"),
        _ => os_error("shmget", error),
    })
}

/// The id of the segment that has the key.
pub(crate) fn shm_find(key: i32) -> Result<i32> {
    // SAFETY: takes three numbers.
    let id = unsafe { libc::shmget(key, 0, 0) };
    if id == -1 { Err(os_error("shmget", io::Error::last_os_error())) } else { Ok(id) }
}

/// What the kernel knows of the segment; `NotFound` if it is gone.
pub(crate) fn shm_stat(id: i32) -> Result<ShmFacts> {
    // SAFETY: a struct of integers, for which all zeros are valid.
    let mut found = unsafe { std::mem::zeroed::<libc::shmid_ds>() };
    // SAFETY: IPC_STAT fills the struct, which is ours.
    if unsafe { libc::shmctl(id, libc::IPC_STAT, &raw mut found) } == -1 {
        return Err(gone("shmctl(IPC_STAT)"));
    }
    let mode = u32::from(found.shm_perm.mode);
    Ok(ShmFacts {
        id,
        key: found.shm_perm.__key,
        size: found.shm_segsz as u64,
        uid: found.shm_perm.uid,
        gid: found.shm_perm.gid,
        mode: mode & 0o777,
        removed: mode & SHM_DEST != 0,
        attached: found.shm_nattch,
        creator: found.shm_cpid,
        last_attach: time(found.shm_atime),
        last_detach: time(found.shm_dtime),
        changed: time(found.shm_ctime),
    })
}

/// Takes the key away; the memory lives until the last detach.
pub(crate) fn shm_remove(id: i32) -> Result<()> {
    // SAFETY: IPC_RMID ignores the struct.
    let result = unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    if result == -1 { Err(gone("shmctl(IPC_RMID)")) } else { Ok(()) }
}

/// An id that is gone is reported as EINVAL or EIDRM.
fn gone(call: &str) -> Error {
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::EIDRM) => {
            os_error(call, error).with_kind(ErrorKind::NotFound).because("it is gone")
        }
        _ => os_error(call, error),
    }
}

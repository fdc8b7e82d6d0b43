//! The calls of System V that its three contenders share.
#![allow(unsafe_code)]

use std::io;
use std::ptr::null_mut;

use crate::harness::Fault;

pub(super) const MODE: i32 = 0o600;

/// The call's result, or what the system says.
pub(super) fn check(call: &str, result: i32) -> Result<i32, Fault> {
    if result < 0 { Err(format!("{call}: {}", io::Error::last_os_error())) } else { Ok(result) }
}

/// Whether the call was refused because it would have to wait, or was interrupted; the rest are faults.
pub(super) fn refused(call: &str) -> Result<bool, Fault> {
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMSG | libc::EINTR) => Ok(false),
        _ => Err(format!("{call}: {error}")),
    }
}

/// Removes the queue, if there is one.
pub(super) fn remove_queue(key: i32) {
    // SAFETY: numbers alone.
    let id = unsafe { libc::msgget(key, 0) };
    if id >= 0 {
        // SAFETY: removal takes no structure.
        let _ = unsafe { libc::msgctl(id, libc::IPC_RMID, null_mut()) };
    }
}

/// Removes the set of semaphores, if there is one.
pub(super) fn remove_set(key: i32) {
    // SAFETY: numbers alone.
    let id = unsafe { libc::semget(key, 0, 0) };
    if id >= 0 {
        // SAFETY: removal takes no further argument.
        let _ = unsafe { libc::semctl(id, 0, libc::IPC_RMID) };
    }
}

/// Removes the segment, if there is one.
pub(super) fn remove_segment(key: i32) {
    // SAFETY: numbers alone.
    let id = unsafe { libc::shmget(key, 0, 0) };
    if id >= 0 {
        // SAFETY: removal takes no structure.
        let _ = unsafe { libc::shmctl(id, libc::IPC_RMID, null_mut()) };
    }
}

/// Whether nothing of any of the three kinds has this key.
pub(crate) fn is_free(key: i32) -> bool {
    // SAFETY: numbers alone.
    let queue = unsafe { libc::msgget(key, 0) };
    // SAFETY: numbers alone.
    let set = unsafe { libc::semget(key, 0, 0) };
    // SAFETY: numbers alone.
    let segment = unsafe { libc::shmget(key, 0, 0) };
    queue < 0 && set < 0 && segment < 0
}

//! Keys of System V objects that no other test uses.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A key for `shmget` and `semget`; what still has it when this is dropped is removed.
#[derive(Debug)]
pub struct SysvKey(i32);

impl SysvKey {
    /// A key of its own.
    #[must_use]
    pub fn unique() -> Self {
        /// Of its own: other names would use its 8 bits up.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // 0x7e ("te"st) in front, then the process, then the number: 24 bits tell tests that run at
        // the same time apart.
        let process = std::process::id() & 0xffff;
        let key = 0x7e00_0000 | process << 8 | NEXT.fetch_add(1, Ordering::Relaxed) & 0xff;
        Self(i32::try_from(key).expect("the highest bit is not set"))
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> i32 {
        self.0
    }
}

impl Drop for SysvKey {
    fn drop(&mut self) {
        remove(self.0);
    }
}

/// The key that ftok(3) makes of a file, if there is one.
#[must_use]
pub fn key_of(path: &Path, project: u8) -> Option<i32> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: a C string that lives through the call.
    let key = unsafe { libc::ftok(path.as_ptr(), project.into()) };
    (key != -1).then_some(key)
}

/// The value of the first semaphore of the set that ftok(3) leads to, if there is one.
#[must_use]
pub fn semaphore_value(path: &Path, project: u8) -> Option<i32> {
    ask_semaphore(path, project, libc::GETVAL)
}

/// How many threads wait until they can take from that semaphore.
#[must_use]
pub fn semaphore_waiters(path: &Path, project: u8) -> Option<i32> {
    ask_semaphore(path, project, libc::GETNCNT)
}

fn ask_semaphore(path: &Path, project: u8, question: libc::c_int) -> Option<i32> {
    let key = key_of(path, project)?;
    // SAFETY: the call takes plain numbers and makes nothing.
    let set = unsafe { libc::semget(key, 0, 0) };
    // SAFETY: neither question uses a fourth argument.
    let value = unsafe { libc::semctl(set, 0, question) };
    (set >= 0 && value >= 0).then_some(value)
}

/// What there is under `key`, in words; empty if there is nothing.
#[must_use]
pub fn objects(key: i32) -> Vec<&'static str> {
    // SAFETY: the call takes plain numbers and makes nothing.
    let segment = unsafe { libc::shmget(key, 0, 0) };
    // SAFETY: the call takes plain numbers and makes nothing.
    let set = unsafe { libc::semget(key, 0, 0) };
    [(segment, "segment"), (set, "semaphore set")]
        .into_iter()
        .filter_map(|(id, what)| (id >= 0).then_some(what))
        .collect()
}

/// Removes the segment and the semaphore set under `key`, if there are any.
pub fn remove(key: i32) {
    // SAFETY: the call takes plain numbers and makes nothing.
    let segment = unsafe { libc::shmget(key, 0, 0) };
    if segment >= 0 {
        // SAFETY: IPC_RMID uses no buffer.
        unsafe { libc::shmctl(segment, libc::IPC_RMID, ptr::null_mut()) };
    }
    // SAFETY: the call takes plain numbers and makes nothing.
    let set = unsafe { libc::semget(key, 0, 0) };
    if set >= 0 {
        // SAFETY: IPC_RMID uses no fourth argument.
        unsafe { libc::semctl(set, 0, libc::IPC_RMID) };
    }
}

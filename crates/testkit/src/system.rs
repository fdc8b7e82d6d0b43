//! Children with fewer rights or less memory, and a few things that the standard library does not tell.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use crate::skipped;

/// Nobody, on every system.
pub const OTHER_USER: u32 = 65534;

/// Whether this process may do everything.
#[must_use]
pub fn is_root() -> bool {
    // SAFETY: the call has no arguments and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// [`is_root`], for a test that can do nothing otherwise: says that it is skipped.
#[must_use]
pub fn has_root() -> bool {
    if !is_root() {
        skipped("only root can do this");
    }
    is_root()
}

/// Lets the child run as another user, which only root can. Its program must be within that user's
/// reach.
pub fn as_other_user(command: &mut Command) -> &mut Command {
    as_user(command, OTHER_USER, OTHER_USER)
}

/// Lets the child run with these numbers for its user and its only group, which only root can. Nobody need be known
/// under them. Its program must be within that user's reach.
pub fn as_user(command: &mut Command, uid: u32, gid: u32) -> &mut Command {
    command.uid(uid).gid(gid)
}

/// Sends `signal` to the process `pid`.
///
/// # Panics
/// If the system refuses.
#[track_caller]
pub fn signal(pid: u32, signal: i32) {
    let pid = i32::try_from(pid).expect("a process id fits");
    // SAFETY: the call takes plain numbers.
    let result = unsafe { libc::kill(pid, signal) };
    assert_eq!(result, 0, "signal {signal} to {pid}: {}", io::Error::last_os_error());
}

/// Sends the child `signal` when the thread that starts it ends, however that happens: then nothing outlives
/// a test that a watchdog ends, or a person.
#[cfg(target_os = "linux")]
pub fn goes_with_us(command: &mut Command, signal: i32) -> &mut Command {
    let tell_me = move || {
        // SAFETY: the call takes plain numbers.
        succeeded(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) })
    };
    // SAFETY: between fork and exec the closure makes one system call; it allocates nothing.
    unsafe { command.pre_exec(tell_me) }
}

/// Gives the child a `/dev/shm` of its own, empty and of `bytes` bytes, which only root can. The child
/// cannot be another user's as well.
#[cfg(target_os = "linux")]
pub fn in_small_shm(command: &mut Command, bytes: u64) -> &mut Command {
    let options = CString::new(format!("size={bytes},mode=1777")).expect("no NUL in it");
    // SAFETY: between fork and exec the closure makes system calls only; it allocates nothing.
    unsafe { command.pre_exec(move || mount_own_shm(&options)) }
}

/// Gives the child a `/dev/shm` and System V objects of its own where the system lets us, as it lets root;
/// elsewhere it has the machine's.
#[cfg(target_os = "linux")]
pub fn in_own_ipc(command: &mut Command) -> &mut Command {
    let options = c"mode=1777".to_owned();
    let leave = move || {
        if mount_own_shm(&options).is_ok() {
            // SAFETY: the call takes a plain number.
            unsafe { libc::unshare(libc::CLONE_NEWIPC) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes system calls only; it allocates nothing.
    unsafe { command.pre_exec(leave) }
}

/// Sends `signal` to the process `pid`, if it is there.
pub fn signal_if_there(pid: u32, signal: i32) {
    let Ok(pid) = i32::try_from(pid) else { return };
    // SAFETY: the call takes plain numbers.
    unsafe { libc::kill(pid, signal) };
}

/// Kills the process group `group`, as far as it is there.
pub fn kill_group(group: i32) {
    // SAFETY: the call takes plain numbers.
    unsafe { libc::kill(-group, libc::SIGKILL) };
}

/// Takes this process out of the system's mounts and puts a fresh tmpfs on `/dev/shm`.
#[cfg(target_os = "linux")]
fn mount_own_shm(options: &CStr) -> io::Result<()> {
    // SAFETY: the call takes a plain number.
    succeeded(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE, None)?;
    mount(c"tmpfs", c"/dev/shm", 0, Some(options))
}

#[cfg(target_os = "linux")]
fn mount(kind: &CStr, target: &CStr, flags: libc::c_ulong, options: Option<&CStr>) -> io::Result<()> {
    let options = options.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: all are C strings that live through the call, or null where the kernel allows it.
    succeeded(unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.cast()) })
}

#[cfg(target_os = "linux")]
fn succeeded(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether this process is in the machine's first PID namespace, and so sees all others.
#[must_use]
pub fn in_first_pid_namespace() -> bool {
    use std::os::unix::fs::MetadataExt;
    const FIRST: u64 = 0xeffffffc;
    std::fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() == FIRST)
}

/// Makes a file another user's, which only root can: false if this process is not.
///
/// # Panics
/// If root is refused.
#[must_use]
pub fn give_to_other_user(path: &std::path::Path) -> bool {
    if !has_root() {
        return false;
    }
    std::os::unix::fs::chown(path, Some(OTHER_USER), Some(OTHER_USER)).expect("root may do that");
    true
}

/// Locks one byte of a file, exclusively, for as long as this open file description lives.
///
/// # Panics
/// If somebody has it.
#[track_caller]
pub fn lock_byte(file: &std::fs::File, byte: i64) {
    let mut range = one_byte(byte);
    // SAFETY: an open file, and the struct that this command takes.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut range) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

/// Whether anybody but this open file description has a lock on that byte of the file.
///
/// # Panics
/// If the system does not tell.
#[cfg(target_os = "linux")]
#[track_caller]
#[must_use]
pub fn is_byte_locked(file: &std::fs::File, byte: i64) -> bool {
    let mut range = one_byte(byte);
    // SAFETY: an open file, and the struct that this command takes.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut range) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    i32::from(range.l_type) != libc::F_UNLCK
}

/// An exclusive lock on one byte.
fn one_byte(byte: i64) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: byte,
        l_len: 1,
        l_pid: 0,
    }
}

/// The time of a clock that all processes of the machine share, and nobody sets.
#[must_use]
pub fn shared_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is ours to write.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    let seconds = u64::try_from(now.tv_sec).expect("it counts from 0");
    Duration::new(seconds, u32::try_from(now.tv_nsec).expect("less than a second"))
}

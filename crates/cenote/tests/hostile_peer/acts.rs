//! What can be done to a file by somebody who may: by system calls alone, knowing the format and none of Cenote's code.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{io, ptr, thread};

use crate::attacker::Attacker;
use crate::bytes::{self, FRONT};

/// The largest size that a file grows to, as a rule.
const MOST: u64 = 512 << 10;
/// Where the locks that tell of life begin: the door is the byte before.
const WITNESSES: i64 = 1 << 62;
/// Which signal tells of somebody who wants the file: one that nobody minds. The libc crate lacks the command.
const F_SETSIG: i32 = 10;

/// The victim's name, and those that the attacker uses beside it.
pub(crate) fn names(path: &Path) -> [PathBuf; 3] {
    [path.to_owned(), beside(path, "away"), beside(path, "other")]
}

fn beside(path: &Path, what: &str) -> PathBuf {
    PathBuf::from(format!("{}.{what}", path.display()))
}

/// One act. Those that fail, because an earlier one has been there, are nothing.
pub(crate) fn one(attacker: &mut Attacker<'_>) {
    let path = attacker.path;
    match attacker.rng.below(100) {
        0..=29 => drop(scribble(attacker)),
        30..=33 => drop(hammer(attacker)),
        34..=51 => drop(mend(attacker)),
        52..=59 => drop(resize(attacker)),
        60..=63 => drop(punch(attacker)),
        64..=66 => {
            let mode = *attacker.rng.choose(&[0o600, 0o600, 0o666, 0o400, 0o200, 0o000]);
            drop(fs::set_permissions(path, fs::Permissions::from_mode(mode)));
        }
        67..=68 => drop(fs::remove_file(path)),
        69..=71 => drop(fs::rename(path, beside(path, "away"))),
        72..=74 => drop(fs::rename(beside(path, "away"), path)),
        75..=78 => drop(replace(attacker)),
        79..=84 => clear(path),
        85..=97 => drop(lock(attacker)),
        98 => drop(lease(attacker)),
        _ => stop(),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

/// Writes chosen bytes at a chosen place.
fn scribble(attacker: &mut Attacker<'_>) -> io::Result<()> {
    let file = open(attacker.path)?;
    let size = file.metadata()?.len();
    attacker.learn(&file);
    for _ in 0..1 + attacker.rng.below(3) {
        let (at, len) = bytes::place(&mut attacker.rng, size.min(MOST));
        let mut there = vec![0; len];
        let read = file.read_at(&mut there, at)?;
        let new = bytes::instead_of(&there[..read], size, &mut attacker.rng);
        file.write_all_at(&new, at)?;
    }
    Ok(())
}

/// Changes the lock's word by stores, faster than anybody can look.
fn hammer(attacker: &mut Attacker<'_>) -> io::Result<()> {
    let file = open(attacker.path)?;
    if file.metadata()?.len() < FRONT {
        return Ok(());
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at a place of the kernel's choice. Who cuts files here is this thread alone.
    let base = unsafe { libc::mmap(ptr::null_mut(), 4096, access, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let mut word = [0; 8];
    for _ in 0..attacker.rng.below(20_000) {
        word = bytes::instead_of(&word, FRONT, &mut attacker.rng).try_into().unwrap_or(word);
        // SAFETY: within the page.
        let lock = unsafe { base.byte_add(192) };
        // SAFETY: mapped, aligned, and a plain number.
        unsafe { lock.cast::<u64>().write_volatile(u64::from_ne_bytes(word)) };
    }
    // SAFETY: mapped above, and used no more.
    unsafe { libc::munmap(base, 4096) };
    Ok(())
}

/// Puts things right, so that the victim comes far enough for the next act to hurt.
fn mend(attacker: &mut Attacker<'_>) -> io::Result<()> {
    if attacker.path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        clear(attacker.path);
    }
    let _ = fs::set_permissions(attacker.path, fs::Permissions::from_mode(0o600));
    let file = match open(attacker.path) {
        // What has a good header, and no holder.
        Err(_) if attacker.rng.one_in(3) => {
            OpenOptions::new().read(true).write(true).create_new(true).open(attacker.path)?
        }
        opened => opened?,
    };
    attacker.learn(&file);
    if attacker.good.len() < FRONT as usize {
        return Ok(());
    }
    file.write_all_at(&attacker.good[..128], 0)?;
    if attacker.rng.one_in(2) {
        file.write_all_at(&[0; 64], 192)?;
    }
    let size = u64::from_le_bytes(attacker.good[16..24].try_into().unwrap());
    file.set_len(FRONT + size)
}

fn resize(attacker: &mut Attacker<'_>) -> io::Result<()> {
    let rng = &mut attacker.rng;
    let size = match rng.below(8) {
        0 => 0,
        1 => rng.below(4096),
        2 => rng.below(FRONT / 4096) * 4096,
        3 => FRONT + rng.below(3) - 1,
        4..=6 => rng.below(MOST),
        // All of it holes.
        _ => *rng.choose(&[1 << 30, 1 << 40, 1 << 62]),
    };
    open(attacker.path)?.set_len(size)
}

fn punch(attacker: &mut Attacker<'_>) -> io::Result<()> {
    let file = open(attacker.path)?;
    let (from, len) = (attacker.rng.below(MOST), 1 + attacker.rng.below(MOST));
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: an open file and plain numbers.
    unsafe { libc::fallocate(file.as_raw_fd(), mode, from.cast_signed(), len.cast_signed()) };
    Ok(())
}

/// Puts something else where the segment was.
fn replace(attacker: &mut Attacker<'_>) -> io::Result<()> {
    let (path, other) = (attacker.path, beside(attacker.path, "other"));
    let _ = fs::rename(path, beside(path, "away"));
    match attacker.rng.below(8) {
        0 => symlink(beside(path, "away"), path),
        1 => symlink("/nowhere/at/all", path),
        2 => fs::create_dir(path),
        3 => {
            let path = CString::new(path.display().to_string())?;
            // SAFETY: a C string that outlives the call.
            unsafe { libc::mkfifo(path.as_ptr(), 0o600) };
            Ok(())
        }
        4 => UnixListener::bind(path).map(drop),
        5 => fs::hard_link(beside(path, "away"), path),
        // A file that is nearly a segment: another inode under the name at once.
        _ => {
            let len = attacker.rng.below(attacker.good.len() as u64 + 1) as usize;
            fs::write(&other, &attacker.good[..len])?;
            if attacker.rng.one_in(2) {
                OpenOptions::new().write(true).open(&other)?.set_len(attacker.rng.below(MOST))?;
            }
            fs::rename(&other, path)
        }
    }
}

fn clear(path: &Path) {
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
    }
}

/// Takes a lock that means something to others, and keeps it for a while.
fn lock(attacker: &mut Attacker<'_>) -> io::Result<()> {
    let file = open(attacker.path)?;
    let rng = &mut attacker.rng;
    let (start, len) = match rng.below(8) {
        0..=3 => (WITNESSES - 1, 1),
        4 => (WITNESSES + rng.below(4).cast_signed(), 1),
        5 => (WITNESSES + 256, 1),
        6 => (WITNESSES, *rng.choose(&[1, 256, 257])),
        _ => (0, 0),
    };
    let kind = if rng.one_in(3) { libc::F_RDLCK } else { libc::F_WRLCK };
    let range = libc::flock {
        l_type: kind as _,
        l_whence: libc::SEEK_SET as _,
        l_start: start,
        l_len: len,
        l_pid: 0,
    };
    // The old kind belongs to the process, and ends when any descriptor of the file is closed.
    let command = if rng.one_in(10) { libc::F_SETLK } else { libc::F_OFD_SETLK };
    // SAFETY: an open file, and the struct that these commands take.
    let taken = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const range) } == 0;
    if taken {
        attacker.held.push(file);
        if attacker.rng.one_in(30) {
            stop();
        }
        // Most are let go soon, or nobody would come in any more.
        if !attacker.rng.one_in(4) {
            attacker.held.pop();
        }
    }
    Ok(())
}

/// Has the kernel hold up whoever opens the file next.
fn lease(attacker: &mut Attacker<'_>) -> io::Result<()> {
    let file = open(attacker.path)?;
    // SAFETY: an open file and plain numbers.
    unsafe { libc::fcntl(file.as_raw_fd(), F_SETSIG, libc::SIGURG) };
    // SAFETY: likewise.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) };
    attacker.held.push(file);
    Ok(())
}

/// Stops in the middle of whatever it has.
fn stop() {
    // SAFETY: a plain number.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Continues a child that has stopped, after a while.
pub(crate) fn continue_if_stopped(pid: u32, after: Duration) {
    // SAFETY: a struct of integers, for which all zeros are valid.
    let mut told = unsafe { std::mem::zeroed::<libc::siginfo_t>() };
    // SAFETY: asks for stops alone, so that its end is left to whoever waits for that; `told` is ours.
    let asked = unsafe { libc::waitid(libc::P_PID, pid, &raw mut told, libc::WSTOPPED | libc::WNOHANG) };
    if asked == 0 && told.si_signo == libc::SIGCHLD {
        thread::sleep(after);
        testkit::system::signal(pid, libc::SIGCONT);
    }
}

impl Attacker<'_> {
    /// Remembers what a good segment begins with.
    fn learn(&mut self, file: &File) {
        if self.good.is_empty() {
            let mut bytes = vec![0; FRONT as usize + 4096];
            let read = file.read_at(&mut bytes, 0).unwrap_or(0);
            if read >= FRONT as usize && bytes.starts_with(b"CENOTE\r\n") {
                bytes.truncate(read);
                self.good = bytes;
            }
        }
    }
}

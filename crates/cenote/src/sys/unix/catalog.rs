//! What the kernel tells of all segments and of who maps them: /proc, see proc(5) and sysvipc(7).

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use super::os_error;
use crate::error::{ErrorKind, Result};
use crate::sys::{Mapped, Use, Uses};

pub(crate) const TELLS_WHO_MAPS_FILES: bool = true;

/// Whether the system tells of all segments and processes.
#[allow(clippy::unnecessary_wraps, reason = "not every system does")]
pub(crate) fn can_look_round() -> Result<()> {
    Ok(())
}

/// Reads the maps of every process. Takes milliseconds for each hundred processes.
pub(crate) fn uses() -> Result<Uses> {
    let mut found = Uses { uses: Vec::new(), processes: 0, readable: 0 };
    let list = fs::read_dir("/proc").map_err(|error| {
        os_error("opendir", error).because("the list of processes cannot be read").with_hint("mount /proc")
    })?;
    for entry in list.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match fs::read(format!("/proc/{pid}/maps")) {
            Ok(maps) => {
                found.processes += 1;
                found.readable += 1;
                let mut uses: Vec<Use> =
                    maps.split(|&byte| byte == b'\n').filter_map(|line| parse(pid, line)).collect();
                // A segment may be mapped in several pieces, or twice.
                uses.sort_by_key(|one| (one.what.order(), !one.writable));
                uses.dedup_by_key(|one| one.what);
                found.uses.append(&mut uses);
            }
            // It has ended since.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => found.processes += 1,
        }
    }
    Ok(found)
}

/// A line of /proc/PID/maps, if it is a shared mapping of a file or a System V segment:
/// `start-end perms offset major:minor inode path`.
fn parse(pid: u32, line: &[u8]) -> Option<Use> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.split_ascii_whitespace();
    let permissions = words.nth(1)?;
    if !permissions.ends_with('s') {
        return None;
    }
    let (major, minor) = words.nth(1)?.split_once(':')?;
    let inode: u64 = words.next()?.parse().ok().filter(|&inode| inode != 0)?;
    let path = words.next()?;
    let what = if path.starts_with("/SYSV") {
        // The inode of a System V segment is its id.
        Mapped::SystemV { id: i32::try_from(inode).ok()? }
    } else {
        let number = |text| u32::from_str_radix(text, 16).ok();
        Mapped::File { device: rustix::fs::makedev(number(major)?, number(minor)?), inode }
    };
    Some(Use { pid, writable: permissions.as_bytes().get(1) == Some(&b'w'), what })
}

/// A process that has a lock on the file, from the `lock:` lines of /proc/PID/fdinfo:
/// `1: OFDLCK ADVISORY WRITE -1 00:1b:42 0 EOF`, with device and inode.
pub(super) fn lock_owner(file: &OwnedFd) -> Option<u32> {
    let stat = rustix::fs::fstat(file).ok()?;
    let (major, minor) = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    let place = format!(" {major:02x}:{minor:02x}:{} ", stat.st_ino);
    let mut pids = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |path: std::path::PathBuf| {
        let info = fs::read_to_string(path).unwrap_or_default();
        let is_range = |line: &str| line.contains("OFDLCK") || line.contains("POSIX");
        info.lines().any(|line| line.starts_with("lock:") && is_range(line) && line.contains(&place))
    };
    let has_it = |&pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo"));
        descriptors.is_ok_and(|list| list.flatten().any(|descriptor| holds(descriptor.path())))
    };
    pids.find(has_it)
}

/// The command line of a process, as far as it can be read.
pub(crate) fn command_of(pid: u32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line.split(|&byte| byte == 0).filter(|word| !word.is_empty());
    let text = words.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    if !text.is_empty() {
        return Some(text);
    }
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// The user that a process runs as, by name if it has one.
pub(crate) fn user_of(pid: u32) -> Option<String> {
    let uid = uid_of(pid)?;
    Some(user_name(uid).unwrap_or_else(|| uid.to_string()))
}

pub(super) fn uid_of(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|metadata| metadata.uid())
}

/// The user with that login name, as /etc/passwd has it.
pub(crate) fn uid_of_name(name: &str) -> Option<u32> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// The login name of a user, as /etc/passwd has it.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// The ids of all System V segments.
pub(crate) fn shm_ids() -> Result<Vec<i32>> {
    let text = fs::read_to_string("/proc/sysvipc/shm").map_err(|error| {
        os_error("open", error)
            .because("the list of System V segments cannot be read")
            .with_kind(ErrorKind::Unsupported)
    })?;
    // The first line has the names of the columns: key, shmid, ...
    Ok(text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)?.parse().ok()).collect())
}

/// Whether this process can see every process of the machine: it is in the first PID namespace, and /proc hides none
/// (its option `hidepid`).
pub(crate) fn sees_all_processes() -> bool {
    const FIRST_PID_NAMESPACE: u64 = 0xeffffffc;
    let in_first =
        fs::metadata("/proc/self/ns/pid").is_ok_and(|metadata| metadata.ino() == FIRST_PID_NAMESPACE);
    in_first && fs::metadata("/proc/1").is_ok()
}

/// The names of the files in a directory, those that are UTF-8.
pub(crate) fn file_names(directory: &std::path::Path) -> Result<Vec<String>> {
    let list = fs::read_dir(directory).map_err(|error| {
        os_error("opendir", error).because(format!("{} cannot be listed", directory.display()))
    })?;
    let files = list.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    Ok(files.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

//! Who has shared memory mapped or open: /proc/PID/maps and /proc/PID/fd of every process, see proc(5).

use std::cell::LazyCell;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::os_error;
use crate::error::Result;
use crate::sys::{Loose, Mapped, Use, Uses};

/// What the links in /proc/PID/fd begin with that lead to shared memory.
const OF_INTEREST: [&str; 2] = ["/dev/shm/", "/memfd:"];
/// What the kernel puts behind the name of a file that has lost it.
const DELETED: &str = " (deleted)";

/// Looks at every process. Takes milliseconds for each hundred of them.
pub(crate) fn uses() -> Result<Uses> {
    let mut found = Uses { uses: Vec::new(), loose: Vec::new(), processes: 0, readable: 0 };
    let list = fs::read_dir("/proc").map_err(|error| {
        os_error("opendir", error).because("the list of processes cannot be read").with_hint("mount /proc")
    })?;
    for entry in list.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match process(pid) {
            Ok((uses, loose)) => {
                found.processes += 1;
                found.readable += 1;
                found.uses.extend(uses);
                found.loose.extend(loose);
            }
            // It has ended since.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => found.processes += 1,
        }
    }
    Ok(found)
}

/// All that one process has, each segment once, and what of it has no name.
fn process(pid: u32) -> std::io::Result<(Vec<Use>, Vec<Loose>)> {
    let (thread, maps) = maps(pid)?;
    let mut found: HashMap<Mapped, Use> = HashMap::new();
    let mut loose: HashMap<Mapped, Loose> = HashMap::new();
    let mut add = |what: Mapped, writable: bool, mapped: bool, place: &str, deleted: Option<&str>| {
        let one = found.entry(what).or_insert(Use { pid, writable, mapped, what });
        one.writable |= writable;
        if let Some(label) = deleted {
            // Descriptors come later, and are the better place.
            let (place, label) = (place.to_owned(), label.to_owned());
            loose.insert(what, Loose { what, pid: thread, place, label });
        }
    };
    let shares_ids = LazyCell::new(|| {
        ipc_namespace(&thread.to_string()).is_none_or(|theirs| ipc_namespace("self") == Some(theirs))
    });
    for line in maps.split(|&byte| byte == b'\n').filter_map(parse) {
        // Another IPC namespace gives the same ids to other segments.
        if matches!(line.what, Mapped::SystemV { .. }) && !*shares_ids {
            continue;
        }
        add(line.what, line.writable, true, &format!("map_files/{}", line.range), line.deleted.as_deref());
    }
    for one in descriptors(thread)? {
        add(one.what, one.writable, false, &format!("fd/{}", one.number), one.deleted.as_deref());
    }
    Ok((found.into_values().collect(), loose.into_values().collect()))
}

fn ipc_namespace(pid: &str) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/ns/ipc")).ok().map(|found| found.ino())
}

/// The maps of a process, and the thread that has them. They are gone from its own place when its first thread has ended,
/// and the others live on.
pub(super) fn maps(pid: u32) -> std::io::Result<(u32, Vec<u8>)> {
    let read = |thread: u32| fs::read(format!("/proc/{thread}/maps"));
    let own = read(pid);
    let may_be_elsewhere = match &own {
        Ok(maps) => maps.is_empty(),
        Err(error) => error.raw_os_error() == Some(libc::ESRCH),
    };
    if may_be_elsewhere {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for thread in threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            match read(thread) {
                Ok(maps) if !maps.is_empty() => return Ok((thread, maps)),
                _ => {}
            }
        }
    }
    own.map(|maps| (pid, maps))
}

/// A line of /proc/PID/maps that is a shared mapping of a file or a System V segment.
pub(super) struct Line {
    pub(super) what: Mapped,
    writable: bool,
    /// Its addresses, as in the line.
    pub(super) range: String,
    /// Where in the file or the segment it begins.
    pub(super) offset: u64,
    pub(super) device: u64,
    /// What it was called, if it has no name now.
    deleted: Option<String>,
}

/// `start-end perms offset major:minor inode path`. A path may have spaces.
pub(super) fn parse(line: &[u8]) -> Option<Line> {
    // Most lines are of private memory.
    if *line.iter().skip_while(|&&byte| byte != b' ').nth(4)? != b's' {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    let mut words = text.splitn(6, ' ');
    let range = words.next()?.to_owned();
    let permissions = words.next()?;
    let offset = u64::from_str_radix(words.next()?, 16).ok()?;
    let (major, minor) = words.next()?.split_once(':')?;
    let inode: u64 = words.next()?.parse().ok()?;
    // Asynchronous reading and writing has a ring there, which is nobody else's.
    let path = words.next()?.trim_start();
    if path.starts_with("/[aio]") {
        return None;
    }
    let number = |text| u32::from_str_radix(text, 16).ok();
    let device = rustix::fs::makedev(number(major)?, number(minor)?);
    let what = if path.starts_with("/SYSV") {
        // The inode of a System V segment is its id, which is 0 for the first.
        Mapped::SystemV { id: i32::try_from(inode).ok()? }
    } else if inode == 0 {
        return None;
    } else {
        Mapped::File { device, inode }
    };
    let deleted = path.strip_suffix(DELETED).filter(|_| matches!(what, Mapped::File { .. }));
    let writable = permissions.as_bytes().get(1) == Some(&b'w');
    Some(Line { what, writable, range, offset, device, deleted: deleted.map(str::to_owned) })
}

/// A descriptor that is of interest.
struct Descriptor {
    number: u32,
    what: Mapped,
    writable: bool,
    deleted: Option<String>,
}

fn descriptors(pid: u32) -> std::io::Result<Vec<Descriptor>> {
    let list = fs::read_dir(format!("/proc/{pid}/fd"))?;
    Ok(list.flatten().filter_map(|entry| descriptor(&entry.path())).collect())
}

fn descriptor(path: &Path) -> Option<Descriptor> {
    let link = fs::read_link(path).ok()?;
    let name = link.to_str()?;
    if !OF_INTEREST.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    // The link's own mode is what the descriptor may do.
    let mode = fs::symlink_metadata(path).ok()?.mode();
    Some(Descriptor {
        number: path.file_name()?.to_str()?.parse().ok()?,
        what: Mapped::File { device: file.dev(), inode: file.ino() },
        writable: mode & 0o200 != 0,
        deleted: name.strip_suffix(DELETED).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(Mapped, bool, Option<String>)> {
        parse(line.as_bytes()).map(|line| (line.what, line.writable, line.deleted))
    }

    #[test]
    fn lines_of_maps_are_understood() {
        let file = Mapped::File { device: rustix::fs::makedev(0, 0x1b), inode: 42 };
        let plain = "7f0a-7f0b rw-s 00000000 00:1b 42                         /dev/shm/with a space";
        assert_eq!(read(plain), Some((file, true, None)));
        let gone = "7f0a-7f0b r--s 00000000 00:1b 42                         /memfd:a label (deleted)";
        assert_eq!(read(gone), Some((file, false, Some("/memfd:a label".into()))));
        let system_v = "7f0a-7f0b rw-s 00000000 00:01 7                          /SYSV5100c01f (deleted)";
        assert_eq!(read(system_v), Some((Mapped::SystemV { id: 7 }, true, None)));
        let first = "7f0a-7f0b rw-s 00000000 00:01 0                          /SYSV5100c01f (deleted)";
        assert_eq!(read(first), Some((Mapped::SystemV { id: 0 }, true, None)));
        for other in
            ["", "7f0a-7f0b rw-p 00000000 00:1b 42 /dev/shm/x", "7f0a-7f0b rw-s 00000000 00:00 0 ", "x"]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }
}

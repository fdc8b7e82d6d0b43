//! The file system that shm_open(3) uses: its size, its mode, and the files in it, those in folders too.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType};

use super::{SHM_DIRECTORY, object, os_error, spot};
use crate::error::Result;
use crate::sys::{ShmFile, ShmSpace};

/// Deeper folders are not looked into: nothing that makes segments makes them.
const DEEPEST: usize = 8;
/// What statfs(2) says of memory: tmpfs and ramfs.
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

pub(crate) fn shm_space() -> Result<ShmSpace> {
    let directory = Path::new(SHM_DIRECTORY);
    let metadata = fs::metadata(directory).map_err(|error| os_error("stat", error))?;
    let space = rustix::fs::statvfs(directory).map_err(|errno| os_error("statvfs", errno))?;
    let kind = rustix::fs::statfs(directory).map_err(|errno| os_error("statfs", errno))?;
    let limit = |number: u64| (number != 0).then_some(number);
    Ok(ShmSpace {
        size: limit(space.f_blocks.saturating_mul(space.f_frsize)),
        used: space.f_blocks.saturating_sub(space.f_bfree).saturating_mul(space.f_frsize),
        inodes: limit(space.f_files),
        inodes_used: space.f_files.saturating_sub(space.f_ffree),
        mode: metadata.mode() & 0o7777,
        #[allow(clippy::unnecessary_cast, reason = "the field's type differs between architectures")]
        in_memory: IN_MEMORY.contains(&(kind.f_type as u32)),
        device: metadata.dev(),
    })
}

/// The files in it, the largest first, as far as its folders may be read.
pub(crate) fn shm_files() -> Vec<ShmFile> {
    let mut found = Vec::new();
    if let Ok(directory) = spot::open_shm() {
        gather(&directory, Path::new(SHM_DIRECTORY), 0, &mut found);
    }
    found.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.path.cmp(&other.path)));
    found
}

/// What is in the open directory at `path`: a folder that somebody makes a link of meanwhile leads nowhere else.
fn gather(directory: &OwnedFd, path: &Path, depth: usize, found: &mut Vec<ShmFile>) {
    for entry in Dir::read_from(directory).into_iter().flatten().flatten() {
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        // Of the entry itself: a symbolic link is not followed.
        let Ok(stat) = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory if depth < DEEPEST => {
                if let Ok(folder) = spot::open_folder(directory, name) {
                    gather(&folder, &path.join(name), depth + 1, found);
                }
            }
            FileType::RegularFile => {
                let facts = object::facts(&stat);
                found.push(ShmFile {
                    path: path.join(name),
                    bytes: facts.memory.unwrap_or(0),
                    uid: stat.st_uid,
                    mode: stat.st_mode & 0o7777,
                    what: facts.mapped(),
                });
            }
            _ => {}
        }
    }
}

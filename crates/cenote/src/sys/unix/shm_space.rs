//! The file system that shm_open(3) uses: its size, its mode, and the files in it, those in folders too.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{SHM_DIRECTORY, os_error};
use crate::error::Result;
use crate::sys::{Mapped, ShmFile, ShmSpace};

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
    gather(Path::new(SHM_DIRECTORY), 0, &mut found);
    found.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.path.cmp(&other.path)));
    found
}

fn gather(directory: &Path, depth: usize, found: &mut Vec<ShmFile>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        // Of the entry itself: a symbolic link is not followed.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() && depth < DEEPEST {
            gather(&entry.path(), depth + 1, found);
        } else if metadata.is_file() {
            found.push(ShmFile {
                path: entry.path(),
                bytes: metadata.blocks() * 512,
                uid: metadata.uid(),
                mode: metadata.mode() & 0o7777,
                what: Mapped::File { device: metadata.dev(), inode: metadata.ino() },
            });
        }
    }
}

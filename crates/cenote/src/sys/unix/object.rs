//! Files that are segments: made complete before they have a name, opened without falling for what else lies there.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FallocateFlags, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::headroom::{self, describe_space};
use super::lease::open_unless_leased;
use super::{os_error, uninterrupted};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{FileFacts, NewFile};

/// Where `shm_open` keeps its objects; see shm_overview(7).
pub(crate) const SHM_DIRECTORY: &str = "/dev/shm";

/// Reserving up to this many bytes costs less than looking first whether it will be for nothing.
const WORTH_A_LOOK: u64 = 256 << 10;

/// Opens the segment at `path`. A symbolic link is followed only if `follow`.
pub(crate) fn open_file(path: &Path, writable: bool, follow: bool) -> Result<(OwnedFd, FileFacts)> {
    open_file_in(CWD, path, writable, follow)
}

/// The same, with a path that begins in a folder.
pub(super) fn open_file_in(
    folder: impl AsFd,
    path: &Path,
    writable: bool,
    follow: bool,
) -> Result<(OwnedFd, FileFacts)> {
    let folder = folder.as_fd();
    let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
    let links = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    // NONBLOCK: a FIFO that lies there must not hold us up. It means nothing for a file.
    let flags = access | links | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = open_unless_leased(folder, path, flags).map_err(|errno| match errno {
        Errno::LOOP if !follow => {
            Error::new(ErrorKind::Untrusted, "a symbolic link stands there, which is not followed").with_hint(
                "find out who made it (`ls -l /dev/shm`) and remove it, or use file: with the path you mean",
            )
        }
        Errno::ISDIR => not_a_file(FileType::Directory),
        // A socket, or a device without a driver.
        Errno::NXIO | Errno::NODEV => not_a_file(
            rustix::fs::statat(folder, path, AtFlags::empty())
                .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
        ),
        Errno::NOENT if follow && is_link(path) => {
            Error::new(ErrorKind::NotFound, "a symbolic link stands there that leads nowhere")
                .with_hint("mend or remove the link, or choose another name")
        }
        Errno::AGAIN => os_error("open", errno)
            .with_kind(ErrorKind::LockError)
            .because("another program has a lease on it, and does not give it back"),
        errno => os_error("open", errno),
    })?;
    let stat = rustix::fs::fstat(&file).map_err(|errno| os_error("fstat", errno))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((file, facts(&stat))),
        other => Err(not_a_file(other)),
    }
}

/// Makes a file of zeros at `path`, which must be free. It gets its name when it is complete.
pub(crate) fn create_file(path: &Path, new: NewFile) -> Result<OwnedFd> {
    create_file_with(path, new, &[])
}

/// The same for a file that begins with `bytes`.
pub(crate) fn create_file_with(path: &Path, new: NewFile, bytes: &[u8]) -> Result<OwnedFd> {
    // Taking the name fails in the end if it is not free. A large reservation for nothing is saved.
    if new.size > WORTH_A_LOOK {
        ensure_free(path)?;
    }
    let directory = directory_of(path);
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o600);
    match uninterrupted(|| rustix::fs::open(directory, flags | OFlags::TMPFILE, mode)) {
        Ok(file) => {
            prepare(&file, Some(directory), new)?;
            begin_with(&file, bytes)?;
            name_file(&file, path)?;
            Ok(file)
        }
        // A file system that has no files without a name: some network and FUSE ones, vfat.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            create_by_renaming(path, directory, new, bytes)
        }
        Err(errno @ (Errno::NOENT | Errno::NOTDIR)) => {
            Err(os_error("open", errno).with_hint("make its directory first, or choose another place"))
        }
        Err(errno) => Err(os_error("open", errno)),
    }
}

/// Makes a file that begins with `bytes` and has no name yet, for the directory of `path`.
pub(crate) fn make_unnamed_file(path: &Path, new: NewFile, bytes: &[u8]) -> Result<OwnedFd> {
    let directory = directory_of(path);
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::TMPFILE;
    let file = uninterrupted(|| rustix::fs::open(directory, flags, Mode::from_raw_mode(0o600)))
        .map_err(|errno| os_error("open", errno))?;
    prepare(&file, Some(directory), new)?;
    begin_with(&file, bytes)?;
    Ok(file)
}

/// Copies out what a file has from `offset` on, without mapping it.
pub(crate) fn read_file_at(file: &OwnedFd, offset: u64, to: &mut [u8]) -> Result<()> {
    match uninterrupted(|| rustix::io::pread(file, &mut *to, offset)) {
        Ok(count) if count == to.len() => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Corrupt, "it was cut while it was read")),
        Err(errno) => Err(os_error("pread", errno)),
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Gives a file without a name one that must be free.
pub(crate) fn name_file(file: &OwnedFd, path: &Path) -> Result<()> {
    // The short way is for root, and on newer systems for whoever opened the file.
    let result = rustix::fs::linkat(file, "", CWD, path, AtFlags::EMPTY_PATH).or_else(|errno| match errno {
        Errno::EXIST => Err(errno),
        _ => {
            let unnamed = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
            rustix::fs::linkat(CWD, unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)
        }
    });
    result.map_err(|errno| match errno {
        Errno::EXIST => taken(path),
        errno => os_error("linkat", errno),
    })
}

/// Makes the file under a temporary name beside its own.
fn create_by_renaming(path: &Path, directory: &Path, new: NewFile, bytes: &[u8]) -> Result<OwnedFd> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Not made of its own name, which may be as long as names can be.
    let name = format!(".cenote-new-{}-{count}", std::process::id());
    let temporary = directory.join(name);
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL;
    let file = uninterrupted(|| rustix::fs::open(&temporary, flags, Mode::from_raw_mode(0o600)))
        .map_err(|errno| os_error("open", errno))?;
    let whole = prepare(&file, Some(directory), new).and_then(|()| begin_with(&file, bytes));
    let named = whole.and_then(|()| {
        rustix::fs::renameat_with(CWD, &temporary, CWD, path, RenameFlags::NOREPLACE).map_err(|errno| {
            match errno {
                Errno::EXIST => taken(path),
                errno => os_error("renameat2", errno),
            }
        })
    });
    if named.is_err() {
        let _ = rustix::fs::unlink(&temporary);
    }
    named.map(|()| file)
}

/// Writes the first bytes of a new file, whose memory is reserved.
fn begin_with(file: &OwnedFd, bytes: &[u8]) -> Result<()> {
    let written = if bytes.is_empty() {
        0
    } else {
        uninterrupted(|| rustix::io::pwrite(file, bytes, 0)).map_err(|errno| os_error("pwrite", errno))?
    };
    if written == bytes.len() { Ok(()) } else { Err(os_error("pwrite", Errno::IO)) }
}

/// Gives a new file its size, its memory and its mode, whatever the umask. Anonymous memory has no directory.
pub(super) fn prepare(file: &OwnedFd, directory: Option<&Path>, new: NewFile) -> Result<()> {
    if new.sparse {
        uninterrupted(|| rustix::fs::ftruncate(file, new.size))
            .map_err(|errno| size_error("ftruncate", errno))?;
    } else {
        reserve(file, directory, new.size)?;
    }
    // Anonymous memory is made for everybody.
    if new.mode != 0o600 || directory.is_none() {
        uninterrupted(|| rustix::fs::fchmod(file, Mode::from_raw_mode(new.mode)))
            .map_err(|errno| os_error("fchmod", errno))?;
    }
    Ok(())
}

fn reserve(file: &OwnedFd, directory: Option<&Path>, size: u64) -> Result<()> {
    headroom::check(size)?;
    let full = |call: &str, errno| {
        let space = directory.map_or_else(|| "the machine has too little left".to_owned(), describe_space);
        os_error(call, errno).because(format!("{size} bytes were asked for, and {space}")).with_hint(
            "remove what is not needed (`cenote ls`, `cenote rm`), ask for less, or enlarge the file system",
        )
    };
    match uninterrupted(|| rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size)) {
        Ok(()) => Ok(()),
        Err(errno @ (Errno::NOSPC | Errno::DQUOT)) => Err(full("fallocate", errno)),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => match write_zeros(file, size) {
            Err(errno @ (Errno::NOSPC | Errno::DQUOT)) => Err(full("write", errno)),
            other => other.map_err(|errno| size_error("write", errno)),
        },
        Err(errno) => Err(size_error("fallocate", errno)),
    }
}

/// Reserves by writing, where the file system cannot reserve.
fn write_zeros(file: &OwnedFd, size: u64) -> Result<(), Errno> {
    let zeros = vec![0_u8; 1 << 20];
    let mut at = 0;
    while at < size {
        let step = (size - at).min(zeros.len() as u64) as usize;
        at += uninterrupted(|| rustix::io::pwrite(file, &zeros[..step], at))? as u64;
    }
    Ok(())
}

fn size_error(call: &str, errno: Errno) -> Error {
    let error = os_error(call, errno);
    if matches!(errno, Errno::INVAL | Errno::FBIG) { error.with_kind(ErrorKind::InvalidSize) } else { error }
}

/// Takes the name of a segment away. With `only_files` not that of a link, a FIFO or the like; never a directory's.
pub(crate) fn remove_file(path: &Path, only_files: bool) -> Result<()> {
    if only_files {
        stat_path(path, false)?;
    }
    rustix::fs::unlink(path).map_err(|errno| match errno {
        Errno::ISDIR => not_a_file(FileType::Directory),
        errno => os_error("unlink", errno),
    })
}

/// Looks at the file at `path` without opening it.
pub(crate) fn stat_path(path: &Path, follow: bool) -> Result<FileFacts> {
    let stat = if follow { rustix::fs::stat(path) } else { rustix::fs::lstat(path) };
    facts_of_file(&stat.map_err(|errno| os_error("stat", errno))?)
}

/// What is to be told of it, if it is a file.
pub(super) fn facts_of_file(stat: &Stat) -> Result<FileFacts> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(facts(stat)),
        other => Err(not_a_file(other)),
    }
}

pub(crate) fn stat_file(file: &OwnedFd) -> Result<FileFacts> {
    rustix::fs::fstat(file).map(|stat| facts(&stat)).map_err(|errno| os_error("fstat", errno))
}

#[allow(clippy::unnecessary_cast, reason = "the fields' types differ from one architecture to the next")]
pub(super) fn facts(stat: &Stat) -> FileFacts {
    FileFacts {
        size: stat.st_size.max(0) as u64,
        memory: Some(stat.st_blocks.max(0) as u64 * 512),
        uid: Some(stat.st_uid),
        gid: Some(stat.st_gid),
        mode: Some(stat.st_mode & 0o7777),
        device: stat.st_dev as u64,
        inode: stat.st_ino as u64,
        removed: stat.st_nlink == 0,
        modified: time(stat.st_mtime as i64),
        accessed: time(stat.st_atime as i64),
        changed: time(stat.st_ctime as i64),
    }
}

/// Seconds since 1970; 0 and less is never.
pub(super) fn time(seconds: i64) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// `key_t` of a file, as ftok(3) makes it on Linux. The file's name may have changed hands by the time it is used.
pub(crate) fn ftok(path: &Path, project: u8) -> Result<i32> {
    let stat = rustix::fs::stat(path).map_err(|errno| os_error("stat", errno))?;
    Ok(ftok_of(stat.st_dev, stat.st_ino, project))
}

/// The same for a key file, which must be a file: a link could lead to anybody's.
pub(crate) fn ftok_of_key_file(path: &Path, project: u8) -> Result<i32> {
    let stat = rustix::fs::lstat(path).map_err(|errno| os_error("stat", errno))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(ftok_of(stat.st_dev, stat.st_ino, project)),
        other => Err(not_a_file(other)),
    }
}

/// Only 16 bits of the inode are in it, so two files can have the same key.
fn ftok_of(device: u64, inode: u64, project: u8) -> i32 {
    let key = u64::from(project) << 24 | (device & 0xff) << 16 | (inode & 0xffff);
    (key as u32).cast_signed()
}

/// Makes an empty file for ftok(3) if nothing is there: true if it did. What is there must be a file.
pub(crate) fn make_key_file(path: &Path, mode: u32) -> Result<bool> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL;
    match uninterrupted(|| rustix::fs::open(path, flags, Mode::from_raw_mode(mode))) {
        Ok(_) => Ok(true),
        Err(Errno::EXIST) => match rustix::fs::lstat(path) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                Err(not_a_file(FileType::from_raw_mode(stat.st_mode)))
            }
            // It may be gone by now: whoever uses it next will notice.
            _ => Ok(false),
        },
        Err(errno) => Err(os_error("open", errno)),
    }
}

/// The same for a file whose key is still free: it gets its name after `is_free` has seen the key.
///
/// The inode of a deleted file may be the next one's at once, and what was made with the old file's key may be there
/// still.
pub(crate) fn make_fresh_key_file(
    path: &Path,
    mode: u32,
    project: u8,
    is_free: impl Fn(i32) -> bool,
) -> Result<bool> {
    const TRIES: usize = 16;
    // Kept, or the next file would have the same inode.
    let mut refused = Vec::with_capacity(TRIES);
    let directory = directory_of(path);
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::TMPFILE;
    while refused.len() < TRIES && matches!(rustix::fs::lstat(path), Err(Errno::NOENT)) {
        let Ok(file) = uninterrupted(|| rustix::fs::open(directory, flags, Mode::from_raw_mode(mode))) else {
            break;
        };
        let stat = rustix::fs::fstat(&file).map_err(|errno| os_error("fstat", errno))?;
        if !is_free(ftok_of(stat.st_dev, stat.st_ino, project)) {
            refused.push(file);
        } else if name_file(&file, path).is_ok() {
            return Ok(true);
        } else {
            break;
        }
    }
    // It is there, or the file system has no files without a name, or all keys that it gives are in use.
    make_key_file(path, mode)
}

/// The directory for temporary files, as Qt and others choose it: `$TMPDIR`, else /tmp.
pub(crate) fn temporary_directory() -> PathBuf {
    std::env::var_os("TMPDIR")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

/// The user's directory for what runs, as Qt's `RuntimeLocation` chooses it: `$XDG_RUNTIME_DIR` if that is this user's
/// alone, else `runtime-USER` among the temporary files. It is made if it is missing.
pub(crate) fn runtime_directory() -> Result<String> {
    let text = |path: PathBuf| {
        path.into_os_string().into_string().map_err(|_| {
            Error::new(ErrorKind::KeyError, "the runtime directory is not UTF-8")
                .with_hint("set XDG_RUNTIME_DIR to another one")
        })
    };
    if let Some(directory) = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
        && directory.is_absolute()
        && is_private_directory(&directory)
    {
        return text(directory);
    }
    let uid = rustix::process::geteuid().as_raw();
    let user = super::user_name(uid).unwrap_or_else(|| uid.to_string());
    let directory = temporary_directory().join(format!("runtime-{user}"));
    if is_private_directory(&directory) {
        return text(directory);
    }
    let what = format!("{} is not this user's alone", directory.display());
    Err(Error::new(ErrorKind::Untrusted, what).with_hint("set XDG_RUNTIME_DIR to a directory with mode 0700"))
}

/// Whether a directory is this user's and nobody else may enter it. It is made if it is missing.
fn is_private_directory(path: &Path) -> bool {
    let _ = rustix::fs::mkdir(path, Mode::RWXU);
    rustix::fs::lstat(path).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            && stat.st_uid == rustix::process::geteuid().as_raw()
            && stat.st_mode & 0o777 == 0o700
    })
}

fn is_link(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

fn ensure_free(path: &Path) -> Result<()> {
    if rustix::fs::lstat(path).is_ok() { Err(taken(path)) } else { Ok(()) }
}

#[cold]
fn taken(path: &Path) -> Error {
    let there = rustix::fs::lstat(path).map(|stat| FileType::from_raw_mode(stat.st_mode));
    match there {
        Ok(FileType::RegularFile) | Err(_) => Error::new(ErrorKind::AlreadyExists, "there is one already"),
        Ok(other) => Error::new(ErrorKind::AlreadyExists, format!("{} stands there", name_of(other)))
            .with_hint("choose another name, or move away what stands there"),
    }
}

#[cold]
fn not_a_file(kind: FileType) -> Error {
    Error::new(ErrorKind::KeyError, format!("{} stands there, not a segment", name_of(kind)))
        .with_hint("choose another name, or move away what stands there")
}

fn name_of(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        _ => "something that is no file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ftok_packs_project_device_and_inode() {
        assert_eq!(ftok_of(0xfe01, 0x0012_3456, 0x51), 0x5101_3456, "8 bits of the device, 16 of the inode");
        assert_eq!(ftok_of(0, 1, 0x80), i32::MIN + 1, "a project id from 0x80 makes a negative key");
        assert_eq!(ftok_of(u64::MAX, u64::MAX, 0xff), -1);
    }

    #[test]
    fn where_no_file_can_be_without_a_name_it_gets_its_own_all_the_same() {
        let folder = testkit::names::TempDir::new();
        let path = folder.join(&"n".repeat(255));
        let new = NewFile { size: 5000, mode: 0o640, sparse: false };
        let file = create_by_renaming(&path, folder.path(), new, b"first").unwrap();
        let made = stat_file(&file).unwrap();
        assert_eq!((made.size, made.mode), (5000, Some(0o640)));
        assert_eq!(std::fs::read(&path).unwrap()[..6], *b"first\0");
        let again = create_by_renaming(&path, folder.path(), new, b"first").unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(file_count(folder.path()), 1, "no temporary name is left");
    }

    #[test]
    fn zeros_are_written_where_nothing_can_be_reserved() {
        let folder = testkit::names::TempDir::new();
        let file = std::fs::File::create_new(folder.join("file")).unwrap();
        write_zeros(&file.into(), (1 << 20) + 7).unwrap();
        assert_eq!(std::fs::read(folder.join("file")).unwrap(), vec![0; (1 << 20) + 7]);
    }

    fn file_count(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }
}

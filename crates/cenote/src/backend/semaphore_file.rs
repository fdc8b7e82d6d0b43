//! The file of a POSIX semaphore, `/dev/shm/sem.NAME`, as `posix:/sem.NAME`: judged and removed as the segments beside it
//! are, except that it is needed as long as the segment is there whose lock it may be, although nobody has it open.

use std::path::{Path, PathBuf};

use super::lock::LockState;
use super::mapped_file::{FileBackend, Links};
use super::{Attached, Backend, Examined, How, Open, Order, Reaping, Stat};
use crate::error::{ErrorKind, Result};
use crate::qt;
use crate::sys::{self, Mapped, SHM_DIRECTORY, Wait};

/// What the name of such a file begins with.
pub(crate) const SEMAPHORE: &str = "sem.";
/// What Fast DDS puts behind a segment's name for its lock.
const MUTEX: &str = "_mutex";

/// A semaphore that may be the lock of a segment.
pub(super) struct SemaphoreFile {
    file: FileBackend,
    /// The names that its segment could have.
    segments: Vec<String>,
}

impl SemaphoreFile {
    /// The one whose file is so called: `None` if that is no semaphore's.
    pub(super) fn of(file_name: &str) -> Option<Self> {
        let name = file_name.strip_prefix(SEMAPHORE).filter(|name| !name.is_empty())?;
        // Qt's native keys, and many a program, have one name for both; Qt's legacy keys have two that differ in a prefix.
        let mut segments = vec![name.to_owned()];
        segments.extend(qt::segment_name_beside(name));
        segments.extend(name.strip_suffix(MUTEX).filter(|name| !name.is_empty()).map(str::to_owned));
        let path = Path::new(SHM_DIRECTORY).join(file_name);
        Some(Self { file: FileBackend { path, links: Links::Refused }, segments })
    }

    /// The segment whose lock it may be, if that is there. What cannot be looked at may be.
    fn segment(&self) -> Option<&str> {
        let is_gone = |path: PathBuf| {
            sys::stat_path(&path, false)
                .is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::KeyError))
        };
        let there = |name: &&String| !is_gone(Path::new(SHM_DIRECTORY).join(name));
        self.segments.iter().find(there).map(String::as_str)
    }
}

impl Backend for SemaphoreFile {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        self.file.create(size, how)
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        self.file.attach(how)
    }

    fn remove(&self, wait: Wait) -> Result<()> {
        self.file.remove(wait)
    }

    fn stat(&self) -> Result<Stat> {
        self.file.stat()
    }

    fn lock_state(&self) -> LockState {
        self.file.lock_state()
    }

    fn mapped(&self) -> Result<Mapped> {
        self.file.mapped()
    }

    fn examine(&self) -> Result<Examined> {
        self.file.examine()
    }

    fn is_open(&self) -> Open {
        self.file.is_open()
    }

    fn needed_for(&self) -> Option<String> {
        self.segment().map(|name| {
            format!("nobody has it open, but it may be the lock of posix:/{name}, which is there: it is stale when that is gone")
        })
    }

    fn reap(&self, order: &Order) -> Result<Reaping> {
        // Asked once more when nobody can come: whoever makes the segment opens its lock.
        self.file.reap_unless(order, || self.needed_for())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segments_of_a_lock_are_those_that_programs_give_it() {
        let names = |file: &str| SemaphoreFile::of(file).map(|found| found.segments);
        assert_eq!(names("sem.panel").unwrap(), ["panel"]);
        assert_eq!(
            names("sem.fastrtps_port7410_mutex").unwrap(),
            ["fastrtps_port7410_mutex", "fastrtps_port7410"]
        );
        let key = "MyKey";
        let (segment, semaphore) = (qt::legacy_segment_name(key), qt::legacy_semaphore_name(key));
        assert_eq!(names(&format!("sem.{semaphore}")).unwrap(), [semaphore, segment]);
        assert!(names("panel").is_none() && names("sem.").is_none());
    }
}

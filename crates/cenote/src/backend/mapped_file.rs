//! What `posix:` and `file:` have in common: a file is the segment, and its byte-range lock the lock.

use std::path::PathBuf;

use super::lock::{LockState, Locker, RangeLock};
use super::{Attached, Backend, Examined, How, Open, Order, Reaping, Stat, aside, spared};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, FileFacts, Handle, Mapped, Mapping, NewFile, Part, Spot, Wait};

/// A file that is, or will be, a segment.
pub(super) struct FileBackend {
    pub(super) path: PathBuf,
    pub(super) links: Links,
}

/// Which symbolic links on the way to a file are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// All.
    Followed,
    /// None at the path itself.
    Refused,
    /// None from /dev/shm on, in which it is.
    RefusedOnTheWay,
}

impl FileBackend {
    fn follow(&self) -> bool {
        self.links == Links::Followed
    }

    fn open(&self, writable: bool) -> Result<(Handle, FileFacts)> {
        match self.links {
            Links::RefusedOnTheWay => Spot::of(&self.path)?.open(writable),
            _ => sys::open_file(&self.path, writable, self.follow()),
        }
    }

    fn facts(&self) -> Result<FileFacts> {
        match self.links {
            Links::RefusedOnTheWay => Spot::of(&self.path)?.stat(),
            _ => sys::stat_path(&self.path, self.follow()),
        }
    }
}

struct MappedFile {
    mapping: Mapping,
    lock: RangeLock,
}

impl Backend for FileBackend {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        let part = how.extent.within(size)?;
        let file = sys::create_file(&self.path, NewFile { size, mode: how.mode, sparse: how.sparse })?;
        MappedFile::attach(file, part, how).inspect_err(|_| {
            // Mapped by nobody yet, and of no use to anybody.
            let _ = sys::remove_file(&self.path, false);
        })
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        let (file, FileFacts { size, .. }) = self.open(how.writable)?;
        if size == 0 {
            return Err(no_size());
        }
        MappedFile::attach(file, how.extent.within(size)?, how)
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        // As shm_unlink does, which looks at nothing: whatever has the name in /dev/shm is in the way of a segment.
        sys::remove_file(&self.path, self.follow())
    }

    fn stat(&self) -> Result<Stat> {
        self.facts().map(|facts| stat(&facts))
    }

    fn lock_state(&self) -> LockState {
        let held = self.open(false).and_then(|(file, _)| sys::range_holder(&file));
        LockState::of_range(held)
    }

    fn mapped(&self) -> Result<Mapped> {
        self.facts().map(|facts| facts.mapped())
    }

    fn examine(&self) -> Result<Examined> {
        let (facts, lock) = match self.open(false) {
            Ok((file, facts)) => (facts, LockState::of_range(sys::range_holder(&file))),
            // What may not be opened may be looked at.
            Err(_) => (self.facts()?, LockState::Unknown),
        };
        let memory = facts.memory;
        Ok(Examined { memory, ..Examined::new(stat(&facts), facts.mapped(), lock) })
    }

    fn is_open(&self) -> Open {
        aside::is_open(&self.path)
    }

    fn reap(&self, order: &Order) -> Result<Reaping> {
        self.reap_unless(order, || None)
    }
}

impl FileBackend {
    /// The same, unless there is something against it once nobody can come for it.
    pub(super) fn reap_unless(
        &self,
        order: &Order,
        objection: impl FnOnce() -> Option<String>,
    ) -> Result<Reaping> {
        let spot = Spot::of(&self.path)?;
        let (file, facts) = spot.open(false)?;
        match order.objection(facts.mapped(), &stat(&facts)) {
            Some(why) => spared(why),
            None => aside::take_away(&spot, &file, &facts, objection),
        }
    }
}

impl MappedFile {
    fn attach(file: Handle, part: Part, how: &How) -> Result<Box<dyn Attached>> {
        let mapping = Mapping::of_file(&file, part, how.writable)?;
        Ok(Box::new(Self { mapping, lock: RangeLock::new(file, !how.writable) }))
    }
}

impl Attached for MappedFile {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        sys::stat_file(self.lock.file()).map(|facts| stat(&facts))
    }

    fn mapped(&self) -> Result<Mapped> {
        sys::stat_file(self.lock.file()).map(|facts| facts.mapped())
    }

    fn detach(self: Box<Self>, _wait: Wait) -> Result<()> {
        self.mapping.unmap()
    }
}

/// For a file that was made and did not get its size.
#[cold]
pub(super) fn no_size() -> Error {
    Error::new(ErrorKind::InvalidSize, "it has no size yet")
        .with_hint("its maker has not finished, or died before it did: try again, or remove it")
}

pub(super) fn stat(facts: &FileFacts) -> Stat {
    Stat {
        size: facts.size,
        mapped: sys::whole_pages(facts.size),
        uid: facts.uid,
        gid: facts.gid,
        mode: facts.mode.map(|mode| mode & 0o777),
        attached: None,
        removed: facts.removed,
        changed: facts.changed,
        last_used: facts.accessed,
        last_left: facts.modified,
        id: None,
        key: None,
        creator: None,
    }
}

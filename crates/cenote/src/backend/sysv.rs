//! `sysv:`: segments of `shmget`, by key, by file and project (ftok), or by id.

use std::path::PathBuf;

use super::lock::{LockState, Locker, Maker, OwnSet, set_mode};
use super::{Attached, Backend, How, Order, Reaping, Stat, mappable, spared};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Mapped, Mapping, ShmFacts, Wait};

/// How a segment is found.
pub(super) enum Sysv {
    Key(i32),
    Ftok(PathBuf, u8),
    Id(i32),
}

struct AttachedSysv {
    mapping: Mapping,
    id: i32,
    lock: OwnSet,
    key: i32,
}

impl Backend for Sysv {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        let len = mappable(size)?;
        if matches!(self, Self::Id(_)) {
            return Err(Error::new(
                ErrorKind::KeyError,
                "an id names a segment that exists; the kernel chooses it",
            )
            .with_hint("create it under a key: sysv:0x1234, or sysv:PATH#81"));
        }
        let key = self.key()?;
        let id = sys::shm_create(key, size, how.mode, how.sparse)?;
        let made = Mapping::of_segment(id, len, how.writable)
            .and_then(|mapping| if how.sparse { Ok(mapping) } else { mapping.populate().map(|()| mapping) });
        let mapping = made.inspect_err(|_| {
            let _ = sys::shm_remove(id);
        })?;
        let facts = sys::shm_stat(id)?;
        Ok(Box::new(AttachedSysv::new(mapping, &facts, how)))
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        let facts = self.find()?;
        let mapping = Mapping::of_segment(facts.id, mappable(facts.size)?, how.writable)?;
        Ok(Box::new(AttachedSysv::new(mapping, &facts, how)))
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        let facts = self.find()?;
        sys::shm_remove(facts.id)?;
        // With holders left the last of them does it.
        if facts.attached == 0 { remove_lock(&OwnSet::new(facts.key, None), facts.key) } else { Ok(()) }
    }

    fn stat(&self) -> Result<Stat> {
        self.find().map(|facts| stat(&facts))
    }

    fn lock_state(&self) -> LockState {
        self.key().map_or(LockState::Unknown, OwnSet::state)
    }

    fn mapped(&self) -> Result<Mapped> {
        self.find().map(|facts| Mapped::SystemV { id: facts.id })
    }

    fn reap(&self, order: &Order) -> Result<Reaping> {
        let facts = self.find()?;
        if let Some(why) = objection(&facts, order) {
            return spared(why);
        }
        // Who attaches between these two calls keeps the memory, without the key: the kernel has no call for both.
        sys::shm_remove(facts.id)?;
        if sys::shm_stat(facts.id).is_err() {
            remove_lock(&OwnSet::new(facts.key, None), facts.key)?;
        }
        Ok(Reaping::Removed)
    }
}

/// Why the segment is not to go, if it is not.
pub(super) fn objection(facts: &ShmFacts, order: &Order) -> Option<String> {
    if facts.attached > 0 {
        return Some("somebody has attached it just now".to_owned());
    }
    order.objection(Mapped::SystemV { id: facts.id }, &stat(facts))
}

impl Sysv {
    fn key(&self) -> Result<i32> {
        match self {
            Self::Key(key) => Ok(*key),
            Self::Ftok(path, project) => sys::ftok(path, *project).map_err(|error| {
                let what = format!("ftok needs the file {}", path.display());
                error
                    .because(what)
                    .with_hint("the file must exist, and be the same one that the other programs use")
            }),
            Self::Id(id) => sys::shm_stat(*id).map(|facts| facts.key),
        }
    }

    fn find(&self) -> Result<ShmFacts> {
        if let Self::Id(id) = self {
            return sys::shm_stat(*id);
        }
        let key = self.key()?;
        let facts = sys::shm_stat(sys::shm_find(key)?)?;
        // Removed between the two calls, but still in use.
        if facts.removed || facts.key != key {
            return Err(Error::new(ErrorKind::NotFound, "it was removed just now"));
        }
        Ok(facts)
    }
}

/// Removes our semaphore set, unless a new segment has the key by now.
fn remove_lock(lock: &OwnSet, key: i32) -> Result<()> {
    match lock.remove_unused(|| sys::shm_find(key).is_ok()) {
        // Another program's set is not ours to remove, nor one that this user may not.
        Err(error) if matches!(error.kind(), ErrorKind::LockError | ErrorKind::PermissionDenied) => Ok(()),
        result => result,
    }
}

impl AttachedSysv {
    fn new(mapping: Mapping, facts: &ShmFacts, how: &How) -> Self {
        let maker = Maker { uid: facts.uid, gid: facts.gid, mode: set_mode(facts.mode) };
        let lock = OwnSet::new(facts.key, how.writable.then_some(maker));
        Self { mapping, id: facts.id, lock, key: facts.key }
    }
}

impl Attached for AttachedSysv {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        sys::shm_stat(self.id).map(|facts| stat(&facts))
    }

    fn mapped(&self) -> Result<Mapped> {
        Ok(Mapped::SystemV { id: self.id })
    }

    fn detach(self: Box<Self>, _wait: Wait) -> Result<()> {
        let removed = sys::shm_stat(self.id).is_ok_and(|facts| facts.removed);
        self.mapping.unmap()?;
        // A removed segment is gone with its last attachment, and then so should be its lock.
        if removed && sys::shm_stat(self.id).is_err() { remove_lock(&self.lock, self.key) } else { Ok(()) }
    }
}

pub(crate) fn stat(facts: &ShmFacts) -> Stat {
    Stat {
        size: facts.size,
        mapped: sys::whole_pages(facts.size),
        uid: Some(facts.uid),
        gid: Some(facts.gid),
        mode: Some(facts.mode),
        attached: Some(facts.attached),
        removed: facts.removed,
        changed: facts.changed,
        last_used: facts.last_attach,
        last_left: facts.last_detach,
        id: Some(facts.id),
        key: Some(facts.key).filter(|&key| key != 0),
        creator: u32::try_from(facts.creator).ok().filter(|&pid| pid != 0),
    }
}

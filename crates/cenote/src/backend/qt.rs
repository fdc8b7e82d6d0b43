//! `qt:KEY`: what `QSharedMemory("KEY")` means here, a System V segment found through a key file.
//!
//! Creating, attaching and detaching happen under Qt's own lock, as in Qt. The last to detach removes segment and
//! key file, unless the segment had no holder when we came: a leftover that is merely read must survive that.

use std::path::{Path, PathBuf};

use super::lock::{LockState, Locker};
use super::qt_semaphore::{KEY_FILE_MODE, QtSemaphore, remove_key_file, semaphore_path};
use super::{Attached, Backend, How, Stat, later, mappable, timed_out};
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{self, KeyType, NativeKey, PROJECT};
use crate::sys::{self, Mapped, Mapping, ShmFacts, Wait};

/// A key's two files, as paths.
#[derive(Clone)]
pub(super) struct Qt {
    segment: PathBuf,
    semaphore: PathBuf,
}

struct AttachedQt {
    mapping: Mapping,
    id: i32,
    key: i32,
    files: Qt,
    lock: QtSemaphore,
    /// Whether the last detach, if it is ours, removes the segment.
    removes: bool,
}

impl Qt {
    pub(super) fn of_key(key: &str) -> Self {
        let directory = sys::temporary_directory();
        Self {
            segment: directory.join(qt::legacy_segment_name(key)),
            semaphore: semaphore_path(&qt::legacy_semaphore_name(key)),
        }
    }

    /// So far only the native form of a legacy key, as listings show it.
    pub(super) fn of_native_key(key: &NativeKey) -> Result<Self> {
        let segment = PathBuf::from(key.native_key());
        let beside = segment.file_name().and_then(|name| qt::semaphore_name_beside(name.to_str()?));
        match beside {
            Some(name) if key.key_type() == KeyType::SYSTEM_V => {
                Ok(Self { semaphore: segment.with_file_name(name), segment })
            }
            _ => Err(later("native keys of Qt other than those of legacy keys")),
        }
    }

    /// The segment that the key file leads to now.
    fn find(&self) -> Result<ShmFacts> {
        let key = sys::ftok_of_key_file(&self.segment, PROJECT).map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing(),
            _ => error,
        })?;
        sys::shm_stat(sys::shm_find(key)?)
    }

    fn missing(&self) -> Error {
        let what = format!(
            "no program has a segment under this key (its key file would be {})",
            self.segment.display()
        );
        Error::new(ErrorKind::NotFound, what)
    }

    /// Makes the segment. Called with the lock held.
    fn make(&self, lock: &QtSemaphore, size: u64, how: &How) -> Result<(Mapping, ShmFacts)> {
        let new_file = sys::make_key_file(&self.segment, KEY_FILE_MODE)?;
        let key = sys::ftok_of_key_file(&self.segment, PROJECT)?;
        let id = sys::shm_create(key, size, how.mode, how.sparse).inspect_err(|error| {
            if error.kind() != ErrorKind::AlreadyExists {
                if new_file {
                    remove_key_file(&self.segment);
                }
            } else if let Ok(facts) = self.find() {
                // Somebody was quicker; the set that we made for it is now that segment's.
                let _ = lock.mark(facts.id);
            }
        })?;
        let made = Mapping::of_segment(id, mappable(size)?, how.writable).and_then(|mapping| {
            if !how.sparse {
                mapping.populate()?;
            }
            lock.mark(id)?;
            Ok((mapping, sys::shm_stat(id)?))
        });
        made.inspect_err(|_| {
            let _ = sys::shm_remove(id);
            remove_key_file(&self.segment);
        })
    }

    fn lock(&self) -> QtSemaphore {
        QtSemaphore::of_segment(self.semaphore.clone())
    }

    /// Removes a lock that was made for nothing. If there is a segment by now, its programs know it already.
    fn drop_unused(&self, lock: &QtSemaphore) {
        let nothing = || self.find().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if lock.is_owner() && nothing() {
            let _ = lock.remove_if_unused();
        }
    }
}

impl Backend for Qt {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        // Before anything is touched: Qt itself would reset a lock that is held.
        if self.find().is_ok() {
            return Err(Error::new(ErrorKind::AlreadyExists, "a program has a segment under this key"));
        }
        let lock = self.lock();
        let made = locked(&lock, Wait::up_to(how.timeout), || self.make(&lock, size, how));
        let (mapping, facts) = made.inspect_err(|_| self.drop_unused(&lock))?;
        Ok(Box::new(AttachedQt::new(mapping, &facts, self.clone(), lock, !how.keep)))
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        // Before anything is made: what is missing leaves no semaphore behind.
        self.find()?;
        let lock = self.lock();
        let (mapping, facts) = locked(&lock, Wait::up_to(how.timeout), || {
            let facts = self.find()?;
            lock.mark(facts.id)?;
            Ok((Mapping::of_segment(facts.id, mappable(facts.size)?, how.writable)?, facts))
        })
        .inspect_err(|_| self.drop_unused(&lock))?;
        let removes = !how.keep && facts.attached > 0;
        Ok(Box::new(AttachedQt::new(mapping, &facts, self.clone(), lock, removes)))
    }

    fn remove(&self, wait: Wait) -> Result<()> {
        // Before anything is made: what is no key file, or may not be looked at, stays as it is.
        if let Err(error) = self.find()
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
        let is_there = |path: &Path| sys::stat_path(path, false).is_ok();
        if !is_there(&self.segment) && !is_there(&self.semaphore) {
            return Err(self.missing());
        }
        let lock = self.lock();
        if !lock.acquire(wait)? {
            return Err(timed_out());
        }
        let removed = self.find().and_then(|facts| sys::shm_remove(facts.id).map(|()| facts.attached > 0));
        let in_use = match removed {
            Ok(in_use) => in_use,
            // Only remains are left.
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => {
                lock.give_back()?;
                return Err(error);
            }
        };
        remove_key_file(&self.segment);
        // Holders that are left still lock with it.
        leave(&lock, !in_use)
    }

    fn stat(&self) -> Result<Stat> {
        self.find().map(|facts| super::sysv::stat(&facts))
    }

    fn lock_state(&self) -> LockState {
        QtSemaphore::state(&self.semaphore)
    }

    fn mapped(&self) -> Result<Mapped> {
        self.find().map(|facts| Mapped::SystemV { id: facts.id })
    }
}

impl AttachedQt {
    fn new(mapping: Mapping, facts: &ShmFacts, files: Qt, lock: QtSemaphore, removes: bool) -> Self {
        Self { mapping, id: facts.id, key: facts.key, files, lock, removes }
    }
}

impl Attached for AttachedQt {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        sys::shm_stat(self.id).map(|facts| super::sysv::stat(&facts))
    }

    fn mapped(&self) -> Result<Mapped> {
        Ok(Mapped::SystemV { id: self.id })
    }

    fn detach(self: Box<Self>, wait: Wait) -> Result<()> {
        let Self { mapping, id, key, files, lock, removes } = *self;
        if !lock.acquire(wait)? {
            // Whoever has the lock detaches later, and then sees to the rest.
            mapping.unmap()?;
            return Err(timed_out().because("it is detached, but whether it was the last could not be seen"));
        }
        let result = lock.mark(id).and(mapping.unmap());
        let left = sys::shm_stat(id).ok();
        let last = removes && left.is_some_and(|facts| facts.attached == 0);
        let removal = if last { sys::shm_remove(id) } else { Ok(()) };
        // Another file may have taken its place.
        let ours = || sys::ftok_of_key_file(&files.segment, PROJECT).is_ok_and(|found| found == key);
        if last && removal.is_ok() && ours() {
            remove_key_file(&files.segment);
        }
        let gone = removes && files.find().is_err();
        let left = leave(&lock, gone && lock.is_marked(id));
        result.and(removal).and(left)
    }
}

/// Lets go of the lock, or takes it away if it is not wanted any more. It is free afterwards, whatever fails.
fn leave(lock: &QtSemaphore, remove: bool) -> Result<()> {
    let removed = if remove { lock.remove_if_unwanted() } else { Ok(false) };
    if !matches!(removed, Ok(true)) {
        lock.give_back()?;
    }
    removed.map(|_| ())
}

/// Runs `work` with the lock held.
fn locked<T>(lock: &QtSemaphore, wait: Wait, work: impl FnOnce() -> Result<T>) -> Result<T> {
    if !lock.acquire(wait)? {
        return Err(timed_out());
    }
    let result = work();
    // False if it was removed meanwhile: then there is nothing to give back.
    let _ = lock.give_back()?;
    result
}

//! Qt's segments on System V: what `QSharedMemory("KEY")` means here, and native keys of that type. A key file leads
//! to the segment.
//!
//! Creating, attaching and detaching happen under Qt's own lock, as in Qt. The last to detach removes segment and
//! key file, unless the segment had no holder when we came: a leftover that is merely read must survive that.

use super::key_file::KeyFile;
use super::system_v_semaphore::SystemVSemaphore;
use crate::backend::lock::{LockState, Locker};
use crate::backend::{Attached, Backend, How, Order, Reaping, Stat, mappable, spared, sysv, timed_out};
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{self, NativeKey, PROJECT};
use crate::sys::{self, Mapped, Mapping, ShmFacts, Wait};

/// A key's two files. With a native key they are one.
#[derive(Clone)]
pub(super) struct SystemV {
    segment: KeyFile,
    semaphore: KeyFile,
}

struct AttachedSystemV {
    mapping: Mapping,
    id: i32,
    key: i32,
    files: SystemV,
    lock: SystemVSemaphore,
    /// Whether the last detach, if it is ours, removes the segment.
    removes: bool,
}

impl SystemV {
    pub(super) fn of_key(key: &str) -> Self {
        Self {
            segment: KeyFile::of_legacy_name(&qt::legacy_segment_name(key), PROJECT),
            semaphore: KeyFile::of_legacy_name(&qt::legacy_semaphore_name(key), PROJECT),
        }
    }

    /// As Qt has it: the lock's key is the legacy key's if that is known, else the segment's own.
    pub(super) fn of_native_key(key: &NativeKey, project: u8) -> Result<Self> {
        let segment = KeyFile::of_native_key(key.native_key(), project)?;
        let semaphore = match key.legacy_key() {
            Some(legacy) => KeyFile::of_legacy_name(&qt::legacy_semaphore_name(legacy), project),
            // A listing shows a legacy key's file without the key, which is hashed in its name.
            None => match segment.name().and_then(qt::semaphore_name_beside) {
                Some(name) => KeyFile { path: segment.path.with_file_name(name), project },
                None => segment.clone(),
            },
        };
        Ok(Self { segment, semaphore })
    }

    /// The segment that the key file leads to now.
    fn find(&self) -> Result<ShmFacts> {
        let key = self.segment.key().map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing(),
            _ => error,
        })?;
        sys::shm_stat(sys::shm_find(key)?)
    }

    /// Removes the segment's key file, unless it is the lock's as well: then it goes with the lock.
    fn remove_segment_file(&self) {
        if self.segment.path != self.semaphore.path {
            self.segment.remove();
        }
    }

    fn missing(&self) -> Error {
        let what = format!(
            "no program has a segment under this key (its key file would be {})",
            self.segment.path.display()
        );
        Error::new(ErrorKind::NotFound, what)
    }

    /// Makes the segment. Called with the lock held.
    fn make(&self, lock: &SystemVSemaphore, size: u64, how: &How) -> Result<(Mapping, ShmFacts)> {
        let new_file = self.segment.make()?;
        let key = self.segment.key()?;
        let id = sys::shm_create(key, size, how.mode, how.sparse).inspect_err(|error| {
            if error.kind() != ErrorKind::AlreadyExists {
                if new_file {
                    self.remove_segment_file();
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
            self.remove_segment_file();
        })
    }

    fn lock(&self) -> SystemVSemaphore {
        SystemVSemaphore::of_segment(self.semaphore.clone())
    }

    /// Removes a lock that was made for nothing. If there is a segment by now, its programs know it already.
    fn drop_unused(&self, lock: &SystemVSemaphore) {
        let nothing = || self.find().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        if lock.is_owner() && nothing() {
            let _ = lock.remove_if_unused();
        }
    }
}

impl Backend for SystemV {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        // Before anything is touched: Qt itself would reset a lock that is held.
        if self.find().is_ok() {
            return Err(Error::new(ErrorKind::AlreadyExists, "a program has a segment under this key"));
        }
        let lock = self.lock();
        let made = locked(&lock, Wait::up_to(how.timeout), || self.make(&lock, size, how));
        let (mapping, facts) = made.inspect_err(|_| self.drop_unused(&lock))?;
        Ok(Box::new(AttachedSystemV::new(mapping, &facts, self.clone(), lock, !how.keep)))
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
        Ok(Box::new(AttachedSystemV::new(mapping, &facts, self.clone(), lock, removes)))
    }

    fn remove(&self, wait: Wait) -> Result<()> {
        // Before anything is made: what is no key file, or may not be looked at, stays as it is.
        if let Err(error) = self.find()
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
        let is_there = |file: &KeyFile| sys::stat_path(&file.path, false).is_ok();
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
        self.remove_segment_file();
        // Holders that are left still lock with it.
        leave(&lock, !in_use)
    }

    fn stat(&self) -> Result<Stat> {
        self.find().map(|facts| sysv::stat(&facts))
    }

    fn lock_state(&self) -> LockState {
        SystemVSemaphore::state(&self.semaphore)
    }

    fn mapped(&self) -> Result<Mapped> {
        self.find().map(|facts| Mapped::SystemV { id: facts.id })
    }

    fn reap(&self, order: &Order) -> Result<Reaping> {
        // Who attaches by Qt's rules has the lock: while it is ours, what is found stays so.
        let lock = self.lock();
        if !lock.acquire(order.wait)? {
            return spared("somebody has Qt's lock");
        }
        let reaped = self.find().and_then(|facts| match sysv::objection(&facts, order) {
            Some(why) => spared(why),
            None => sys::shm_remove(facts.id).map(|()| Reaping::Removed),
        });
        if matches!(reaped, Ok(Reaping::Removed)) {
            self.remove_segment_file();
            leave(&lock, true)?;
        } else {
            lock.give_back()?;
        }
        reaped
    }
}

impl AttachedSystemV {
    fn new(
        mapping: Mapping,
        facts: &ShmFacts,
        files: SystemV,
        lock: SystemVSemaphore,
        removes: bool,
    ) -> Self {
        Self { mapping, id: facts.id, key: facts.key, files, lock, removes }
    }
}

impl Attached for AttachedSystemV {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        sys::shm_stat(self.id).map(|facts| sysv::stat(&facts))
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
        let ours = || files.segment.key().is_ok_and(|found| found == key);
        if last && removal.is_ok() && ours() {
            files.remove_segment_file();
        }
        let gone = removes && files.find().is_err();
        let left = leave(&lock, gone && lock.is_marked(id));
        result.and(removal).and(left)
    }
}

/// Lets go of the lock, or takes it away if it is not wanted any more. It is free afterwards, whatever fails.
fn leave(lock: &SystemVSemaphore, remove: bool) -> Result<()> {
    let removed = if remove { lock.remove_if_unwanted() } else { Ok(false) };
    if !matches!(removed, Ok(true)) {
        lock.give_back()?;
    }
    removed.map(|_| ())
}

/// Runs `work` with the lock held.
fn locked<T>(lock: &SystemVSemaphore, wait: Wait, work: impl FnOnce() -> Result<T>) -> Result<T> {
    if !lock.acquire(wait)? {
        return Err(timed_out());
    }
    let result = work();
    // False if it was removed meanwhile: then there is nothing to give back.
    let _ = lock.give_back()?;
    result
}

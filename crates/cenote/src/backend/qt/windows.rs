//! Qt's segments on Windows: a file mapping, and beside it a named semaphore as the lock.
//!
//! As in Qt, creating, attaching and detaching happen under the lock. Both objects go with their last handle. What a
//! dead process has taken from the semaphore is not given back as long as anybody has it open.

use crate::backend::lock::{Abandoned, LockState, Locked, Locker};
use crate::backend::windows::{no_removal, stat};
use crate::backend::{Attached, Backend, How, Stat, mappable, timed_out};
use crate::error::Result;
use crate::qt::{self, NativeKey};
use crate::sys::{self, KernelSemaphore, Mapped, Mapping, Section, Wait};

/// A key's two names.
pub(super) struct Windows {
    segment: String,
    semaphore: String,
}

struct AttachedWindows {
    mapping: Mapping,
    /// The name goes with its last handle.
    _section: Section,
    lock: SemaphoreLock,
}

impl Windows {
    pub(super) fn of_key(key: &str) -> Self {
        Self { segment: qt::legacy_segment_name(key), semaphore: qt::legacy_semaphore_name(key) }
    }

    /// As Qt has it: the lock's key is the legacy key's if that is known, else the segment's own with `_sem` after it.
    pub(super) fn of_native_key(key: &NativeKey) -> Self {
        let segment = key.native_key().to_owned();
        let semaphore = match key.legacy_key() {
            Some(legacy) => qt::legacy_semaphore_name(legacy),
            None => qt::semaphore_name_beside(&segment).unwrap_or_else(|| format!("{segment}_sem")),
        };
        Self { segment, semaphore }
    }

    /// Does the work with the lock held.
    fn locked(&self, how: &How, work: impl FnOnce() -> Result<Section>) -> Result<Box<dyn Attached>> {
        let lock = SemaphoreLock::open(&self.semaphore)?;
        let locked = lock.lock(Wait::up_to(how.timeout))?.ok_or_else(timed_out)?;
        let mapped = work().and_then(|section| Ok((sys::view_of(&section, how.writable)?, section)));
        lock.unlock(locked)?;
        let (mapping, section) = mapped?;
        Ok(Box::new(AttachedWindows { mapping, _section: section, lock }))
    }
}

impl Backend for Windows {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        self.locked(how, || Section::create(&self.segment, size, how.mode))
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        // Before the lock is made: what is missing leaves nothing behind.
        Section::open(&self.segment, false)?;
        self.locked(how, || Section::open(&self.segment, how.writable))
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        no_removal(&self.segment)
    }

    fn stat(&self) -> Result<Stat> {
        let section = Section::open(&self.segment, false)?;
        sys::view_of(&section, false).map(|mapping| stat(mapping.len() as u64, None))
    }

    fn lock_state(&self) -> LockState {
        LockState::Unknown
    }

    fn mapped(&self) -> Result<Mapped> {
        Section::open(&self.segment, false).map(|_| Mapped::Nameless)
    }
}

impl Attached for AttachedWindows {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        Ok(stat(self.mapping.len() as u64, None))
    }

    fn mapped(&self) -> Result<Mapped> {
        Ok(Mapped::Nameless)
    }

    fn detach(self: Box<Self>, wait: Wait) -> Result<()> {
        let locked = self.lock.lock(wait);
        let unmapped = self.mapping.unmap();
        match locked? {
            Some(locked) => self.lock.unlock(locked).and(unmapped),
            None => unmapped.and(Err(timed_out().because("it is detached all the same"))),
        }
    }
}

/// A named semaphore as a lock: 1 is free.
pub(super) struct SemaphoreLock(KernelSemaphore);

impl SemaphoreLock {
    pub(super) fn open(name: &str) -> Result<Self> {
        KernelSemaphore::open(name, 1).map(Self)
    }
}

impl Locker for SemaphoreLock {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        Ok(self.0.take(wait)?.then(|| Locked::new(Abandoned::Unknown)))
    }

    fn unlock(&self, _locked: Locked) -> Result<()> {
        self.0.release(1)
    }
}

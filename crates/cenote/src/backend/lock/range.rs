//! The lock of `posix:`, `file:` and `memfd:` segments, and lock files: a byte range over the whole file.

use super::{Abandoned, Locked, Locker};
use crate::error::Result;
use crate::sys::{Handle, IdleLock, LockFile, Wait};

/// Excludes `lockf` and `fcntl` locks of other programs, other handles, and other threads on the same handle.
///
/// Each holder has an open file description of its own: that is what the kernel lets a lock belong to.
pub(crate) struct RangeLock {
    file: Handle,
    /// A read-only description can only lock out writers.
    shared: bool,
    idle: IdleLock,
}

impl RangeLock {
    pub(crate) fn new(file: Handle, shared: bool) -> Self {
        Self { file, shared, idle: IdleLock::default() }
    }

    pub(crate) fn file(&self) -> &Handle {
        &self.file
    }
}

impl Locker for RangeLock {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        let file = match self.idle.take() {
            Some(file) => file,
            None => LockFile::reopen(&self.file, !self.shared)?,
        };
        if !file.lock(self.shared, wait)? {
            self.idle.put(file);
            return Ok(None);
        }
        // The kernel does not say why a range was free.
        Ok(Some(Locked { file: Some(file), ..Locked::new(Abandoned::Unknown) }))
    }

    fn unlock(&self, locked: Locked) -> Result<()> {
        let Some(file) = locked.file else { return Ok(()) };
        file.unlock()?;
        self.idle.put(file);
        Ok(())
    }
}

//! A lock that many can have for reading, or one for writing.

use std::ops::Deref;
use std::time::Duration;

use super::lock::HELD;
use super::share::Share;
use super::{Guard, Named};
use crate::backend::lock::{Abandoned, Which};
use crate::error::Result;
use crate::segment::Segment;
use crate::sys::Wait;

/// A lock in a native segment that many can have for reading, or one for writing, by
/// [`Segment::rw_lock`](crate::Segment::rw_lock).
///
/// Who comes while somebody writes, or waits to, queues behind it: neither readers nor writers starve. A reader that dies
/// keeps nobody out. If a writer dies, all who read after it are [told](ReadGuard::abandoned), until somebody has had the
/// lock for writing, who is told too and can mend what was left.
///
/// Reading takes a part of the attachment's own line and no other's, so that readers do not slow each other down.
///
/// ```
/// # let name = format!("cenote-doc-rwlock-{}", std::process::id());
/// let segment = cenote::Segment::create(name.as_str(), 4096)?;
/// let map = segment.rw_lock("map")?;
/// map.write()?.write_at(0, b"a tree")?;
/// let (one, other) = (map.read()?, map.read()?);
/// assert_eq!(one.read_to_vec(..6)?, b"a tree");
/// assert!(map.try_write()?.is_none());
/// # drop((one, other));
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RwLock<'a>(Named<'a>);

impl<'a> RwLock<'a> {
    pub(super) fn new(named: Named<'a>) -> Self {
        Self(named)
    }

    /// Waits until nobody writes, and takes it for reading. A thread that has it for reading and calls this again may
    /// wait for itself, if somebody else waits to write.
    ///
    /// # Errors
    /// `LockError` (in a forked child that has not attached itself), `OutOfResources` (this attachment has it 255 times
    /// for reading), `Corrupt`.
    pub fn read(&self) -> Result<ReadGuard<'a>> {
        self.read_until(Wait::Forever)?.ok_or_else(|| self.0.timed_out("lock", HELD))
    }

    /// Takes it for reading if nobody writes: `None` otherwise, and if somebody is just coming in.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn try_read(&self) -> Result<Option<ReadGuard<'a>>> {
        self.read_until(Wait::Try)
    }

    /// Waits for it, but not longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and those of [`read`](Self::read).
    pub fn read_timeout(&self, timeout: Duration) -> Result<ReadGuard<'a>> {
        self.read_until(Wait::up_to(Some(timeout)))?.ok_or_else(|| self.0.timed_out("lock", HELD))
    }

    /// Waits until nobody else has it, and takes it for writing. A thread that has it waits for itself.
    ///
    /// # Errors
    /// `LockError` (in a forked child that has not attached itself), `Corrupt`.
    pub fn write(&self) -> Result<Guard<'a>> {
        self.write_until(Wait::Forever)?.ok_or_else(|| self.0.timed_out("lock", HELD))
    }

    /// Takes it for writing if nobody has it: `None` otherwise, and if somebody is just coming in.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub fn try_write(&self) -> Result<Option<Guard<'a>>> {
        self.write_until(Wait::Try)
    }

    /// Waits for it, but not longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and those of [`write`](Self::write).
    pub fn write_timeout(&self, timeout: Duration) -> Result<Guard<'a>> {
        self.write_until(Wait::up_to(Some(timeout)))?.ok_or_else(|| self.0.timed_out("lock", HELD))
    }

    fn read_until(&self, wait: Wait) -> Result<Option<ReadGuard<'a>>> {
        let locked = self.0.during("lock", self.0.native.read_lock(self.0.place, wait))?;
        Ok(locked.map(|locked| ReadGuard(Share::new(self.0, locked))))
    }

    fn write_until(&self, wait: Wait) -> Result<Option<Guard<'a>>> {
        self.0.guard(self.0.native.lock_which(Which::Writing(self.0.place), wait))
    }
}

/// An [`RwLock`], held for reading until this is dropped. It gives access to the segment; that nobody writes with it is
/// for its holder to see to.
///
/// It stays in its thread. In a forked child it holds nothing: it is the parent's.
#[derive(Debug)]
#[must_use = "the lock is let go when the guard is dropped"]
pub struct ReadGuard<'a>(Share<'a>);

impl ReadGuard<'_> {
    /// Whether a writer died with the lock, and nobody has had it for writing since.
    #[must_use]
    pub fn abandoned(&self) -> Abandoned {
        self.0.abandoned()
    }

    /// Lets go of it, and reports errors: that another process has changed what was taken.
    ///
    /// # Errors
    /// `LockError`, `Corrupt`.
    pub fn unlock(mut self) -> Result<()> {
        self.0.give_back()
    }
}

impl Deref for ReadGuard<'_> {
    type Target = Segment;

    fn deref(&self) -> &Segment {
        self.0.named().segment
    }
}

//! The lock, held.

use std::marker::PhantomData;
use std::ops::Deref;

use super::Segment;
use crate::backend::lock::{Abandoned, Locked, Locker, Which};
use crate::error::Result;
use crate::sys::Wait;

/// The lock of a segment, or one of its named locks, held until this is dropped. It gives access to the segment, as
/// `Segment` itself does.
///
/// It stays in its thread: on some systems a lock belongs to the thread that took it. In a forked child it holds
/// nothing: the lock is the parent's.
#[must_use = "the lock is let go when the guard is dropped"]
pub struct Guard<'a> {
    segment: &'a Segment,
    locker: &'a dyn Locker,
    /// None only once it is unlocked.
    locked: Option<Locked>,
    in_its_thread: PhantomData<*const ()>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(segment: &'a Segment, locker: &'a dyn Locker, locked: Locked) -> Self {
        Self { segment, locker, locked: Some(locked), in_its_thread: PhantomData }
    }

    /// Lets go of the lock, to take it anew.
    pub(super) fn let_go(mut self) -> Result<Anew<'a>> {
        let Self { segment, locker, .. } = self;
        let which = self.locked.as_ref().map_or(Which::default(), Locked::which);
        self.locked.take().map_or(Ok(()), |locked| segment.unlock(locker, locked))?;
        Ok(Anew { segment, locker, which })
    }

    /// Whether the last holder died with the lock, and so may have left the data half-written.
    ///
    /// Native segments can tell, and `sysv:` ones, as far as Cenote's own lock goes; `posix:`, `file:` and `qt:` ones, and locks from
    /// elsewhere, cannot.
    #[must_use]
    pub fn abandoned(&self) -> Abandoned {
        self.locked.as_ref().map_or(Abandoned::Unknown, |locked| locked.abandoned)
    }

    /// Lets go of the lock, and reports errors: above all, that somebody removed the lock while it was held, so that
    /// others may have had it too.
    ///
    /// # Errors
    /// `LockError`; `Corrupt` if another process took the memory away, and the lock with it.
    pub fn unlock(mut self) -> Result<()> {
        self.locked.take().map_or(Ok(()), |locked| self.segment.unlock(self.locker, locked))
    }
}

/// A lock that was let go, and is to be taken again.
pub(super) struct Anew<'a> {
    segment: &'a Segment,
    locker: &'a dyn Locker,
    which: Which,
}

impl<'a> Anew<'a> {
    /// Waits for it as long as it takes.
    pub(super) fn take(self) -> Result<Guard<'a>> {
        let Self { segment, locker, which } = self;
        let locked = locker.lock_again(which, Wait::Forever);
        let locked = locked.map_err(|error| error.during("lock", &segment.address))?;
        locked.map(|locked| Guard::new(segment, locker, locked)).ok_or_else(|| segment.timed_out())
    }
}

impl Deref for Guard<'_> {
    type Target = Segment;

    fn deref(&self) -> &Segment {
        self.segment
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(locked) = self.locked.take() {
            // `unlock()` reports errors; here nobody could hear of them.
            let _ = self.segment.unlock(self.locker, locked);
        }
    }
}

impl std::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("segment", self.segment).field("abandoned", &self.abandoned()).finish()
    }
}

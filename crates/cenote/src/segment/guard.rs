//! The lock, held.

use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use super::Segment;
use crate::backend::lock::{Abandoned, Locked, Locker, Quick, Which};
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
    /// Of a lock that was free. No more than one of this and the next is there, and neither once it is unlocked.
    quick: Option<Quick>,
    slow: Option<(&'a dyn Locker, Locked)>,
    in_its_thread: PhantomData<*const ()>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(segment: &'a Segment, locker: &'a dyn Locker, locked: Locked) -> Self {
        Self { segment, quick: None, slow: Some((locker, locked)), in_its_thread: PhantomData }
    }

    #[inline]
    pub(super) fn quick(segment: &'a Segment, quick: Quick) -> Self {
        Self { segment, quick: Some(quick), slow: None, in_its_thread: PhantomData }
    }

    #[inline]
    fn let_go(&mut self) -> Result<()> {
        match self.quick.take() {
            Some(quick) => self.segment.unlock_quickly(quick),
            None => self.let_go_slowly(),
        }
    }

    /// Apart, so that nobody touches what this needs who does not need it.
    #[inline(never)]
    fn let_go_slowly(&mut self) -> Result<()> {
        self.slow.take().map_or(Ok(()), |(locker, locked)| self.segment.unlock(locker, locked))
    }

    /// Lets go of the lock, to take it anew.
    pub(super) fn pause(mut self) -> Result<Paused<'a>> {
        let segment = self.segment;
        let (locker, which) = match &self.slow {
            Some((locker, locked)) => (*locker, locked.which()),
            None => (segment.locker(), Which::Own),
        };
        self.let_go()?;
        Ok(Paused { segment, locker, which })
    }

    /// The same, of which a panic leaves no mark.
    #[inline]
    pub(crate) fn unmarked(mut self) -> Self {
        self.quick = self.quick.map(|_| Quick { in_panic: true });
        self.slow = self.slow.take().map(|(locker, locked)| (locker, locked.unmarked()));
        self
    }

    /// Whether the last holder died with the lock, and so may have left the data half-written.
    ///
    /// Native segments can tell, and `sysv:` ones, as far as Cenote's own lock goes; `posix:`, `file:` and `qt:` ones, and locks from
    /// elsewhere, cannot.
    #[must_use]
    pub fn abandoned(&self) -> Abandoned {
        match (&self.quick, &self.slow) {
            (Some(_), _) => Abandoned::No,
            (None, Some((_, locked))) => locked.abandoned,
            (None, None) => Abandoned::Unknown,
        }
    }

    /// Lets go of the lock, and reports errors: above all, that somebody removed the lock while it was held, so that
    /// others may have had it too.
    ///
    /// # Errors
    /// `LockError`; `Corrupt` if another process took the memory away, and the lock with it.
    pub fn unlock(mut self) -> Result<()> {
        self.let_go()
    }
}

/// A lock that was let go, and is to be taken again.
pub(super) struct Paused<'a> {
    segment: &'a Segment,
    locker: &'a dyn Locker,
    which: Which,
}

impl<'a> Paused<'a> {
    /// Waits for it as long as the segment's options allow, and without those `usually`.
    pub(super) fn resume(self, usually: Duration) -> Result<Guard<'a>> {
        let Self { segment, locker, which } = self;
        let wait = Wait::up_to(Some(segment.timeout.unwrap_or(usually)));
        let locked = locker.lock_again(which, wait);
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
    #[inline]
    fn drop(&mut self) {
        // `unlock()` reports errors; here nobody could hear of them.
        let _ = self.let_go();
    }
}

impl std::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("segment", self.segment).field("abandoned", &self.abandoned()).finish()
    }
}

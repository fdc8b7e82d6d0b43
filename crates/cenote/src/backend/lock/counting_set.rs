//! A System V semaphore of another program, used as its lock: 1 is free, as programs commonly have it.

use super::{Abandoned, Locked, Locker};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Done, SemSet, Step, Wait};

/// The first semaphore of a set. Taking it subtracts 1; the kernel gives it back if the holder dies.
pub(super) struct CountingSet(pub(super) SemSet);

impl CountingSet {
    fn add(&self, change: i16, wait: Wait) -> Result<bool> {
        match self.0.operate([Step::undone_at_death(0, change)], wait)? {
            Done::Yes => Ok(true),
            Done::TimedOut => Ok(false),
            Done::Gone => Err(Error::new(ErrorKind::LockError, "the semaphore set was removed")),
        }
    }
}

impl Locker for CountingSet {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        Ok(self.add(-1, wait)?.then(|| Locked::new(Abandoned::Unknown)))
    }

    fn unlock(&self, _locked: Locked) -> Result<()> {
        self.add(1, Wait::Try).map(|_| ())
    }
}

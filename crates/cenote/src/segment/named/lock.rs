//! One of several locks in a native segment.

use std::time::Duration;

use super::{Guard, Named};
use crate::backend::lock::Which;
use crate::error::Result;
use crate::sys::Wait;

/// One of several locks in a native segment, by [`Segment::named_lock`](crate::Segment::named_lock).
///
/// As the segment's own lock it recovers: if its holder dies, the next one has it within some ten milliseconds and is
/// [told](Guard::abandoned). It protects what its users agree on.
#[derive(Clone, Copy, Debug)]
pub struct NamedLock<'a>(Named<'a>);

impl<'a> NamedLock<'a> {
    pub(super) fn new(named: Named<'a>) -> Self {
        Self(named)
    }

    /// Waits until nobody else has it, and takes it. A thread that has it and calls this again waits for itself.
    ///
    /// # Errors
    /// `LockError` (in a forked child that has not attached itself), `Corrupt`.
    pub fn lock(&self) -> Result<Guard<'a>> {
        self.lock_until(Wait::Forever)?.ok_or_else(|| self.0.timed_out("lock", HELD))
    }

    /// Takes it if nobody has it: `None` otherwise.
    ///
    /// # Errors
    /// Those of [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<Option<Guard<'a>>> {
        self.lock_until(Wait::Try)
    }

    /// Waits for it, but not longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and those of [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Guard<'a>> {
        self.lock_until(Wait::up_to(Some(timeout)))?.ok_or_else(|| self.0.timed_out("lock", HELD))
    }

    fn lock_until(&self, wait: Wait) -> Result<Option<Guard<'a>>> {
        self.0.guard(self.0.native.lock_which(Which::Named(self.0.place), wait))
    }
}

pub(super) const HELD: &str = "somebody else held the lock all the time";

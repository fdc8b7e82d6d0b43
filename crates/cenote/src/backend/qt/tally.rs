//! `QSystemSemaphore` on System V, with a tally of what was taken: what a removed set took along is not added to its
//! successor.

use std::sync::atomic::{AtomicU64, Ordering};

use super::key_file::KeyFile;
use super::semaphore::Semaphore;
use super::system_v_semaphore::SystemVSemaphore;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{SemSet, Wait};

/// A semaphore, and what was taken through this handle.
#[derive(Debug)]
pub(super) struct Tallied {
    semaphore: SystemVSemaphore,
    tally: Tally,
}

impl Tallied {
    pub(super) fn new(file: KeyFile, initial: u16) -> Result<Self> {
        let Ok(initial) = i16::try_from(initial) else {
            let what = format!("{initial} is more than a System V semaphore can hold (32767)");
            return Err(Error::new(ErrorKind::InvalidSize, what));
        };
        Ok(Self { semaphore: SystemVSemaphore::new(file, initial), tally: Tally::default() })
    }
}

impl Semaphore for Tallied {
    fn open(&self) -> Result<()> {
        self.semaphore.open().map(|_| ())
    }

    fn reset(&self) -> Result<()> {
        self.semaphore.reset()
    }

    fn acquire(&self, wait: Wait) -> Result<bool> {
        let from = self.semaphore.take(wait)?;
        if let Some(set) = from {
            self.tally.take(set);
        }
        Ok(from.is_some())
    }

    fn release(&self, count: u16) -> Result<()> {
        if i16::try_from(count).is_err() {
            let what = "a System V semaphore cannot hold more than 32767";
            return Err(Error::new(ErrorKind::LockError, what));
        }
        let taken = self.tally.give_back(count);
        self.semaphore.release(count, taken)
    }

    fn leave(&self) {
        if self.semaphore.is_owner() {
            let _ = self.semaphore.remove_if_unused();
        }
    }
}

/// How much was taken through a handle and not given back, and from which set: an id and a count in one word.
///
/// Relaxed throughout: a tally, which orders nothing.
#[derive(Debug, Default)]
struct Tally(AtomicU64);

impl Tally {
    fn take(&self, set: SemSet) {
        self.change(|(from, taken)| (set, if from == set { taken.saturating_add(1) } else { 1 }));
    }

    /// Takes `count` off, and says what there was before.
    fn give_back(&self, count: u16) -> Option<(SemSet, u16)> {
        let before = self.change(|(from, taken)| (from, taken.saturating_sub(count)));
        Some(before).filter(|&(_, taken)| taken > 0)
    }

    fn change(&self, change: impl Fn((SemSet, u16)) -> (SemSet, u16)) -> (SemSet, u16) {
        let unpack = |word: u64| (SemSet((word >> 16) as i32), word as u16);
        let pack = |(set, taken): (SemSet, u16)| u64::from(set.0.cast_unsigned()) << 16 | u64::from(taken);
        let update = |word| Some(pack(change(unpack(word))));
        unpack(self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update).unwrap_or_default())
    }
}

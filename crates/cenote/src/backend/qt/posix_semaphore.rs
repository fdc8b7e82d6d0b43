//! `QSystemSemaphore` on POSIX: a named semaphore. Nothing is given back at a death.

use std::fmt;
use std::sync::OnceLock;

use super::semaphore::Semaphore;
use crate::backend::lock::NamedSemaphore;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Wait};

/// A handle that stays with the semaphore it has opened, as Qt's does.
pub(super) struct PosixSemaphore {
    name: String,
    initial: u16,
    opened: OnceLock<NamedSemaphore>,
}

impl PosixSemaphore {
    pub(super) fn new(name: String, initial: u16) -> Self {
        Self { name, initial, opened: OnceLock::new() }
    }

    fn get(&self) -> Result<&NamedSemaphore> {
        for _ in 0..1000 {
            if let Some(semaphore) = self.opened.get() {
                return Ok(semaphore);
            }
            match NamedSemaphore::open(&self.name) {
                // Of several threads one is the first, and all use its.
                Ok(semaphore) => drop(sys::without_forks(|| self.opened.set(semaphore))),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    NamedSemaphore::make(&self.name, self.initial.into())?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::LockError, "it is removed and made anew all the time"))
    }
}

impl Semaphore for PosixSemaphore {
    fn open(&self) -> Result<()> {
        self.get().map(|_| ())
    }

    fn reset(&self) -> Result<()> {
        match NamedSemaphore::remove(&self.name) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.open()
    }

    fn acquire(&self, wait: Wait) -> Result<bool> {
        self.get()?.acquire(wait)
    }

    fn release(&self, count: u16) -> Result<()> {
        let semaphore = self.get()?;
        (0..count).try_for_each(|_| semaphore.release())
    }

    fn leave(&self) {
        // Nobody can tell whether others have it open, and what they have open would not be what newcomers find.
    }
}

impl fmt::Debug for PosixSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PosixSemaphore").field("name", &self.name).finish_non_exhaustive()
    }
}

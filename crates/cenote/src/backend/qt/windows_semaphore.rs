//! `QSystemSemaphore` on Windows: a named semaphore, which goes with its last handle. Nothing is given back at a death.

use std::fmt;
use std::sync::OnceLock;

use super::semaphore::Semaphore;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{KernelSemaphore, Wait};

/// A handle that opens the semaphore when it is first needed.
pub(super) struct WindowsSemaphore {
    name: String,
    initial: u16,
    opened: OnceLock<KernelSemaphore>,
}

impl WindowsSemaphore {
    pub(super) fn new(name: String, initial: u16) -> Self {
        Self { name, initial, opened: OnceLock::new() }
    }

    fn get(&self) -> Result<&KernelSemaphore> {
        if let Some(semaphore) = self.opened.get() {
            return Ok(semaphore);
        }
        let semaphore = KernelSemaphore::open(&self.name, self.initial.into())?;
        Ok(self.opened.get_or_init(|| semaphore))
    }
}

impl Semaphore for WindowsSemaphore {
    fn open(&self) -> Result<()> {
        self.get().map(|_| ())
    }

    /// Qt ignores the mode here: a semaphore that somebody has open keeps its value.
    fn reset(&self) -> Result<()> {
        self.open()
    }

    fn acquire(&self, wait: Wait) -> Result<bool> {
        self.get()?.take(wait)
    }

    fn release(&self, count: u16) -> Result<()> {
        match count {
            0 => Ok(()),
            count => self.get()?.release(count.into()).map(|_| ()),
        }
    }

    fn leave(&self) {
        // It goes with its last handle.
    }
}

/// There is no taking away of a semaphore that somebody has open, and no other is there.
pub(super) fn remove() -> Error {
    Error::new(ErrorKind::Unsupported, "the system removes a semaphore with its last handle, and not before")
        .with_hint("end the processes that have it open")
}

impl fmt::Debug for WindowsSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowsSemaphore").field("name", &self.name).finish_non_exhaustive()
    }
}

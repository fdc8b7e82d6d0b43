//! Qt's lock on Windows: a named semaphore, 1 = free, which goes with its last handle.
//!
//! The kernel does not give back what a dead holder has taken: it stays locked until nobody has the semaphore open any
//! more. Whoever attaches keeps it open, as Qt does, for a lock that went would come back free.

use std::sync::OnceLock;
use std::time::Duration;

use crate::backend::lock::{Abandoned, Locked, Locker, NamedMutex};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{KernelSemaphore, Wait};

/// What helps those who wait for a dead holder.
const STUCK_HINT: &str = "if its holder has died, it stays locked while anybody has it open: end the programs that use \
                          it, or free it by `cenote lock --break --force`";

/// A semaphore by its name, opened or made when it is first needed.
pub(super) struct WindowsLock {
    name: String,
    /// Whether it is a segment's, and so one at a time can have it.
    of_segment: bool,
    opened: OnceLock<KernelSemaphore>,
}

impl WindowsLock {
    /// The lock of a segment, which is open from now on.
    pub(super) fn of_segment(name: String) -> Self {
        let this = Self { name, of_segment: true, opened: OnceLock::new() };
        // Errors are for whoever locks.
        let _ = this.semaphore();
        this
    }

    /// A semaphore that locks whatever its users like.
    pub(super) fn alone(name: String) -> Self {
        Self { name, of_segment: false, opened: OnceLock::new() }
    }

    fn semaphore(&self) -> Result<&KernelSemaphore> {
        if let Some(semaphore) = self.opened.get() {
            return Ok(semaphore);
        }
        let semaphore = KernelSemaphore::open(&self.name, 1)?;
        Ok(self.opened.get_or_init(|| semaphore))
    }
}

impl Locker for WindowsLock {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        Ok(self.semaphore()?.take(wait)?.then(|| Locked::new(Abandoned::Unknown)))
    }

    fn unlock(&self, _locked: Locked) -> Result<()> {
        let semaphore = self.semaphore()?;
        if semaphore.release(1)? == 0 || !self.of_segment {
            return Ok(());
        }
        // A lock that was broken while it was held must not let in two from now on.
        semaphore.take(Wait::Try)?;
        Err(Error::new(ErrorKind::LockError, "another process freed the lock while it was held"))
    }

    fn timeout_hint(&self) -> Option<&'static str> {
        Some(STUCK_HINT)
    }
}

/// Frees it, whoever has it: true if somebody had. One that nobody has open is not there, and so it is free.
pub(crate) fn break_by_force(name: &str) -> Result<bool> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let Some(semaphore) = KernelSemaphore::find(name)? else { return Ok(false) };
    // Two who break it at once would free it twice.
    let turns = NamedMutex::new(format!("{name}.cenote-break"), 0o600);
    let Some(turn) = turns.lock(Wait::up_to(Some(PATIENCE)))? else {
        return Err(Error::new(ErrorKind::Timeout, "another process is breaking it"));
    };
    let broken = free(&semaphore);
    turns.unlock(turn)?;
    broken
}

fn free(semaphore: &KernelSemaphore) -> Result<bool> {
    let was_free = semaphore.take(Wait::Try)?;
    // Its holder may have let go in between.
    if semaphore.release(1)? > 0 && !was_free {
        semaphore.take(Wait::Try)?;
    }
    Ok(!was_free)
}

/// Frees it if it is proven that its holder is dead: false if nobody has it. While it is there, somebody has it open,
/// and the system does not tell who: nothing is proven.
pub(crate) fn break_if_dead(name: &str) -> Result<bool> {
    match KernelSemaphore::look(name)? {
        None => return Ok(false),
        Some((free, _)) if free > 0 => return Ok(false),
        Some(_) => {}
    }
    Err(Error::new(ErrorKind::LockError, "it cannot be proven that its holder is dead")
        .with_hint("end the programs that use it: with the last of them it goes, and the next one is free"))
}

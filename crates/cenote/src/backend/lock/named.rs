//! A POSIX named semaphore as a lock: 1 is free. A holder that dies never lets go: only a timeout helps its waiters.

use std::time::Duration;

use super::{Abandoned, LockState, Locked, Locker, NamedSemaphore};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Backoff, Wait};

/// What helps those who wait for a dead holder.
pub(crate) const STUCK_HINT: &str =
    "if its holder has died, it stays locked: `cenote lock --break` names who may have it, and frees it";

pub(super) struct Named(pub(super) NamedSemaphore);

impl Locker for Named {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        Ok(self.0.acquire(wait)?.then(|| Locked::new(Abandoned::Unknown)))
    }

    fn unlock(&self, _locked: Locked) -> Result<()> {
        self.0.release()
    }

    fn timeout_hint(&self) -> Option<&'static str> {
        Some(STUCK_HINT)
    }
}

/// Whether the semaphore that has the name is taken, without making anything.
pub(crate) fn state(name: &str) -> LockState {
    match NamedSemaphore::open(name).and_then(|semaphore| semaphore.value()) {
        Ok(0) => LockState::Held(None),
        Ok(_) => LockState::Free,
        Err(error) if error.kind() == ErrorKind::NotFound => LockState::None,
        Err(_) => LockState::Unknown,
    }
}

/// Frees it, whoever has it: true if somebody had.
pub(crate) fn break_semaphore(name: &str) -> Result<bool> {
    NamedSemaphore::open(name)?.free()
}

/// Frees it if it is proven that its holder is dead: true if somebody had it.
pub(crate) fn break_dead_semaphore(name: &str) -> Result<bool> {
    // Others who try the same have it open for a moment, each in the other's way.
    const PATIENCE: Duration = Duration::from_millis(500);
    let (wait, mut backoff) = (Wait::up_to(Some(PATIENCE)), Backoff::new());
    loop {
        let semaphore = NamedSemaphore::open(name)?;
        if semaphore.value()? > 0 {
            return Ok(false);
        }
        if let Some(freed) = semaphore.free_unused()? {
            return Ok(freed);
        }
        drop(semaphore);
        if !backoff.pause(wait) {
            return Err(Error::new(ErrorKind::LockError, "it cannot be proven that its holder is dead")
                .with_hint("`cenote lock --break` names who may have it, as far as this user may see them"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Kind;
    use crate::sys;

    #[test]
    fn breaking_frees_what_is_taken_once_and_nothing_else() {
        let name = testkit::names::ShmName::unique("break");
        if let Some(none_here) = sys::lacks(Kind::Posix) {
            assert_eq!(break_semaphore(name.name()).unwrap_err().kind(), none_here.kind());
            return;
        }
        assert_eq!(state(name.name()), LockState::None);
        assert_eq!(break_semaphore(name.name()).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(NamedSemaphore::make(name.name(), 1).unwrap());
        assert!(!NamedSemaphore::make(name.name(), 1).unwrap());
        assert!(!break_semaphore(name.name()).unwrap());
        let named = Named(NamedSemaphore::open(name.name()).unwrap());
        let locked = named.lock(Wait::Try).unwrap().expect("it is free");
        assert_eq!(state(name.name()), LockState::Held(None));
        let freed: usize = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| break_semaphore(name.name()).unwrap())).collect();
            all.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
        });
        assert_eq!(freed, 1, "of those who break it at once, one does");
        assert_eq!(named.0.value().unwrap(), 1);
        drop(locked);
    }
}

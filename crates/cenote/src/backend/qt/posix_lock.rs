//! Qt's lock on POSIX: a named semaphore, 1 = free. The kernel does not give back what a dead holder has taken.
//!
//! Qt takes the semaphore's name away while others use it: its creator does so when it leaves, and a `create()` that
//! fails. Newcomers then make another, and Qt's old and new users exclude each other no more. So whoever locks here
//! takes every semaphore that it has seen under the name, oldest first, and the one that has the name now. All do so
//! in the order in which the semaphores got the name, so that none waits for another in a circle.
//!
//! One that has lost its name may have a dead holder, and then it blocks for ever: nobody can tell. Whoever attaches
//! anew does not know it.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::backend::lock::{Abandoned, Locked, Locker, NamedSemaphore, named};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Mapped, Wait};

/// More than these would not fit into the word that says which were taken.
const MOST: usize = 64;

/// What helps where a semaphore that has lost its name stays taken.
const NAMELESS_HINT: &str =
    "a semaphore is held that has lost its name since this was attached: detach, and attach again";

/// The semaphores of one name.
pub(crate) struct PosixLock {
    name: String,
    /// The segment that it is the lock of: its file, and which one that was.
    segment: Option<(PathBuf, Mapped)>,
    seen: OnceLock<Box<Seen>>,
}

/// A semaphore that had the name when it was looked for, and the next one that had.
struct Seen {
    semaphore: NamedSemaphore,
    next: OnceLock<Box<Self>>,
}

impl PosixLock {
    /// The lock of a segment, which is open from now on if there is one.
    pub(super) fn of_segment(name: String, path: PathBuf, segment: Mapped) -> Self {
        let this = Self { name, segment: Some((path, segment)), seen: OnceLock::new() };
        // Errors are for whoever locks.
        if let Ok(semaphore) = NamedSemaphore::open(&this.name) {
            this.remember(semaphore);
        }
        this
    }

    /// A semaphore that locks whatever its users like.
    pub(super) fn alone(name: String) -> Self {
        Self { name, segment: None, seen: OnceLock::new() }
    }

    fn all(&self) -> impl Iterator<Item = &Seen> {
        std::iter::successors(self.seen.get(), |seen| seen.next.get()).map(|seen| &**seen)
    }

    fn has_seen(&self, identity: Mapped) -> bool {
        self.all().any(|seen| seen.semaphore.identity() == identity)
    }

    /// Puts a semaphore at the end, unless another thread has done so: taken twice it would wait for itself.
    fn remember(&self, semaphore: NamedSemaphore) {
        let new = Box::new(Seen { semaphore, next: OnceLock::new() });
        // One thread at a time; and a forked child could never go on after one that was cut off within.
        let left = sys::without_forks(|| {
            if self.has_seen(new.semaphore.identity()) {
                return Err(new);
            }
            self.all().last().map_or(&self.seen, |seen| &seen.next).set(new)
        });
        // Closed outside, which takes that turn as well.
        drop(left);
    }

    /// Looks for the semaphore that has the name, and makes one if there is none: true if it was not seen before.
    fn look(&self) -> Result<bool> {
        for _ in 0..1000 {
            let named = NamedSemaphore::named(&self.name)?;
            match named {
                Some(identity) if self.has_seen(identity) => return Ok(false),
                Some(_) => match NamedSemaphore::open(&self.name) {
                    Ok(semaphore) => {
                        self.remember(semaphore);
                        return Ok(true);
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                },
                // Nobody can come to a segment that is gone, and nothing must be left behind for it.
                None if self.seen.get().is_some() && self.is_removed() => return Ok(false),
                None => {
                    NamedSemaphore::make(&self.name, 1)?;
                }
            }
        }
        Err(Error::new(ErrorKind::LockError, "its semaphore is removed and made anew all the time"))
    }

    fn is_removed(&self) -> bool {
        let is_there = |(path, segment): &(PathBuf, Mapped)| {
            sys::stat_path(path, false).is_ok_and(|facts| facts.mapped() == *segment)
        };
        self.segment.as_ref().is_some_and(|segment| !is_there(segment))
    }

    /// Gives back those of the word, the last taken first.
    fn give_back(&self, taken: u64) -> Result<()> {
        let mut semaphores: Vec<_> =
            self.all().enumerate().filter(|(at, _)| taken & 1 << at != 0).map(|(_, seen)| seen).collect();
        semaphores.reverse();
        // Every one, whatever fails.
        semaphores.iter().map(|seen| self.give_back_one(&seen.semaphore)).fold(Ok(()), Result::and)
    }

    fn give_back_one(&self, semaphore: &NamedSemaphore) -> Result<()> {
        // What locks whatever its users like may let in several.
        if self.segment.is_none() {
            return semaphore.release();
        }
        // A lock that was broken while it was held must not let in two from now on.
        if semaphore.free()? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LockError, "another process freed the lock while it was held"))
    }

    /// Whether newcomers may have made another lock since these were taken.
    fn has_lost_its_name(&self, taken: u64) -> bool {
        let newest = self.all().enumerate().filter(|(at, _)| taken & 1 << at != 0).last();
        let is_named = |seen: &Seen| match NamedSemaphore::named(&self.name) {
            Ok(named) => named == Some(seen.semaphore.identity()),
            Err(_) => true,
        };
        self.segment.is_some() && newest.is_some_and(|(_, seen)| !is_named(seen)) && !self.is_removed()
    }

    fn take_all(&self, wait: Wait, taken: &mut u64) -> Result<bool> {
        let mut at = 0;
        loop {
            let Some(seen) = self.all().nth(at) else {
                if !self.look()? {
                    return Ok(true);
                }
                continue;
            };
            if at == MOST {
                let what = "its semaphore was removed and made anew too often";
                return Err(Error::new(ErrorKind::LockError, what).with_hint("detach, and attach again"));
            }
            if !seen.semaphore.acquire(wait)? {
                return Ok(false);
            }
            *taken |= 1 << at;
            at += 1;
        }
    }
}

impl Locker for PosixLock {
    fn lock(&self, wait: Wait) -> Result<Option<Locked>> {
        let mut taken = 0;
        match self.take_all(wait, &mut taken) {
            // Nothing tells how the last holder ended; one that died stays the holder.
            Ok(true) => Ok(Some(Locked::from_semaphores(taken, Abandoned::Unknown))),
            Ok(false) => self.give_back(taken).map(|()| None),
            Err(error) => {
                let _ = self.give_back(taken);
                Err(error)
            }
        }
    }

    fn unlock(&self, locked: Locked) -> Result<()> {
        let is_lost = self.has_lost_its_name(locked.semaphores());
        self.give_back(locked.semaphores())?;
        if is_lost {
            let what = "another process removed the semaphore while it was held";
            return Err(Error::new(ErrorKind::LockError, what));
        }
        Ok(())
    }

    fn timeout_hint(&self) -> Option<&'static str> {
        let named = NamedSemaphore::named(&self.name).ok().flatten();
        let nameless = |seen: &Seen| Some(seen.semaphore.identity()) != named;
        let is_held = |seen: &Seen| matches!(seen.semaphore.value(), Ok(0));
        let blocked = self.all().any(|seen| nameless(seen) && is_held(seen));
        Some(if blocked { NAMELESS_HINT } else { named::STUCK_HINT })
    }
}

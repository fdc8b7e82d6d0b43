//! A semaphore whose permits come back when those who have them die.

use std::time::Duration;

use super::Named;
use super::share::Share;
use crate::error::Result;
use crate::sys::Wait;

/// A semaphore in a native segment, by [`Segment::semaphore`](crate::Segment::semaphore): so many can have a permit at
/// once.
///
/// A permit belongs to who has taken it. A process that dies gives its permits back, which those who wait learn within
/// some ten milliseconds. For telling others of something, rather than keeping them out, there is
/// [`Event`](super::Event).
///
/// ```
/// # let name = format!("cenote-doc-semaphore-{}", std::process::id());
/// let segment = cenote::Segment::create(name.as_str(), 4096)?;
/// let cards = segment.semaphore("graphics cards", 2)?;
/// let (one, _other) = (cards.acquire()?, cards.acquire()?);
/// assert!(cards.try_acquire()?.is_none());
/// drop(one);
/// assert_eq!(cards.available()?, 1);
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Semaphore<'a> {
    named: Named<'a>,
    permits: u32,
}

impl<'a> Semaphore<'a> {
    pub(super) fn new(named: Named<'a>, permits: u32) -> Self {
        Self { named, permits }
    }

    /// How many permits there are in all.
    #[must_use]
    pub fn permits(&self) -> u32 {
        self.permits
    }

    /// How many are to be had now.
    ///
    /// # Errors
    /// `LockError` (in a forked child that has not attached itself).
    pub fn available(&self) -> Result<u32> {
        let taken = self.named.during("look at", self.named.native.permits_taken(self.named.place))?;
        Ok(self.permits.saturating_sub(taken))
    }

    /// Waits until there is a permit, and takes it.
    ///
    /// # Errors
    /// `LockError` (in a forked child that has not attached itself), `OutOfResources` (this attachment has 255 permits),
    /// `Corrupt`.
    pub fn acquire(&self) -> Result<Permit<'a>> {
        self.acquire_until(Wait::Forever)?.ok_or_else(|| self.named.timed_out("acquire", NONE))
    }

    /// Takes a permit if there is one: `None` otherwise.
    ///
    /// # Errors
    /// Those of [`acquire`](Self::acquire).
    pub fn try_acquire(&self) -> Result<Option<Permit<'a>>> {
        self.acquire_until(Wait::Try)
    }

    /// Waits for a permit, but not longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and those of [`acquire`](Self::acquire).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'a>> {
        self.acquire_until(Wait::up_to(Some(timeout)))?.ok_or_else(|| self.named.timed_out("acquire", NONE))
    }

    fn acquire_until(&self, wait: Wait) -> Result<Option<Permit<'a>>> {
        let Self { named, permits } = *self;
        let locked = named.during("acquire", named.native.acquire(named.place, permits, wait))?;
        Ok(locked.map(|locked| Permit(Share::new(named, locked))))
    }
}

const NONE: &str = "others had all permits all the time";

/// A permit of a [`Semaphore`], given back when this is dropped, or when the process dies.
///
/// It stays in its thread. In a forked child it is none: it is the parent's.
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct Permit<'a>(Share<'a>);

impl Permit<'_> {
    /// Gives it back, and reports errors: that another process has changed what was taken.
    ///
    /// # Errors
    /// `LockError`, `Corrupt`.
    pub fn release(mut self) -> Result<()> {
        self.0.give_back()
    }
}

//! The public semaphore: Qt's `QSystemSemaphore`, for legacy keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::backend::{QtSemaphore, semaphore_path};
use crate::error::{Error, ErrorKind, Result};
use crate::qt;
use crate::sys::{self, SemSet, Wait};

/// A counting semaphore that processes share by a key: `QSystemSemaphore(key)` of a Qt program is the same one.
///
/// What a process has taken is given back by the kernel when it dies or ends, and what it has added is taken away
/// again (`SEM_UNDO`), as in Qt. Whoever made the semaphore removes it when dropped, if it is not in use.
///
/// ```
/// use cenote::SystemSemaphore;
/// # let key = format!("cenote-doc-{}", std::process::id());
/// # let key = key.as_str();
/// let semaphore = SystemSemaphore::open(key, 1)?;
/// semaphore.acquire()?;
/// assert!(!semaphore.try_acquire()?);
/// semaphore.release(1)?;
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Debug)]
pub struct SystemSemaphore {
    key: String,
    inner: QtSemaphore,
    tally: Tally,
    /// The process that opened it, told apart from its forked children.
    generation: u32,
}

impl SystemSemaphore {
    /// Opens the semaphore, or makes it with the value `initial` (at most 32767). Qt's mode `Open`.
    ///
    /// # Errors
    /// `KeyError` (the key is empty, or its key file cannot be used), `PermissionDenied` (it is another user's),
    /// `OutOfResources`, `InvalidSize` (`initial` is too large).
    pub fn open(key: &str, initial: u16) -> Result<Self> {
        let this = Self::new(key, initial)?;
        this.inner.open().map_err(|error| this.during("open", error))?;
        Ok(this)
    }

    /// Takes the semaphore over and sets its value to `initial`, **even if others use it**. Qt's mode `Create`,
    /// made for cleaning up after crashes, which `SEM_UNDO` makes unnecessary as a rule.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn create(key: &str, initial: u16) -> Result<Self> {
        let this = Self::open(key, initial)?;
        this.inner.reset().map_err(|error| this.during("create", error))?;
        Ok(this)
    }

    fn new(key: &str, initial: u16) -> Result<Self> {
        if key.is_empty() {
            return Err(Error::new(ErrorKind::KeyError, "the key is empty")
                .with_hint("Qt allows every key but that one"));
        }
        let Ok(value) = i16::try_from(initial) else {
            return Err(Error::new(
                ErrorKind::InvalidSize,
                format!("{initial} is more than a semaphore can hold (32767)"),
            ));
        };
        let inner = QtSemaphore::new(semaphore_path(&qt::legacy_semaphore_name(key)), value);
        Ok(Self { key: key.to_owned(), inner, tally: Tally::default(), generation: sys::generation() })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Takes one, waiting until there is one. If the semaphore is removed meanwhile, it is made anew.
    ///
    /// # Errors
    /// What the system says.
    pub fn acquire(&self) -> Result<()> {
        self.acquire_until(Wait::Forever).map(|_| ())
    }

    /// Takes one if there is one: false otherwise.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_acquire(&self) -> Result<bool> {
        self.acquire_until(Wait::Try)
    }

    /// Takes one, waiting no longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and what the system says.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<()> {
        if self.acquire_until(Wait::up_to(Some(timeout)))? {
            return Ok(());
        }
        Err(self.during("acquire", Error::new(ErrorKind::Timeout, "there was none in the time allowed")))
    }

    /// Adds `count`, which may be more than was taken. 0 does nothing.
    ///
    /// # Errors
    /// `LockError` if the value would exceed 32767; what the system says.
    pub fn release(&self, count: u16) -> Result<()> {
        if i16::try_from(count).is_err() {
            let error = Error::new(ErrorKind::LockError, "a semaphore cannot hold more than 32767");
            return Err(self.during("release", error));
        }
        let taken = self.tally.give_back(count);
        self.inner.release(count, taken).map_err(|error| self.during("release", error))
    }

    fn acquire_until(&self, wait: Wait) -> Result<bool> {
        let from = self.inner.take(wait).map_err(|error| self.during("acquire", error))?;
        if let Some(set) = from {
            self.tally.take(set);
        }
        Ok(from.is_some())
    }

    fn during(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation, &format_args!("the semaphore {:?}", self.key))
    }
}

impl Drop for SystemSemaphore {
    fn drop(&mut self) {
        // A forked child does not own what its parent made.
        if self.generation == sys::generation() && self.inner.is_owner() {
            // Nobody could hear of errors here.
            let _ = self.inner.remove_if_unused();
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

//! The public semaphore: Qt's `QSystemSemaphore`.

use std::time::Duration;

use crate::backend::{self, Semaphore, SemaphoreKey};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Wait};

/// A counting semaphore that processes share by a key: `QSystemSemaphore(key)` of a Qt program is the same one.
///
/// A text is a legacy key, which means System V on Linux; a [`NativeKey`](crate::qt::NativeKey) says its mechanism.
///
/// **System V**: what a process has taken is given back by the kernel when it dies or ends, and what it has added is
/// taken away again (`SEM_UNDO`), as in Qt. The kernel remembers up to 32767 for each process, so that one that only
/// adds, or only takes, gets a `LockError` in the end. Whoever made the semaphore removes it when dropped, if it is
/// not in use.
///
/// **POSIX**: nothing is given back when a process dies, so that its peers may wait for ever: use
/// [`acquire_timeout`](Self::acquire_timeout). It stays until [`remove`](Self::remove) takes it away.
///
/// **Windows**: nothing is given back when a process dies either. It goes with the last handle, and nobody can remove
/// it before.
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
#[doc(alias = "QSystemSemaphore")]
#[derive(Debug)]
pub struct SystemSemaphore {
    key: SemaphoreKey,
    inner: Box<dyn Semaphore>,
    /// The process that opened it, told apart from its forked children.
    generation: u32,
}

impl SystemSemaphore {
    /// Opens the semaphore, or makes it with the value `initial` (on System V at most 32767). Qt's mode `Open`.
    ///
    /// # Errors
    /// `KeyError` (the key is empty, or cannot be used), `PermissionDenied` (it is another user's),
    /// `OutOfResources`, `InvalidSize` (`initial` is too large), `Unsupported` (a key of another system's).
    pub fn open(key: impl Into<SemaphoreKey>, initial: u16) -> Result<Self> {
        let this = Self::new(key.into(), initial)?;
        this.inner.open().map_err(|error| this.during("open", error))?;
        Ok(this)
    }

    /// Takes the semaphore over and sets its value to `initial`, **even if others use it**. Qt's mode `Create`,
    /// made for cleaning up after crashes, which `SEM_UNDO` makes unnecessary as a rule.
    ///
    /// On POSIX, as in Qt, a new semaphore takes the name; whoever has the old one open goes on with that. On Windows, as
    /// in Qt, one that is there keeps its value.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn create(key: impl Into<SemaphoreKey>, initial: u16) -> Result<Self> {
        let this = Self::new(key.into(), initial)?;
        this.inner.reset().map_err(|error| this.during("create", error))?;
        Ok(this)
    }

    /// Takes a semaphore away, **even if others use it**. On POSIX they go on with what they have open; on System V
    /// they make a new one.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `KeyError`, `Unsupported` (on Windows).
    pub fn remove(key: impl Into<SemaphoreKey>) -> Result<()> {
        let key = key.into();
        backend::remove_semaphore(&key).map_err(|error| during("remove", &key, error))
    }

    fn new(key: SemaphoreKey, initial: u16) -> Result<Self> {
        let inner = backend::semaphore(&key, initial).map_err(|error| during("open", &key, error))?;
        Ok(Self { key, inner, generation: sys::generation() })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &SemaphoreKey {
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
    /// `LockError` if the value would exceed what the system allows (32767 on System V); what the system says.
    pub fn release(&self, count: u16) -> Result<()> {
        self.inner.release(count).map_err(|error| self.during("release", error))
    }

    fn acquire_until(&self, wait: Wait) -> Result<bool> {
        self.inner.acquire(wait).map_err(|error| self.during("acquire", error))
    }

    fn during(&self, operation: &'static str, error: Error) -> Error {
        during(operation, &self.key, error)
    }
}

fn during(operation: &'static str, key: &SemaphoreKey, error: Error) -> Error {
    error.during(operation, &format_args!("the semaphore {:?}", key.to_string()))
}

impl Drop for SystemSemaphore {
    fn drop(&mut self) {
        // A forked child does not own what its parent made.
        if self.generation == sys::generation() {
            self.inner.leave();
        }
    }
}

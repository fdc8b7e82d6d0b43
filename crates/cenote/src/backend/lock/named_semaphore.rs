//! POSIX named semaphores, as the GNU C library has them: `sem_open("/name")` is the file `/dev/shm/sem.name`.
//!
//! A holder that dies never lets go of one. See sem_overview(7), and `sync::semaphore` for what lies in the file.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::address::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::semaphore::{self, Door};
use crate::sys::{self, Handle, Mapped, Mapping, NewFile, Part, SHM_DIRECTORY, Wait};

/// `sizeof(sem_t)`.
const SIZE: usize = 32;

/// The mark after the word by which the C library knows that processes share it: FUTEX_PRIVATE_FLAG.
const SHARED: u32 = 128;

/// An open named semaphore.
pub(crate) struct NamedSemaphore {
    mapping: Mapping,
    file: Handle,
    identity: Mapped,
}

impl NamedSemaphore {
    /// Opens the one called `name`, with its leading slash.
    pub(crate) fn open(name: &str) -> Result<Self> {
        supported()?;
        let opened = sys::open_file(&file_of(name), true, false);
        let (file, facts) = opened.map_err(|error| error.because("the semaphore cannot be opened"))?;
        if facts.size < SIZE as u64 {
            return Err(shrunk());
        }
        let mapping = Mapping::of_file(&file, Part::first(SIZE), true)?;
        Ok(Self { mapping, file, identity: facts.mapped() })
    }

    /// Makes the one called `name`, for this user alone: false if there is one.
    pub(crate) fn make(name: &str, value: u32) -> Result<bool> {
        supported()?;
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&u64::from(value).to_ne_bytes());
        bytes[8..12].copy_from_slice(&SHARED.to_ne_bytes());
        let new = NewFile { size: SIZE as u64, mode: 0o600, sparse: false };
        match sys::create_file_with(&file_of(name), new, &bytes) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.because("the semaphore cannot be made")),
        }
    }

    /// Takes the name of a semaphore away. Whoever has it open goes on with it.
    pub(crate) fn remove(name: &str) -> Result<()> {
        sys::remove_file(&file_of(name), true)
    }

    /// Which semaphore has the name now, whether or not it may be used: `None` if there is none.
    pub(crate) fn named(name: &str) -> Result<Option<Mapped>> {
        match sys::stat_path(&file_of(name), false) {
            Ok(facts) => Ok(Some(facts.mapped())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the kernel calls it.
    pub(crate) fn identity(&self) -> Mapped {
        self.identity
    }

    /// How many there are to take.
    pub(crate) fn value(&self) -> Result<u32> {
        let value = semaphore::value(self.word()?);
        self.intact().map(|()| value)
    }

    /// Takes one: false if `wait` ended first.
    #[inline]
    pub(crate) fn acquire(&self, wait: Wait) -> Result<bool> {
        let taken = semaphore::acquire(self.word()?, self, wait)?;
        self.intact().map(|()| taken)
    }

    /// Gives one back.
    #[inline]
    pub(crate) fn release(&self) -> Result<()> {
        let released = semaphore::release(self.word()?, self);
        self.intact()?;
        if released {
            return Ok(());
        }
        let what = format!("a semaphore cannot hold more than {}", semaphore::MOST);
        Err(Error::new(ErrorKind::LockError, what))
    }

    /// Gives back what one at a time can have: false if it is there already.
    #[inline]
    pub(crate) fn free(&self) -> Result<bool> {
        let freed = semaphore::free(self.word()?, self);
        self.intact().map(|()| freed)
    }

    /// [Frees](Self::free) it if it is proven that nobody else has it open, and so nobody can have it: `None` if that
    /// is not proven. Nobody comes in between.
    pub(crate) fn free_unused(&self) -> Result<Option<bool>> {
        sys::while_open_nowhere_else(&self.file, || self.free()).transpose()
    }

    #[inline]
    fn word(&self) -> Result<&AtomicU64> {
        self.mapping.word(0)
    }

    /// `LockError` once somebody has shrunk the file.
    #[inline]
    fn intact(&self) -> Result<()> {
        self.mapping.intact().map_err(|_| shrunk())
    }
}

impl Door<AtomicU64> for NamedSemaphore {
    type Error = Error;

    fn sleep(&self, word: &AtomicU64, wait: Wait) -> Result<()> {
        if let Some(time) = wait.left(Duration::MAX) {
            sys::sleep_on_low_half(word, 0, time);
        }
        // A file that was shrunk wakes nobody, and is seen when its memory is touched.
        let _ = semaphore::value(word);
        self.intact()
    }

    fn wake_one(&self, word: &AtomicU64) {
        sys::wake_low_half(word);
    }
}

/// Where the C library keeps it.
fn file_of(name: &str) -> PathBuf {
    Path::new(SHM_DIRECTORY).join(format!("sem.{}", name.trim_start_matches('/')))
}

#[cold]
fn shrunk() -> Error {
    Error::new(
        ErrorKind::LockError,
        "its file is too short: it is no semaphore, or another process shrank it",
    )
    .with_hint("remove the semaphore, and make it anew")
}

/// Other systems have none, and where words have 32 bits, the C library has another form of it.
fn supported() -> Result<()> {
    if let Some(none_here) = sys::lacks(Kind::Posix) {
        return Err(none_here);
    }
    if cfg!(target_pointer_width = "64") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "POSIX semaphores are known on 64-bit systems only")
        .with_hint("lock with a file: --lock-with file:/path"))
}

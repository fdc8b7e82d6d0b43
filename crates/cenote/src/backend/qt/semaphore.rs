//! `QSystemSemaphore`: a counting semaphore by legacy or native key, whatever the mechanism.

use std::fmt;

use super::key_file::KeyFile;
use super::posix::bare_name;
use super::posix_semaphore::PosixSemaphore;
use super::supported;
use super::tally::Tallied;
use super::windows_semaphore::{self, WindowsSemaphore};
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{self, KeyType, NativeKey, PROJECT};
use crate::sys::Wait;

/// What can be done with one. Every handle opens it when it is first needed.
pub(crate) trait Semaphore: Send + Sync + fmt::Debug {
    /// Makes sure that there is one.
    fn open(&self) -> Result<()>;

    /// Qt's mode Create: takes it over with its initial value, whoever uses it.
    fn reset(&self) -> Result<()>;

    /// Takes one: false if `wait` ended first.
    fn acquire(&self, wait: Wait) -> Result<bool>;

    /// Adds `count`.
    fn release(&self, count: u16) -> Result<()>;

    /// What its maker does when it leaves. Nobody can hear of errors.
    fn leave(&self);
}

/// Which semaphore: by a legacy key, as Qt's `QString` constructors take it, or by a [`NativeKey`](crate::qt::NativeKey).
///
/// ```
/// use cenote::SemaphoreKey;
/// use cenote::qt::NativeKey;
///
/// let legacy = SemaphoreKey::from("printer");
/// let native = SemaphoreKey::from("posix:/printer".parse::<NativeKey>()?);
/// assert_eq!(legacy.to_string(), "printer");
/// assert_eq!(native.to_string(), "posix:/printer");
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SemaphoreKey {
    /// What Qt's `QString` constructor takes. It has no special characters: `posix:/x` is a legacy key, too.
    Legacy(String),
    /// `QNativeIpcKey`.
    Native(NativeKey),
}

impl From<&str> for SemaphoreKey {
    fn from(key: &str) -> Self {
        Self::Legacy(key.to_owned())
    }
}

impl From<&String> for SemaphoreKey {
    fn from(key: &String) -> Self {
        Self::Legacy(key.clone())
    }
}

impl From<String> for SemaphoreKey {
    fn from(key: String) -> Self {
        Self::Legacy(key)
    }
}

impl From<NativeKey> for SemaphoreKey {
    fn from(key: NativeKey) -> Self {
        Self::Native(key)
    }
}

impl From<&NativeKey> for SemaphoreKey {
    fn from(key: &NativeKey) -> Self {
        Self::Native(key.clone())
    }
}

impl fmt::Display for SemaphoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Legacy(key) => f.write_str(key),
            Self::Native(key) => write!(f, "{key}"),
        }
    }
}

/// Where a semaphore is.
pub(crate) enum Place {
    SystemV(KeyFile),
    /// A name with its slash.
    Posix(String),
    Windows(String),
}

impl SemaphoreKey {
    pub(crate) fn place(&self) -> Result<Place> {
        let key = match self {
            Self::Legacy(key) if key.is_empty() => {
                return Err(Error::new(ErrorKind::KeyError, "the key is empty")
                    .with_hint("Qt allows every key but that one"));
            }
            Self::Legacy(key) => {
                let name = qt::legacy_semaphore_name(key);
                return Ok(match KeyType::LEGACY_DEFAULT {
                    KeyType::Windows => Place::Windows(name),
                    _ => Place::SystemV(KeyFile::of_legacy_name(&name, PROJECT)),
                });
            }
            Self::Native(key) => key,
        };
        supported(key.key_type())?;
        match key.key_type() {
            KeyType::SystemV(project) => {
                KeyFile::of_native_key(key.native_key(), project).map(Place::SystemV)
            }
            KeyType::Posix => Ok(Place::Posix(format!("/{}", bare_name(key.native_key())?))),
            KeyType::Windows => Ok(Place::Windows(key.native_key().to_owned())),
        }
    }
}

/// The semaphore of a key. A new one starts with `initial`.
pub(crate) fn semaphore(key: &SemaphoreKey, initial: u16) -> Result<Box<dyn Semaphore>> {
    Ok(match key.place()? {
        Place::SystemV(file) => Box::new(Tallied::new(file, initial)?),
        Place::Posix(name) => Box::new(PosixSemaphore::new(name, initial)),
        Place::Windows(name) => Box::new(WindowsSemaphore::new(name, initial)),
    })
}

/// Takes a semaphore away, whoever uses it.
pub(crate) fn remove_semaphore(key: &SemaphoreKey) -> Result<()> {
    match key.place()? {
        Place::SystemV(file) => super::system_v_semaphore::remove(&file),
        Place::Posix(name) => crate::backend::lock::NamedSemaphore::remove(&name),
        Place::Windows(_) => Err(windows_semaphore::remove()),
    }
}

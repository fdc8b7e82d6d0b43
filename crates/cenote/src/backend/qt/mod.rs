//! `qt:`: what Qt's `QSharedMemory` and `QSystemSemaphore` mean by a key, one file for each mechanism and its semaphore.

mod key_file;
mod keys;
mod posix;
mod posix_lock;
mod posix_semaphore;
mod semaphore;
mod system_v;
mod system_v_semaphore;
mod tally;
mod windows;
mod windows_lock;
mod windows_semaphore;

pub use semaphore::SemaphoreKey;
pub(crate) use semaphore::{Semaphore, remove_semaphore, semaphore};
pub(crate) use windows_lock::{break_by_force, break_if_dead};

use super::Backend;
use super::lock::{Locker, SemaphoreName};
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{KeyType, NativeKey};
use posix::Posix;
use posix_lock::PosixLock;
use system_v::SystemV;
use system_v_semaphore::SystemVSemaphore;
use windows::Windows;
use windows_lock::WindowsLock;

pub(super) fn of_key(key: &str) -> Box<dyn Backend> {
    match KeyType::LEGACY_DEFAULT {
        KeyType::Windows => Box::new(Windows::of_key(key)),
        _ => Box::new(SystemV::of_key(key)),
    }
}

pub(super) fn of_native_key(key: &NativeKey) -> Result<Box<dyn Backend>> {
    supported(key.key_type())?;
    Ok(match key.key_type() {
        KeyType::SystemV(project) => Box::new(SystemV::of_native_key(key, project)?),
        KeyType::Posix => Box::new(Posix::of_native_key(key)?),
        KeyType::Windows => Box::new(Windows::of_native_key(key)?),
    })
}

/// `QSystemSemaphore(KEY)` with the initial value 1, as the lock of something else.
pub(crate) fn lock_of(key: &SemaphoreKey) -> Result<Box<dyn Locker>> {
    Ok(match key.place()? {
        semaphore::Place::SystemV(file) => Box::new(SystemVSemaphore::new(file, 1)),
        semaphore::Place::Posix(name) => Box::new(PosixLock::alone(name)),
        semaphore::Place::Windows(name) => Box::new(WindowsLock::alone(name)),
    })
}

/// The name of the semaphore, if it stays taken when its holder dies.
pub(crate) fn semaphore_name_of(key: &SemaphoreKey) -> Result<Option<SemaphoreName>> {
    Ok(match key.place()? {
        semaphore::Place::SystemV(_) => None,
        semaphore::Place::Posix(name) => Some(SemaphoreName::Posix(name)),
        semaphore::Place::Windows(name) => Some(SemaphoreName::Windows(name)),
    })
}

/// An error for the types of keys that mean nothing here.
fn supported(key_type: KeyType) -> Result<()> {
    if key_type.is_supported() {
        return Ok(());
    }
    let (what, hint) = match key_type {
        KeyType::Windows => {
            ("Windows file mappings and semaphores", "Qt's native keys begin with posix: or systemv: here")
        }
        KeyType::Posix => ("POSIX objects", "Qt's native keys begin with windows: here"),
        KeyType::SystemV(_) => ("System V objects", "Qt's native keys begin with windows: here"),
    };
    Err(Error::new(ErrorKind::Unsupported, format!("this system has no {what}")).with_hint(hint))
}

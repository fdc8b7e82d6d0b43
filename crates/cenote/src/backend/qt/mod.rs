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

pub use semaphore::SemaphoreKey;
pub(crate) use semaphore::{Semaphore, remove_semaphore, semaphore};

use super::Backend;
use super::lock::Locker;
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{KeyType, NativeKey};
use posix::Posix;
use posix_lock::PosixLock;
use system_v::SystemV;
use system_v_semaphore::SystemVSemaphore;

pub(super) fn of_key(key: &str) -> Box<dyn Backend> {
    Box::new(SystemV::of_key(key))
}

pub(super) fn of_native_key(key: &NativeKey) -> Result<Box<dyn Backend>> {
    Ok(match key.key_type() {
        KeyType::SystemV(project) => Box::new(SystemV::of_native_key(key, project)?),
        KeyType::Posix => Box::new(Posix::of_native_key(key)?),
        KeyType::Windows => return Err(not_here()),
    })
}

/// `QSystemSemaphore(KEY)` with the initial value 1, as the lock of something else.
pub(crate) fn lock_of(key: &SemaphoreKey) -> Result<Box<dyn Locker>> {
    Ok(match key.place()? {
        semaphore::Place::SystemV(file) => Box::new(SystemVSemaphore::new(file, 1)),
        semaphore::Place::Posix(name) => Box::new(PosixLock::alone(name)),
    })
}

/// The name of the semaphore, if it is a POSIX one.
pub(crate) fn posix_name_of(key: &SemaphoreKey) -> Result<Option<String>> {
    Ok(match key.place()? {
        semaphore::Place::SystemV(_) => None,
        semaphore::Place::Posix(name) => Some(name),
    })
}

fn not_here() -> Error {
    Error::new(ErrorKind::Unsupported, "this system has no Windows file mappings and semaphores")
        .with_hint("Qt's native keys begin with posix: or systemv: here")
}

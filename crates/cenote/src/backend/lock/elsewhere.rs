//! A lock by its address, to be used instead of a segment's own.

use super::counting_set::CountingSet;
use super::named::Named;
use super::{Locker, NamedMutex, NamedSemaphore, OwnSet, RangeLock, SemaphoreName};
use crate::address::{Address, Kind, Target};
use crate::backend::{SemaphoreKey, later, qt};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, SemSet};

/// What an address means as a lock: a lock file, a POSIX named semaphore, a System V set, Qt's semaphore.
pub(crate) fn from_elsewhere(address: &Address) -> Result<Box<dyn Locker>> {
    let set = |key| -> Result<Box<dyn Locker>> {
        match SemSet::find(key, 0)? {
            // One of ours follows our rules, another the common ones.
            Some(set) if OwnSet::is_ours(set)? => Ok(Box::new(OwnSet::new(key, None))),
            Some(set) => Ok(Box::new(CountingSet(set))),
            None => Err(Error::new(ErrorKind::NotFound, "there is no semaphore set under that key")),
        }
    };
    match address.target() {
        Target::File(path) => {
            sys::make_key_file(path, 0o600)?;
            let (file, _) = sys::open_file(path, true, true)?;
            Ok(Box::new(RangeLock::new(file, false)))
        }
        Target::Posix(name) => Ok(Box::new(Named(NamedSemaphore::open(name)?))),
        Target::SysvKey(key) => set(*key),
        Target::SysvFtok { path, project } => set(sys::ftok(path, *project)?),
        Target::SysvId(id) => {
            let key = SemSet(*id).stat()?.key;
            if OwnSet::is_ours(SemSet(*id))? {
                return set(key);
            }
            Ok(Box::new(CountingSet(SemSet(*id))))
        }
        Target::Qt(key) => qt::lock_of(&SemaphoreKey::from(key)),
        Target::QtNative(key) => qt::lock_of(&SemaphoreKey::from(key)),
        Target::Windows(_) if sys::lacks(Kind::Windows).is_some() => {
            Err(Error::new(ErrorKind::Unsupported, "this system has no Windows mutexes"))
        }
        Target::Windows(name) => Ok(Box::new(NamedMutex::new(name.clone(), 0o600))),
        Target::Native { .. } | Target::Memfd(_) | Target::MemfdOf { .. } => Err(later("locks of that kind")),
    }
}

/// The semaphore that an address means as a lock, if it means one that stays taken when its holder dies.
pub(crate) fn semaphore_name(address: &Address) -> Result<Option<SemaphoreName>> {
    match address.target() {
        Target::Posix(name) => Ok(Some(SemaphoreName::Posix(name.clone()))),
        Target::Qt(key) => qt::semaphore_name_of(&SemaphoreKey::from(key)),
        Target::QtNative(key) => qt::semaphore_name_of(&SemaphoreKey::from(key)),
        _ => Ok(None),
    }
}

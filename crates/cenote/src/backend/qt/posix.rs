//! Qt's segments on POSIX, `qt:posix:/name`: an object of `shm_open`, and beside it a named semaphore as the lock.
//!
//! Qt makes the object under the lock and gives it its size later; ours has its size from the beginning. So nothing
//! here has to wait for the lock but attaching to an object without a size: a lock that a dead holder has left stuck
//! keeps nobody from the memory. As in Qt, no detach removes anything.

use std::path::{Path, PathBuf};

use super::posix_lock::PosixLock;
use crate::backend::lock::{LockState, Locker, NamedSemaphore, SemaphoreName, named};
use crate::backend::mapped_file::{self, FileBackend, Links};
use crate::backend::{Attached, Backend, Examined, How, Open, Order, Reaping, Stat, mappable, timed_out};
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{self, NativeKey};
use crate::sys::{self, Handle, Mapped, Mapping, Part, SHM_DIRECTORY, Wait};

/// The longest name of a file, and of the semaphore's when `sem.` is put before it.
const LONGEST: usize = 255 - "sem.".len();

/// A key's segment and semaphore.
pub(super) struct Posix {
    /// The object's file.
    path: PathBuf,
    /// The semaphore's name, with its slash.
    semaphore: String,
}

struct AttachedPosix {
    mapping: Mapping,
    file: Handle,
    lock: PosixLock,
}

impl Posix {
    /// As Qt has it: the lock's key is the legacy key's if that is known, else the segment's own.
    pub(super) fn of_native_key(key: &NativeKey) -> Result<Self> {
        let name = bare_name(key.native_key())?;
        let semaphore = match key.legacy_key() {
            Some(legacy) => qt::legacy_semaphore_name(legacy),
            None => qt::semaphore_name_beside(name).unwrap_or_else(|| name.to_owned()),
        };
        Ok(Self { path: Path::new(SHM_DIRECTORY).join(name), semaphore: format!("/{semaphore}") })
    }

    fn files(&self) -> FileBackend {
        // As shm_open does, no symbolic link is followed.
        FileBackend { path: self.path.clone(), links: Links::Refused }
    }

    fn attached(&self, file: Handle, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        let mapping = Mapping::of_file(&file, Part::first(mappable(size)?), how.writable)?;
        let identity = sys::stat_file(&file)?.mapped();
        let lock = PosixLock::of_segment(self.semaphore.clone(), self.path.clone(), identity);
        Ok(Box::new(AttachedPosix { mapping, file, lock }))
    }

    /// Frees a semaphore that a dead holder has left stuck, if nobody could be using it: Qt's create() makes a new one
    /// in any case. It is not taken away: it could be another's new one by then.
    fn free_leftover(&self) -> Result<()> {
        match NamedSemaphore::open(&self.semaphore).and_then(|semaphore| semaphore.free_unused()) {
            // It is no semaphore.
            Err(error) if error.kind() == ErrorKind::LockError => Err(error),
            // Other errors are for whoever locks.
            _ => Ok(()),
        }
    }
}

/// The name without its slash, which `shm_open` and `sem_open` do not need.
pub(super) fn bare_name(name: &str) -> Result<&str> {
    let bare = name.trim_start_matches('/');
    let wrong = |what: &str| Err(Error::new(ErrorKind::KeyError, what));
    match bare {
        "" => wrong("the POSIX name is empty"),
        "." | ".." => wrong("a POSIX name cannot be `.` or `..`"),
        _ if bare.contains('/') => wrong("a POSIX name has no slash but the first"),
        _ if bare.len() > LONGEST => {
            wrong("the POSIX name is too long: 251 bytes are the most for Qt's lock")
        }
        _ => Ok(bare),
    }
    .map_err(|error| error.with_hint("write it as qt:posix:/name"))
}

impl Backend for Posix {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        // Before the semaphore is touched: Qt itself would take away one that is held.
        if sys::stat_path(&self.path, false).is_ok() {
            return Err(Error::new(ErrorKind::AlreadyExists, "a program has a segment under this key"));
        }
        self.free_leftover()?;
        let new = sys::NewFile { size, mode: how.mode, sparse: how.sparse };
        let file = sys::create_file(&self.path, new)?;
        // A Qt program that had to make the semaphore would take it away when it leaves, whoever uses it.
        let lock = NamedSemaphore::make(&self.semaphore, 1);
        let new_lock = matches!(lock, Ok(true));
        lock.and_then(|_| self.attached(file, size, how)).inspect_err(|_| {
            let _ = sys::remove_file(&self.path, false);
            if new_lock {
                let _ = NamedSemaphore::remove(&self.semaphore);
            }
        })
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        let (file, mut facts) = sys::open_file(&self.path, how.writable, false)?;
        if facts.size == 0 {
            // Its maker has the lock until it has a size.
            let lock = PosixLock::of_segment(self.semaphore.clone(), self.path.clone(), facts.mapped());
            let locked = lock
                .lock(Wait::up_to(how.timeout))?
                .ok_or_else(|| timed_out().with_hint(named::STUCK_HINT))?;
            facts = sys::stat_file(&file)?;
            lock.unlock(locked)?;
        }
        if facts.size == 0 {
            return Err(mapped_file::no_size());
        }
        self.attached(file, facts.size, how)
    }

    fn remove(&self, wait: Wait) -> Result<()> {
        let removed = self.files().remove(wait);
        let missing = |error: &Error| error.kind() == ErrorKind::NotFound;
        if let Err(error) = &removed
            && !missing(error)
        {
            return removed;
        }
        // Unless somebody has made another meanwhile, whose lock it is.
        if sys::stat_path(&self.path, false).is_ok() {
            return removed;
        }
        match NamedSemaphore::remove(&self.semaphore) {
            Err(error) if missing(&error) => removed,
            // If only the semaphore was left, that is removed now.
            other => other,
        }
    }

    fn stat(&self) -> Result<Stat> {
        self.files().stat()
    }

    fn lock_state(&self) -> LockState {
        named::state(&self.semaphore)
    }

    fn mapped(&self) -> Result<Mapped> {
        self.files().mapped()
    }

    fn examine(&self) -> Result<Examined> {
        Ok(Examined { lock: self.lock_state(), ..self.files().examine()? })
    }

    fn is_open(&self) -> Open {
        self.files().is_open()
    }

    fn reap(&self, order: &Order) -> Result<Reaping> {
        self.files().reap(order)
    }

    fn lock_semaphore(&self) -> Option<SemaphoreName> {
        Some(SemaphoreName::Posix(self.semaphore.clone()))
    }
}

impl Attached for AttachedPosix {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        sys::stat_file(&self.file).map(|facts| mapped_file::stat(&facts))
    }

    fn mapped(&self) -> Result<Mapped> {
        sys::stat_file(&self.file).map(|facts| facts.mapped())
    }

    fn detach(self: Box<Self>, _wait: Wait) -> Result<()> {
        self.mapping.unmap()
    }
}

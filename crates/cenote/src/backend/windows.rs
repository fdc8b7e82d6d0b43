//! `windows:Local\Name`: named file mappings in the paging file, which live as long as somebody has them open.
//!
//! The lock is a mutex of ours beside the mapping, with `.cenote-lock` after its name.

use super::lock::{LockState, Locker, NamedMutex};
use super::{Attached, Backend, How, Stat, mappable};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Mapped, Mapping, Section, Wait};

/// A mapping, by its name.
pub(super) struct Windows(pub(super) String);

struct AttachedWindows {
    mapping: Mapping,
    /// The name goes with its last handle: a view alone would keep the memory, and nobody could join.
    _section: Section,
    lock: NamedMutex,
}

impl Windows {
    fn attached(&self, section: Section, how: &How) -> Result<Box<dyn Attached>> {
        let mapping = sys::view_of(&section, how.writable)?;
        let lock = NamedMutex::beside(&self.0, how.mode);
        lock.keep();
        Ok(Box::new(AttachedWindows { mapping, _section: section, lock }))
    }
}

impl Backend for Windows {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        self.attached(Section::create(&self.0, size, how.mode)?, how)
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        self.attached(Section::open(&self.0, how.writable)?, how)
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        no_removal(&self.0)
    }

    fn stat(&self) -> Result<Stat> {
        let section = Section::open(&self.0, false)?;
        sys::view_of(&section, false).map(|mapping| stat(&mapping))
    }

    fn lock_state(&self) -> LockState {
        LockState::Unknown
    }

    fn mapped(&self) -> Result<Mapped> {
        Section::open(&self.0, false).map(|_| Mapped::Nameless)
    }
}

impl Attached for AttachedWindows {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        Ok(stat(&self.mapping))
    }

    fn mapped(&self) -> Result<Mapped> {
        Ok(Mapped::Nameless)
    }

    fn detach(self: Box<Self>, _wait: Wait) -> Result<()> {
        self.mapping.unmap()
    }
}

/// For a name that has a mapping; what is not there is said so.
pub(super) fn no_removal(name: &str) -> Result<()> {
    Section::open(name, false)?;
    let what = "the system removes a file mapping with its last handle, and not before";
    Err(Error::new(ErrorKind::Unsupported, what).with_hint("end the processes that have it open"))
}

/// All that the system tells: a size in whole pages.
pub(super) fn stat(mapping: &Mapping) -> Stat {
    Stat {
        size: mapping.len() as u64,
        mapped: mapping.len() as u64,
        uid: 0,
        gid: 0,
        mode: 0o600,
        attached: None,
        removed: false,
        changed: None,
        last_used: None,
        last_left: None,
        id: None,
        key: None,
        creator: None,
    }
}

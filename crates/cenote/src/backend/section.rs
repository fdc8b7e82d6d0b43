//! Attached sections of Windows, and those without a name: `memfd:label` and `memfd:PID/HANDLE`.
//!
//! Where a section without a name is, for others, is a process and the handle that it has there: one that was
//! inherited or duplicated into this process is found in the same way as one that another process keeps.

use super::lock::{LockState, Locked, Locker, NamedMutex};
use super::windows::{stat, stat_of};
use super::{Attached, Backend, Extent, How, Stat, mappable};
use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Mapped, Mapping, Part, Section, Wait};

/// A new section, which nobody finds by its label.
pub(super) struct NewSection;

/// What a process has as a handle.
pub(super) struct SectionOf {
    pub(super) pid: u32,
    pub(super) handle: u32,
}

/// A section, and a view of it.
pub(super) struct AttachedSection {
    mapping: Mapping,
    /// All of it, in bytes.
    size: u64,
    /// A name goes with its last handle: a view alone would keep the memory, and nobody could join.
    section: Section,
    lock: Box<dyn Locker>,
    /// Whether others find it by this process and its handle alone.
    nameless: bool,
}

impl AttachedSection {
    /// With the mutex that is found by the name.
    pub(super) fn named(section: Section, name: &str, how: &How, is_new: bool) -> Result<Box<dyn Attached>> {
        let lock = NamedMutex::beside(name, how.mode, is_new);
        lock.keep();
        Self::attach(section, Box::new(lock), how)
    }

    /// With the mutex of its name, if it has one.
    fn by_handle(section: Section, how: &How) -> Result<Box<dyn Attached>> {
        match section.name() {
            Some(name) => Self::named(section, &name, how, false),
            None => Self::nameless(section, how),
        }
    }

    fn nameless(section: Section, how: &How) -> Result<Box<dyn Attached>> {
        let (mapping, size) = map(&section, how)?;
        Ok(Box::new(Self { mapping, size, section, lock: Box::new(NoLock), nameless: true }))
    }

    pub(super) fn attach(section: Section, lock: Box<dyn Locker>, how: &How) -> Result<Box<dyn Attached>> {
        let (mapping, size) = map(&section, how)?;
        Ok(Box::new(Self { mapping, size, section, lock, nameless: false }))
    }
}

/// What was asked for of it, and the size of all.
fn map(section: &Section, how: &How) -> Result<(Mapping, u64)> {
    if how.extent == Extent::ALL {
        let mapping = sys::view_of(section, how.writable)?;
        let size = mapping.len() as u64;
        return Ok((mapping, size));
    }
    // Only a view tells how large it is.
    let size = sys::view_of(section, false)?.len() as u64;
    let part: Part = how.extent.within(size)?;
    Ok((sys::view_of_part(section, part, how.writable)?, size))
}

impl Attached for AttachedSection {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &*self.lock
    }

    fn stat(&self) -> Result<Stat> {
        // All but this one, and this one.
        Ok(stat(self.size, self.section.other_handles().map(|others| others + 1)))
    }

    fn mapped(&self) -> Result<Mapped> {
        Ok(self.section.mapped())
    }

    fn detach(self: Box<Self>, _wait: Wait) -> Result<()> {
        self.mapping.unmap()
    }

    fn address(&self) -> Option<Address> {
        let here = || Address::memfd_of(std::process::id(), self.section.number()).ok();
        self.nameless.then(here).flatten()
    }

    fn seal_writes(&self) -> Result<()> {
        Err(sealing())
    }

    fn seal(&mut self) -> Result<sys::SealedMemory> {
        Err(sealing())
    }
}

impl Backend for NewSection {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        AttachedSection::nameless(Section::create_nameless(size)?, how)
    }

    fn attach(&self, _how: &How) -> Result<Box<dyn Attached>> {
        Err(nameless())
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        Err(not_removable())
    }

    fn stat(&self) -> Result<Stat> {
        Err(nameless())
    }

    fn lock_state(&self) -> LockState {
        LockState::None
    }

    fn mapped(&self) -> Result<Mapped> {
        Err(nameless())
    }
}

impl SectionOf {
    fn look(&self) -> Result<Section> {
        Section::of_process(self.pid, self.handle, false)
    }
}

impl Backend for SectionOf {
    fn create(&self, _size: u64, _how: &How) -> Result<Box<dyn Attached>> {
        Err(Error::new(ErrorKind::Unsupported, "the system chooses the handle of new memory")
            .with_hint("create memfd:label; the address of what it makes is memfd:PID/HANDLE"))
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        AttachedSection::by_handle(Section::of_process(self.pid, self.handle, how.writable)?, how)
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        Err(not_removable())
    }

    fn stat(&self) -> Result<Stat> {
        stat_of(&self.look()?)
    }

    fn lock_state(&self) -> LockState {
        let name = self.look().map(|section| section.name());
        name.map_or(LockState::Unknown, |name| {
            name.map_or(LockState::Unknown, |name| NamedMutex::state_beside(&name))
        })
    }

    fn mapped(&self) -> Result<Mapped> {
        self.look().map(|section| section.mapped())
    }
}

/// Nothing leads from memory without a name to a lock that others would find, too.
struct NoLock;

impl Locker for NoLock {
    fn lock(&self, _wait: Wait) -> Result<Option<Locked>> {
        Err(no_lock())
    }

    fn unlock(&self, _locked: Locked) -> Result<()> {
        Err(no_lock())
    }
}

#[cold]
fn no_lock() -> Error {
    Error::new(ErrorKind::LockError, "memory without a name has no lock on this system")
        .with_hint(r"agree on a mutex and lock with that: lock_with, --lock-with windows:Local\Name")
}

#[cold]
fn sealing() -> Error {
    Error::new(ErrorKind::Unsupported, "this system cannot seal memory")
        .with_hint("let others attach it read-only: the system then refuses their writes")
}

#[cold]
fn nameless() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "memory with a label is new memory, which others do not find by the label",
    )
    .with_hint("attach to memfd:PID/HANDLE, which its maker's address is")
}

#[cold]
fn not_removable() -> Error {
    Error::new(ErrorKind::Unsupported, "anonymous memory has no name to take away")
        .with_hint("it goes with its last handle")
}

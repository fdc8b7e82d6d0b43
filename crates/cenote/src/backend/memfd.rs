//! `memfd:label` and `memfd:PID/FD`: memory without a name, which lives as long as somebody holds it.
//!
//! It goes from process to process as a descriptor, or is reached through /proc by its own user. Where it is, for
//! others, is always a process and a descriptor: that is the address of what is attached.

use super::lock::{LockState, Locker, RangeLock};
use super::mapped_file::stat;
use super::{Attached, Backend, Examined, How, Stat, mappable};
use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Handle, Mapped, Mapping, NewFile, Part, SealedMemory, Wait};

/// New memory, by its label.
pub(super) struct NewMemfd(pub(super) String);

/// What a process has as a descriptor.
pub(super) struct MemfdOf {
    pub(super) pid: u32,
    pub(super) fd: u32,
}

struct Memfd {
    mapping: Mapping,
    lock: RangeLock,
}

impl Backend for NewMemfd {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        let len = mappable(size)?;
        let file = sys::create_memfd(&self.0, NewFile { size, mode: how.mode, sparse: how.sparse })?;
        Memfd::attach(file, len, how.writable)
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
        LockState::Unknown
    }

    fn mapped(&self) -> Result<Mapped> {
        Err(nameless())
    }
}

impl Backend for MemfdOf {
    fn create(&self, _size: u64, _how: &How) -> Result<Box<dyn Attached>> {
        Err(Error::new(ErrorKind::Unsupported, "the system chooses the descriptor of new memory")
            .with_hint("create memfd:label; the address of what it makes is memfd:PID/FD"))
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        let (found, facts) = sys::find_memfd(self.pid, self.fd)?;
        if facts.size == 0 {
            return Err(Error::new(ErrorKind::InvalidSize, "it has no size yet")
                .with_hint("its maker has not finished: try again"));
        }
        Memfd::attach(sys::open_memfd(&found, how.writable)?, mappable(facts.size)?, how.writable)
    }

    fn remove(&self, _wait: Wait) -> Result<()> {
        Err(not_removable())
    }

    fn stat(&self) -> Result<Stat> {
        sys::find_memfd(self.pid, self.fd).map(|(_, facts)| stat_without_name(&facts))
    }

    fn lock_state(&self) -> LockState {
        let held = sys::find_memfd(self.pid, self.fd)
            .and_then(|(found, _)| sys::open_memfd(&found, false))
            .and_then(|file| sys::range_holder(&file));
        LockState::of_range(held)
    }

    fn mapped(&self) -> Result<Mapped> {
        sys::find_memfd(self.pid, self.fd).map(|(_, facts)| facts.mapped())
    }

    fn examine(&self) -> Result<Examined> {
        let (_, facts) = sys::find_memfd(self.pid, self.fd)?;
        let memory = facts.memory;
        Ok(Examined { memory, ..Examined::new(stat_without_name(&facts), facts.mapped(), self.lock_state()) })
    }
}

/// Attaches what another process has handed over.
pub(crate) fn received(descriptor: Handle, writable: bool) -> Result<Box<dyn Attached>> {
    let file = sys::adopt_memfd(descriptor, writable)?;
    let size = sys::stat_file(&file)?.size;
    Memfd::attach(file, mappable(size)?, writable)
}

/// Where others find a descriptor of this process.
pub(crate) fn address_of(descriptor: &Handle) -> Option<Address> {
    Address::memfd_of(std::process::id(), sys::number_of(descriptor)).ok()
}

impl Memfd {
    fn attach(file: Handle, len: usize, writable: bool) -> Result<Box<dyn Attached>> {
        let mapping = Mapping::of_file(&file, Part::first(len), writable)?;
        Ok(Box::new(Self { mapping, lock: RangeLock::new(file, !writable) }))
    }
}

impl Attached for Memfd {
    fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    fn locker(&self) -> &dyn Locker {
        &self.lock
    }

    fn stat(&self) -> Result<Stat> {
        sys::stat_file(self.lock.file()).map(|facts| stat_without_name(&facts))
    }

    fn mapped(&self) -> Result<Mapped> {
        sys::stat_file(self.lock.file()).map(|facts| facts.mapped())
    }

    fn detach(self: Box<Self>, _wait: Wait) -> Result<()> {
        self.mapping.unmap()
    }

    fn address(&self) -> Option<Address> {
        address_of(self.lock.file())
    }

    fn seal_writes(&self) -> Result<()> {
        sys::seal_writes(self.lock.file())
    }

    fn seal(&mut self) -> Result<SealedMemory> {
        let (file, len) = (self.lock.file(), self.mapping.len());
        if !self.mapping.writable() {
            return SealedMemory::seal(file);
        }
        // Our own writable mapping would be in the way; one of a read-only description is not.
        self.mapping = Mapping::of_file(&sys::open_memfd(file, false)?, Part::first(len), false)?;
        SealedMemory::seal(file).inspect_err(|_| {
            // Refused by those who sealed it meanwhile, and then reading is what is left.
            if let Ok(writable) = Mapping::of_file(file, Part::first(len), true) {
                self.mapping = writable;
            }
        })
    }

    fn another_description(&self, writable: bool) -> Result<Handle> {
        sys::open_memfd(self.lock.file(), writable)
    }
}

/// It never had a name that could be gone.
fn stat_without_name(facts: &sys::FileFacts) -> Stat {
    Stat { removed: false, ..stat(facts) }
}

#[cold]
fn nameless() -> Error {
    Error::new(ErrorKind::NotFound, "memory with a label is new memory, which others do not find by the label")
        .with_hint(
            "attach to memfd:PID/FD, which its maker's address is, or receive it over a socket (cenote::handover)",
        )
}

#[cold]
fn not_removable() -> Error {
    Error::new(ErrorKind::Unsupported, "anonymous memory has no name to take away")
        .with_hint("it goes with its last holder: `cenote show memfd:PID/FD` names them")
}

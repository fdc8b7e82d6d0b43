//! Whose rules a segment follows: one file for each kind, behind one trait.
//!
//! A backend is built from an address and touches nothing until it is told to create, attach, look or remove.

mod aside;
mod file;
pub(crate) mod lock;
mod mapped_file;
pub(crate) mod memfd;
mod native;
mod posix;
mod qt;
mod reaping;
mod section;
mod semaphore_file;
mod sysv;
mod windows;

use std::path::Path;
use std::time::{Duration, SystemTime};

pub(crate) use aside::heal;
pub(crate) use native::{AttachedNative, Door, native_name};
pub use qt::SemaphoreKey;
pub(crate) use qt::{Semaphore, remove_semaphore, semaphore};
pub(crate) use reaping::{Open, Order, Reaping, is_untouched, spared};
pub(crate) use semaphore_file::SEMAPHORE;
pub(crate) use sysv::stat as stat_of_system_v;

use crate::address::{Address, Kind, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Content;
use crate::sys::{self, Handle, Mapped, Mapping, Part, SealedMemory, Wait};
use lock::{LockState, Locker, Quick, SemaphoreName, unbreakable};
use sysv::Sysv;

/// A place where a segment is, or may be.
pub(crate) trait Backend {
    /// Makes the segment, which must not exist, and attaches to it.
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>>;

    /// Attaches to the segment, which must exist.
    fn attach(&self, how: &How) -> Result<Box<dyn Attached>>;

    /// Takes the name away; the memory lives until the last detach.
    fn remove(&self, wait: Wait) -> Result<()>;

    /// Looks without attaching.
    fn stat(&self) -> Result<Stat>;

    /// Whether somebody has the lock, without taking it.
    fn lock_state(&self) -> LockState;

    /// What the kernel calls the segment, for finding its holders.
    fn mapped(&self) -> Result<Mapped>;

    /// All that can be seen of it, at once.
    fn examine(&self) -> Result<Examined> {
        Ok(Examined::new(self.stat()?, self.mapped()?, self.lock_state()))
    }

    /// Whether anybody has it open or mapped, asked of the kernel where no process is seen to.
    fn is_open(&self) -> Open {
        Open::Untold
    }

    /// For what it is needed even while nobody has it open, if it is.
    fn needed_for(&self) -> Option<String> {
        None
    }

    /// Removes it, unless it is of use to somebody after all.
    fn reap(&self, _order: &Order) -> Result<Reaping> {
        Err(Error::new(ErrorKind::Unsupported, "segments of this kind go with their last holder"))
    }

    /// Frees the lock, by force or if its holder is proven to be dead: true if somebody had it.
    fn break_lock(&self, force: bool) -> Result<bool> {
        self.lock_semaphore().map_or_else(|| Err(unbreakable()), |name| name.break_it(force))
    }

    /// Opens it to look at its data without attaching, where it says what is in it.
    fn inside(&self) -> Result<Option<Box<dyn Inside>>> {
        Ok(None)
    }

    /// The account that owns the segment, where it is no user id.
    fn owner(&self) -> Option<String> {
        None
    }

    /// The semaphore that is the lock, if it does not tell who has it and stays taken when its holder dies.
    fn lock_semaphore(&self) -> Option<SemaphoreName> {
        None
    }
}

/// A segment attached to this process.
pub(crate) trait Attached: Send + Sync {
    fn mapping(&self) -> &Mapping;

    /// The lock that users of this kind share.
    fn locker(&self) -> &dyn Locker;

    /// Whether `lock_quickly` ever gives anything.
    fn is_quick(&self) -> bool {
        false
    }

    /// Takes the lock if that takes no more than a look at a word, and nobody has it or left it in disorder. `None` says
    /// nothing: then the locker tells.
    fn lock_quickly(&self) -> Option<Quick> {
        None
    }

    /// Gives back what `lock_quickly` gave, and does nothing in a forked child of the process that took it.
    fn unlock_quickly(&self, _locked: Quick) -> Result<()> {
        Ok(())
    }

    fn stat(&self) -> Result<Stat>;

    /// What the kernel calls the segment.
    fn mapped(&self) -> Result<Mapped>;

    /// Detaches, and does what the last detach of this kind does. The memory is detached even if this fails.
    fn detach(self: Box<Self>, wait: Wait) -> Result<()>;

    /// Where others find what this process has, if that is not by its name.
    fn address(&self) -> Option<Address> {
        None
    }

    /// From now on nobody can map it writable anew.
    fn seal_writes(&self) -> Result<()> {
        Err(not_anonymous("be sealed"))
    }

    /// What only native segments have.
    fn native(&self) -> Result<&AttachedNative> {
        Err(Error::new(ErrorKind::Unsupported, "only native segments have this")
            .with_hint("use an address without a kind, such as robot/pose"))
    }

    /// Makes memory of it that nobody can ever change. If that fails, it is attached as it was.
    fn seal(&mut self) -> Result<SealedMemory> {
        Err(not_anonymous("be sealed"))
    }

    /// A descriptor for another process, which shares no lock with ours.
    fn another_description(&self, _writable: bool) -> Result<Handle> {
        Err(not_anonymous("be handed over"))
    }
}

/// What was seen of a segment.
pub(crate) struct Examined {
    pub(crate) stat: Stat,
    pub(crate) mapped: Mapped,
    /// What it takes, holes left out.
    pub(crate) memory: Option<u64>,
    /// Whether anybody needs it, where the kernel vouches for the answer.
    pub(crate) life: Option<Life>,
    pub(crate) lock: LockState,
    /// The processes that wait for the lock, where that can be seen.
    pub(crate) lock_waiters: Vec<u32>,
    /// What it has by name.
    pub(crate) named: Vec<Named>,
    /// Its data, to be looked at, where it says what is in it.
    pub(crate) inside: Option<Box<dyn Inside>>,
}

impl Examined {
    /// Of a kind that tells no more than that.
    pub(crate) fn new(stat: Stat, mapped: Mapped, lock: LockState) -> Self {
        let (lock_waiters, named) = (Vec::new(), Vec::new());
        Self { stat, mapped, memory: None, life: None, lock, lock_waiters, named, inside: None }
    }
}

/// Whether anybody needs a segment, by proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Somebody holds it.
    Held,
    /// Nobody does, but its maker asked for it to stay.
    Kept,
    /// Nobody does, and nobody will.
    Stale,
}

/// Something that a native segment has by name, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: NamedKind,
    /// The processes that sleep until they get it.
    pub waiting: Vec<u32>,
}

/// What has a name in a native segment, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamedKind {
    /// A [`NamedLock`](crate::NamedLock).
    Lock(LockState),
    /// An [`RwLock`](crate::RwLock).
    RwLock {
        /// Who writes, or waits for readers to leave.
        writer: LockState,
        /// Who reads.
        readers: Vec<Sharer>,
    },
    /// A [`Semaphore`](crate::Semaphore).
    Semaphore {
        /// How many permits there are in all.
        permits: u32,
        /// Who has some.
        taken: Vec<Sharer>,
    },
    /// An [`Event`](crate::Event).
    Event {
        /// Whether it is set.
        is_set: bool,
    },
    /// A [`Condvar`](crate::Condvar).
    Condvar,
}

/// An attachment's part in what several can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sharer {
    /// The process, as it says itself.
    pub pid: Option<u32>,
    /// How often it has it.
    pub times: u32,
}

/// How to create or attach.
#[derive(Clone, Debug)]
pub(crate) struct How {
    pub(crate) writable: bool,
    pub(crate) mode: u32,
    pub(crate) sparse: bool,
    /// What of it is mapped.
    pub(crate) extent: Extent,
    /// Detaching never removes it.
    pub(crate) keep: bool,
    /// How long attaching, detaching and removing may wait for the lock where the kind's rules ask for it.
    pub(crate) timeout: Option<Duration>,
    /// What is in it, if that is to be something that only native segments have.
    pub(crate) content: Option<Typed>,
}

/// What a native segment is made with, or must have.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) content: Content,
    /// What the data of a new one begin with.
    pub(crate) first: Vec<u8>,
}

/// The bytes of a segment that are asked for, before its size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) from: u64,
    /// Up to the end without it.
    pub(crate) to: Option<u64>,
}

impl Extent {
    pub(crate) const ALL: Self = Self { from: 0, to: None };

    /// What that means for a segment of `size` bytes.
    pub(crate) fn within(self, size: u64) -> Result<Part> {
        let to = self.to.unwrap_or(size);
        if self != Self::ALL && (self.from >= to || to > size) {
            let what = format!("bytes {} to {to} are not within its {size} bytes, or are none", self.from);
            return Err(Error::new(ErrorKind::InvalidSize, what).with_hint("ask for a part of what is there"));
        }
        Ok(Part { offset: self.from, len: mappable(to - self.from)? })
    }
}

impl Stat {
    /// When anybody last used it in a way that leaves a trace: making, attaching, detaching, reading and writing by system calls
    /// do, a store to the memory does not.
    #[must_use]
    pub fn last_trace(&self) -> Option<SystemTime> {
        self.changed.max(self.last_used).max(self.last_left)
    }
}

/// A segment that is looked into and not attached: the same one for as long as this is there, whatever its name leads to.
pub(crate) trait Inside {
    /// What it says that is in it, and how large its data are.
    fn content(&self) -> (&Content, u64);

    /// Copies some of its data out. `Corrupt` if they end before.
    fn read_at(&self, offset: usize, to: &mut [u8]) -> Result<()>;

    /// The process that says that it has that slot.
    fn pid_of(&self, slot: u8) -> Option<u32>;
}

/// What the system knows of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// The size in bytes, as it was asked for.
    pub size: u64,
    /// The size as it is mapped: whole pages.
    pub mapped: u64,
    /// The owner's user id. `None`, as the next two, on systems that have other rules (Windows).
    pub uid: Option<u32>,
    /// The owner's group id.
    pub gid: Option<u32>,
    /// The permission bits, as in `chmod`.
    pub mode: Option<u32>,
    /// How many attachments there are, where the system counts them: System V, and so Qt. On Windows, how many handles
    /// are open.
    pub attached: Option<u64>,
    /// Whether the name is gone, so that nobody else can attach: somebody removed it, or another has taken its place.
    pub removed: bool,
    /// When the owner, the mode or the name last changed.
    pub changed: Option<SystemTime>,
    /// When it was last attached (System V) or read (files, as far as the file system keeps it).
    pub last_used: Option<SystemTime>,
    /// When it was last detached (System V) or written by a system call (files; a store to memory does not count).
    pub last_left: Option<SystemTime>,
    /// The System V id, where it has one: what `ipcs` and `ipcrm` call it.
    pub id: Option<i32>,
    /// The System V key, where it has one: `None` once it was removed, or if it is private.
    pub key: Option<i32>,
    /// The process that made it, where the system remembers (System V): for people to read, it may be another by now.
    pub creator: Option<u32>,
}

/// The backend for an address; `Unsupported` for kinds that this system or version lacks.
pub(crate) fn of(address: &Address) -> Result<Box<dyn Backend>> {
    if let Some(error) = sys::lacks(address.kind()) {
        return Err(error);
    }
    Ok(match address.target() {
        Target::Posix(name) => posix::backend(name),
        Target::File(path) => Box::new(file::backend(path)),
        Target::SysvKey(key) => Box::new(Sysv::Key(*key)),
        Target::SysvFtok { path, project } => Box::new(Sysv::Ftok(path.clone(), *project)),
        Target::SysvId(id) => Box::new(Sysv::Id(*id)),
        Target::Qt(key) => qt::of_key(key),
        Target::QtNative(key) => qt::of_native_key(key)?,
        Target::Native { owner, name } => Box::new(native::Native::new(owner.as_deref(), name)?),
        Target::Memfd(_) if sys::ANONYMOUS_SECTIONS => Box::new(section::NewSection),
        Target::MemfdOf { pid, fd } if sys::ANONYMOUS_SECTIONS => {
            Box::new(section::SectionOf { pid: *pid, handle: *fd })
        }
        Target::Memfd(label) => Box::new(memfd::NewMemfd(label.clone())),
        Target::MemfdOf { pid, fd } => Box::new(memfd::MemfdOf { pid: *pid, fd: *fd }),
        Target::Windows(name) => Box::new(windows::Windows::new(name, None)),
    })
}

/// The backend for a file that was found in /dev/shm.
pub(crate) fn of_shm_file(path: &Path) -> Box<dyn Backend> {
    Box::new(file::found_in_shm(path))
}

/// The backend for a segment that is to be made over a file, and is found by a name of its own.
pub(crate) fn over_file(address: &Address, file: &Path) -> Result<Box<dyn Backend>> {
    match address.target() {
        Target::Windows(name) if sys::lacks(Kind::Windows).is_none() => {
            Ok(Box::new(windows::Windows::new(name, Some(file.to_owned()))))
        }
        Target::Windows(_) => of(address),
        _ => Err(Error::new(ErrorKind::Unsupported, "only windows: segments can be made over a file")
            .with_hint("file:/path is a file as a segment, which others find by its path")),
    }
}

/// For what is part of the design, but not of this version.
pub(crate) fn later(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this version does not have {what} yet")).with_hint(
        "it has locks of posix:, file:, sysv: and qt: addresses, on Windows of windows: and qt: ones",
    )
}

#[cold]
fn not_anonymous(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("only anonymous memory can {what}"))
        .with_hint("create it as memfd:label; the other kinds are reached by their address")
}

/// A size that can be mapped, or `InvalidSize`.
fn mappable(size: u64) -> Result<usize> {
    match usize::try_from(size) {
        Ok(0) => {
            Err(Error::new(ErrorKind::InvalidSize, "the size is 0")
                .with_hint("a segment has at least 1 byte"))
        }
        Ok(size) if isize::try_from(size).is_ok() => Ok(size),
        _ => {
            Err(Error::new(ErrorKind::InvalidSize, format!("{size} bytes are beyond what can be addressed"))
                .with_hint("ask for less"))
        }
    }
}

#[cold]
fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "somebody else held the lock all the time")
}

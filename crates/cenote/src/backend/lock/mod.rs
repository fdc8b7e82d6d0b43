//! The locks that programs share: each kind's own, and those from elsewhere that can take its place.
//!
//! All of them are objects of the kernel, which lets go of them when their holder dies, with one exception: named
//! semaphores, those of POSIX and those of Windows. Their waiters sleep in the kernel; a byte-range lock with a timeout
//! looks again every millisecond, because the kernel has no timed form of it.

mod counting_set;
mod elsewhere;
pub(crate) mod named;
mod named_mutex;
mod named_semaphore;
mod own_set;
mod range;
mod semaphore_name;

pub(crate) use elsewhere::{from_elsewhere, semaphore_name};
pub(crate) use named_mutex::NamedMutex;
pub(crate) use named_semaphore::NamedSemaphore;
pub(crate) use own_set::{Maker, OwnSet, set_mode};
pub(crate) use range::RangeLock;
pub(crate) use semaphore_name::SemaphoreName;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, LockFile, SemSet, Wait};

/// Something that one holder at a time can have.
pub(crate) trait Locker: Send + Sync {
    /// Takes it; `None` if the wait ended first.
    fn lock(&self, wait: Wait) -> Result<Option<Locked>>;

    /// Gives back what `lock` gave. Never called in a forked child of the process that took it.
    fn unlock(&self, locked: Locked) -> Result<()>;

    /// Takes again what was given back a moment ago.
    fn lock_again(&self, _which: Which, wait: Wait) -> Result<Option<Locked>> {
        self.lock(wait)
    }

    /// What to do when waiting for it took too long.
    fn timeout_hint(&self) -> Option<&'static str> {
        None
    }
}

/// For the locks of the kernel.
#[cold]
pub(crate) fn unbreakable() -> Error {
    let what = "the lock belongs to the kernel, which frees it when its holder ends, and not before";
    Error::new(ErrorKind::Unsupported, what)
        .with_hint("end its holder, which `cenote show` names, and the lock is free")
}

/// What of a native segment is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Which {
    /// The segment's own lock.
    #[default]
    Own,
    /// The lock in a place.
    Named(u32),
    /// The lock with readers in a place, for writing.
    Writing(u32),
    /// A part of what several have in a place.
    Share(u32),
}

impl Which {
    pub(crate) fn place(self) -> Option<u32> {
        match self {
            Self::Own => None,
            Self::Named(place) | Self::Writing(place) | Self::Share(place) => Some(place),
        }
    }
}

/// Proof that a lock was taken.
pub(crate) struct Locked {
    pub(crate) abandoned: Abandoned,
    /// Whether its thread was panicking already.
    in_panic: bool,
    generation: u32,
    /// The description that holds a byte-range lock.
    file: Option<LockFile>,
    /// The semaphore set that it was taken from. The handle may know another by now.
    set: Option<SemSet>,
    /// Which of a handle's named semaphores were taken, one bit for each.
    semaphores: u64,
    which: Which,
}

impl Locked {
    pub(crate) fn new(abandoned: Abandoned) -> Self {
        let in_panic = std::thread::panicking();
        let generation = sys::generation();
        Self { abandoned, in_panic, generation, file: None, set: None, semaphores: 0, which: Which::Own }
    }

    /// One taken from a semaphore set.
    pub(crate) fn from_set(set: SemSet, abandoned: Abandoned) -> Self {
        Self { set: Some(set), ..Self::new(abandoned) }
    }

    /// One that is all of a handle's named semaphores in `semaphores`.
    pub(crate) fn from_semaphores(semaphores: u64, abandoned: Abandoned) -> Self {
        Self { semaphores, ..Self::new(abandoned) }
    }

    /// One of a native segment's own.
    pub(crate) fn of_native(which: Which, abandoned: Abandoned) -> Self {
        Self { which, ..Self::new(abandoned) }
    }

    pub(crate) fn which(&self) -> Which {
        self.which
    }

    /// The bits of the named semaphores.
    pub(crate) fn semaphores(&self) -> u64 {
        self.semaphores
    }

    /// The set that it was taken from.
    pub(crate) fn set(&self) -> Option<SemSet> {
        self.set
    }

    /// Whether it was taken by a thread that was panicking already: its guard's end is no sign of harm.
    #[inline]
    pub(crate) fn taken_in_panic(&self) -> bool {
        self.in_panic
    }

    /// The same, of which a panic leaves no mark: what it protects is never half done.
    pub(crate) fn unmarked(mut self) -> Self {
        self.in_panic = true;
        self
    }

    /// Whether this process took it, rather than the one that it was forked from.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == sys::generation()
    }
}

/// Proof that a lock was free and was taken at once, small enough for a register.
#[derive(Clone, Copy)]
pub(crate) struct Quick {
    /// See [`Locked::taken_in_panic`].
    pub(crate) in_panic: bool,
}

/// Whether the last holder of a lock died with it, and so may have left the data half-written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abandoned {
    /// It died holding the lock.
    Yes,
    /// It let go of the lock in order, or there was none.
    No,
    /// Locks of this kind cannot tell.
    Unknown,
}

/// Whether somebody has a lock, as far as can be seen without taking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockState {
    /// Nobody has it.
    Free,
    /// Somebody has it: the process, where the system tells.
    Held(Option<u32>),
    /// Nobody has made a lock for the segment yet.
    None,
    /// It cannot be seen.
    Unknown,
}

impl LockState {
    /// What looking at a byte-range lock told.
    pub(crate) fn of_range(held: Result<Option<Option<u32>>>) -> Self {
        held.map_or(Self::Unknown, |held| held.map_or(Self::Free, Self::Held))
    }
}

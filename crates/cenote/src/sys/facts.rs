//! What systems tell, in words that are the same for all of them.

use std::path::PathBuf;
use std::time::SystemTime;

/// What a file system knows of a segment.
pub(crate) struct FileFacts {
    pub(crate) size: u64,
    /// What it takes, holes left out, where the system tells.
    pub(crate) memory: Option<u64>,
    /// Whose it is, by the number and by what everybody may do: where the system has such.
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mode: Option<u32>,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Whether it has no name any more.
    pub(crate) removed: bool,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) accessed: Option<SystemTime>,
    pub(crate) changed: Option<SystemTime>,
}

impl FileFacts {
    /// What the kernel calls it.
    pub(crate) fn mapped(&self) -> Mapped {
        Mapped::File { device: self.device, inode: self.inode }
    }
}

/// Which bytes of a segment are mapped: within its size, and as many as can be addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: u64,
    pub(crate) len: usize,
}

impl Part {
    pub(crate) const fn first(len: usize) -> Self {
        Self { offset: 0, len }
    }
}

/// How to make a file.
#[derive(Clone, Copy)]
pub(crate) struct NewFile {
    pub(crate) size: u64,
    pub(crate) mode: u32,
    /// Leave holes, to be filled when they are first written.
    pub(crate) sparse: bool,
}

/// One process's use of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) pid: u32,
    pub(crate) writable: bool,
    /// Otherwise it has it open, and could map it.
    pub(crate) mapped: bool,
    pub(crate) what: Mapped,
}

/// Memory without a name, as one process has it.
pub(crate) struct Loose {
    pub(crate) what: Mapped,
    pub(crate) pid: u32,
    /// Under the process's folder in /proc: a descriptor, or a mapping.
    pub(crate) place: String,
    /// What it was called, or what its maker wrote there.
    pub(crate) label: String,
}

/// What is mapped: a file by device and inode, a System V segment by id, an object of Windows's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mapped {
    File {
        device: u64,
        inode: u64,
    },
    SystemV {
        id: i32,
    },
    /// By a digest of its path among the objects of the machine.
    Object {
        name: [u8; 20],
    },
    /// What the system has no name for.
    Nameless,
}

impl Mapped {
    pub(crate) fn order(self) -> (u64, u64) {
        match self {
            Self::File { device, inode } => (device, inode),
            Self::Nameless => (u64::MAX, u64::MAX),
            Self::Object { name } => {
                let half = |from: usize| {
                    name[from..from + 8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
                };
                (half(0), half(8))
            }
            Self::SystemV { id } => (u64::MAX, id.cast_unsigned().into()),
        }
    }
}

/// All uses of shared memory that this process may see.
pub(crate) struct Uses {
    pub(crate) uses: Vec<Use>,
    /// What has no name, once for each process that has it.
    pub(crate) loose: Vec<Loose>,
    /// How many processes there are, and of how many the maps could be read.
    pub(crate) processes: usize,
    pub(crate) readable: usize,
}

/// What the kernel knows of a segment.
#[derive(Clone)]
pub(crate) struct ShmFacts {
    pub(crate) id: i32,
    pub(crate) key: i32,
    pub(crate) size: u64,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    /// Marked for removal: it has no key any more and ends with its last attachment.
    pub(crate) removed: bool,
    pub(crate) attached: u64,
    pub(crate) creator: i32,
    pub(crate) last_attach: Option<SystemTime>,
    pub(crate) last_detach: Option<SystemTime>,
    pub(crate) changed: Option<SystemTime>,
}

/// One step of an operation on a set, of which all steps happen or none.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(super) index: u16,
    pub(super) change: i16,
    pub(super) undo: bool,
}

impl Step {
    /// Adds to the semaphore, or waits until as much can be taken from it. A death does not undo it.
    pub(crate) const fn change(index: u16, change: i16) -> Self {
        Self { index, change, undo: false }
    }

    /// The same, undone by the kernel when the process ends.
    pub(crate) const fn undone_at_death(index: u16, change: i16) -> Self {
        Self { index, change, undo: true }
    }

    /// Waits until the semaphore is 0.
    pub(crate) const fn wait_for_zero(index: u16) -> Self {
        Self { index, change: 0, undo: false }
    }
}

/// How an operation ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Done {
    Yes,
    /// The wait ended first; nothing was changed.
    TimedOut,
    /// There is no such set any more.
    Gone,
}

/// What the kernel knows of a set.
pub(crate) struct SemFacts {
    pub(crate) count: usize,
    /// 0 if it is private.
    pub(crate) key: i32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    /// Whether any operation was ever completed on it. Setting a value is none.
    pub(crate) used: bool,
}

/// The kernel's limits on System V objects, where it tells them.
pub(crate) struct IpcLimits {
    /// Bytes of one segment.
    pub(crate) shmmax: Option<u64>,
    /// Pages of all segments.
    pub(crate) shmall: Option<u64>,
    pub(crate) shmmni: Option<u64>,
    pub(crate) msgmax: Option<u64>,
    pub(crate) msgmnb: Option<u64>,
    pub(crate) msgmni: Option<u64>,
    /// SEMMSL, SEMMNS, SEMOPM, SEMMNI: semaphores of a set, of all sets, operations of a call, sets.
    pub(crate) sem: Option<[u64; 4]>,
}

/// A segment as the table of all segments has it, which shows everybody's to everybody.
pub(crate) struct ShmRow {
    pub(crate) facts: ShmFacts,
    /// What of it is in memory.
    pub(crate) memory: Option<u64>,
}

/// A message queue of System V as the table of all queues has it.
pub(crate) struct QueueRow {
    pub(crate) id: i32,
    pub(crate) key: i32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    /// What lies in it.
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
    /// The processes that sent and received last, where it remembers.
    pub(crate) last_users: Vec<u32>,
}

/// A process by the name that its program has for the kernel, which may be cut.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) uid: u32,
}

/// What a lease proves.
pub(crate) enum Leased<T> {
    /// Nobody else had the file open, and this is what was done meanwhile.
    Alone(T),
    /// Somebody has it open or mapped.
    Open,
    /// This process may not have one, or the file system has none.
    Refused,
    /// The file system does not count by this file who has it mapped, and a lease would prove nothing.
    Uncounted,
}

/// A semaphore set as the table of all sets has it.
pub(crate) struct SemRow {
    pub(crate) id: i32,
    pub(crate) key: i32,
    pub(crate) count: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
}

/// The file system as such.
pub(crate) struct ShmSpace {
    /// In bytes; `None` is unlimited.
    pub(crate) size: Option<u64>,
    pub(crate) used: u64,
    /// `None` is unlimited.
    pub(crate) inodes: Option<u64>,
    pub(crate) inodes_used: u64,
    pub(crate) mode: u32,
    /// Whether it lies in memory, and not on a disk.
    pub(crate) in_memory: bool,
    pub(crate) device: u64,
}

/// One file in it.
pub(crate) struct ShmFile {
    pub(crate) path: PathBuf,
    /// What it takes, holes left out.
    pub(crate) bytes: u64,
    pub(crate) uid: u32,
    pub(crate) mode: u32,
    pub(crate) what: Mapped,
}

/// What can be seen of a mutex without taking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MutexState {
    Free,
    /// By that process, where the system tells.
    Held(Option<u32>),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// And the thread that had it before has ended with it.
    Abandoned,
    TimedOut,
}

//! Where the demo plays on Linux: a segment of Qt's, and a native one.

use std::path::{Path, PathBuf};

use crate::demo::words::Words;

pub(crate) const WORDS: Words = Words {
    creates_picture: "shmget shmat, as QSharedMemory does it",
    creates_greeting: "open(O_TMPFILE) fallocate mmap linkat",
    locks: "semop(-1, SEM_UNDO), a word in memory",
    unlocks: "semop(+1, SEM_UNDO), a word in memory",
    attaches_picture: "shmget shmat(SHM_RDONLY)",
    attaches_greeting: "open fcntl(F_OFD_SETLK) mmap",
    waits: "EAGAIN; asleep in semtimedop",
    kills: ("kill(", ", SIGKILL)"),
    lets_go: "SEM_UNDO; the witness of life is gone",
    last: ("is last to detach: both segments go", "shmctl semctl (IPC_RMID) unlink"),
    removes_greeting: "it was still there",
    looks: "/dev/shm /proc/sysvipc, temporary files",
};

/// The lock of a native segment lies in it.
pub(crate) const GREETING_IS_READ_ONLY: bool = false;

/// The picture's segment and the greeting's.
pub(crate) fn demo_addresses(key: &str, name: &str, _directory: &Path) -> [String; 2] {
    [format!("qt:{key}"), format!("cenote:{name}")]
}

/// The directory for temporary files, as the library and Qt choose it.
pub(crate) fn temporary_directory() -> PathBuf {
    std::env::var_os("TMPDIR")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

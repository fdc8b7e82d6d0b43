//! Where the demo plays on Linux: a segment of Qt's, and one of `shm_open`.

use std::path::{Path, PathBuf};

use crate::demo::words::Words;

pub(crate) const WORDS: Words = Words {
    creates_picture: "shmget shmat, as QSharedMemory does it",
    creates_greeting: "open(O_TMPFILE) fallocate linkat mmap",
    locks: "semop(-1, SEM_UNDO) fcntl(F_OFD_SETLK)",
    unlocks: "semop(+1, SEM_UNDO) fcntl(F_UNLCK)",
    attaches_picture: "shmget shmat(SHM_RDONLY)",
    attaches_greeting: "open(O_RDONLY) mmap(PROT_READ)",
    waits: "EAGAIN; asleep in semtimedop",
    kills: ("kill(", ", SIGKILL)"),
    lets_go: "SEM_UNDO; the lock's file is closed",
    last: ("is last to detach: the qt segment goes", "shmdt shmctl(IPC_RMID) semctl(IPC_RMID)"),
    removes_greeting: "unlink",
    looks: "/dev/shm /proc/sysvipc, temporary files",
};

/// The picture's segment and the greeting's.
pub(crate) fn demo_addresses(key: &str, name: &str, _directory: &Path) -> [String; 2] {
    [format!("qt:{key}"), format!("posix:/{name}")]
}

/// The directory for temporary files, as the library and Qt choose it.
pub(crate) fn temporary_directory() -> PathBuf {
    std::env::var_os("TMPDIR")
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

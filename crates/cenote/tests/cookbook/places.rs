//! The places that programs on Linux share by their names, and turns where two tests would be in each other's way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cenote::Segment;
use testkit::Watchdog;

use crate::minutes;

/// A minute's watch, and no other test with Qt's keys meanwhile.
///
/// Of two halves, Qt's that looks for a segment is started when the segment is there. `attach()` of one that is not
/// there makes a lock, and the next `attach()` removes it, whoever has it by then: the other half is left with the
/// lock of nobody. Two Qt programs can also leave each other a lock without a value, and wait for it for ever
/// (`docs/qt.md`). Ours makes nothing before there is a segment, and may come first.
///
/// Qt finds a semaphore by its key file's inode, and ext4 gives the inode of a deleted file to the next one at
/// once. A Qt program deletes the file first and the semaphore after it: in between, another program's new key
/// file, of another key, leads to the semaphore that is about to go. Nor may ftok(PATH, 81) be used meanwhile: 81
/// is Qt's project too, and only 16 bits of the inode tell a folder from a key file.
pub(crate) fn alone_with_qt() -> (Watchdog, MutexGuard<'static, ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    (minutes(), turn)
}

/// An address that the programs take by default. What a failed test leaves there is removed when this is dropped.
pub(crate) struct WellKnown(pub(crate) &'static str);

impl Drop for WellKnown {
    fn drop(&mut self) {
        // Most tests leave nothing.
        let _ = Segment::remove(self.0);
    }
}

/// Whether something lies under this name in `/dev/shm`.
pub(crate) fn is_in_shm(name: &str) -> bool {
    std::path::Path::new("/dev/shm").join(name.trim_start_matches('/')).exists()
}

/// The key files of Qt's that carry `key` in their names.
pub(crate) fn qt_files(key: &str) -> Vec<String> {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("qipc_") && name.contains(key)).collect()
}

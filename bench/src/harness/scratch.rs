//! Where a run keeps what its pairs make, and how all of it goes again, also what a killed run has left.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::plan::{Config, KEYS, Plan};
use super::{Fault, fault};
use crate::contenders::{Entry, sysv};

const PREFIX: &str = "cenote-bench-";
/// In the folder of a pair; tells a later run what to sweep.
const PLAN: &str = "plan.json";
const LOCK: &str = "lock";
/// The folder for shared memory is one for files, too, and no disk has a part in what is measured.
pub(super) const MEMORY: &str = "/dev/shm";

/// A run's folder. A lock on a file in it says that the run lives.
pub(crate) struct Scratch {
    folder: PathBuf,
    _lock: File,
    made: u32,
    next_key: i32,
}

impl Scratch {
    /// A new folder; those of runs that were killed go, with all that belonged to them.
    pub(crate) fn new() -> Result<Self, Fault> {
        let parent = Path::new(MEMORY);
        for entry in fs::read_dir(parent).map_err(fault(MEMORY))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_dead(&entry.path()) {
                sweep_run(&entry.path());
            }
        }
        let process = std::process::id();
        let folder = parent.join(format!("{PREFIX}{process}"));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let lock = File::create(folder.join(LOCK)).map_err(fault("the lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(fault("the lock"))?;
        // Far from the keys that programs choose for themselves, and others for each run: it takes some 2000.
        let next_key = 0x0BE0_0000 + ((process & 0x1FF) << 11) as i32;
        Ok(Self { folder, _lock: lock, made: 0, next_key })
    }

    /// What one pair needs, with a folder and keys of its own.
    pub(crate) fn config(&mut self, config: &Config) -> Result<Config, Fault> {
        // It ends in a letter: what contenders put behind it may begin with a digit.
        let name = format!("cb-{}-{}x", std::process::id(), self.made);
        self.made += 1;
        let folder = self.folder.join(&name);
        fs::create_dir(&folder).map_err(fault("a pair's folder"))?;
        let count = KEYS * config.subscribers as i32;
        while !(self.next_key..self.next_key + count).all(sysv::is_free) {
            self.next_key += count;
        }
        let key = self.next_key;
        self.next_key += count;
        Ok(Config { name, folder, key, ..config.clone() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Written before a pair makes anything.
pub(crate) fn remember(plan: &Plan) -> Result<(), Fault> {
    fs::write(plan.config.folder.join(PLAN), plan.text()).map_err(fault("a pair's plan"))
}

/// Removes whatever a pair has left, if it has.
pub(crate) fn sweep(entry: &Entry, config: &Config) {
    (entry.sweep)(config);
    for index in 0..config.subscribers {
        (entry.sweep)(&config.of_subscriber(index));
    }
    for found in fs::read_dir(MEMORY).into_iter().flatten().flatten() {
        if found.file_name().to_string_lossy().starts_with(&config.name) {
            let _ = fs::remove_file(found.path());
        }
    }
    let _ = fs::remove_dir_all(&config.folder);
}

/// Whether nobody holds the run's lock. A folder without one is just being made, or is nobody's.
fn is_dead(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK));
    lock.is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok())
}

fn sweep_run(folder: &Path) {
    for pair in fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = fs::read_to_string(pair.path().join(PLAN)).unwrap_or_default();
        if let Ok(plan) = Plan::parse(&text)
            && let Some(entry) = Entry::named(&plan.contender)
        {
            sweep(entry, &plan.config);
        }
    }
    let _ = fs::remove_dir_all(folder);
}

//! Who has a segment mapped, from the maps of all processes that may be read.

use std::collections::HashSet;

use crate::backend::lock::{LockState, SemaphoreName};
use crate::error::Result;
use crate::sys::{self, Mapped, Use};

/// A process that has a segment mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// For people to read: by the time it is used it may be another process.
    pub pid: u32,
    /// Its command line, as far as it can be read.
    pub command: String,
    /// The user that it runs as, by name if there is one.
    pub user: String,
    /// Whether it can write.
    pub writable: bool,
}

/// All uses of shared memory on the machine, as far as this process may see them.
pub(super) struct Holders(sys::Uses);

impl Holders {
    pub(super) fn find() -> Result<Self> {
        sys::uses().map(Self)
    }

    pub(super) fn of(&self, segment: Mapped) -> Vec<Holder> {
        self.0.uses.iter().filter(|one| one.what == segment).map(holder).collect()
    }

    /// The processes that map files of the device which are not among `named`: files that have lost their names.
    pub(super) fn of_nameless(&self, on: u64, named: &HashSet<Mapped>) -> Vec<Holder> {
        let is_on = |what: Mapped| matches!(what, Mapped::File { device, .. } if device == on);
        let mut found: Vec<Holder> = self
            .0
            .uses
            .iter()
            .filter(|one| is_on(one.what) && !named.contains(&one.what))
            .map(holder)
            .collect();
        found.sort_by_key(|holder| (holder.pid, !holder.writable));
        found.dedup_by_key(|holder| holder.pid);
        found
    }

    /// How many processes there are, and of how many the maps could be read.
    pub(super) fn seen(&self) -> (usize, usize) {
        (self.0.processes, self.0.readable)
    }

    /// What it proves that no holder was found.
    pub(super) fn nobody(&self, segment: Mapped) -> String {
        if !sys::TELLS_WHO_MAPS_FILES && matches!(segment, Mapped::File { .. }) {
            return "this system does not tell who maps a file".to_owned();
        }
        let sys::Uses { processes, readable, .. } = self.0;
        let elsewhere = if sys::sees_all_processes() {
            ""
        } else {
            ", and there may be others, hidden or in other containers"
        };
        format!("no process is seen to map it ({readable} of {processes} could be read{elsewhere})")
    }
}

/// Who may have a lock that does not tell who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockUsers {
    /// Whether somebody has it.
    pub state: LockState,
    /// The processes that have it open: if its holder lives, it is one of them.
    pub users: Vec<Holder>,
}

impl Holders {
    /// Those who have a semaphore open.
    pub(super) fn of_semaphore(&self, semaphore: &SemaphoreName) -> LockUsers {
        let users = semaphore.mapped().map_or_else(Vec::new, |what| self.of(what));
        LockUsers { state: semaphore.state(), users }
    }
}

fn holder(one: &Use) -> Holder {
    Holder {
        pid: one.pid,
        command: sys::command_of(one.pid).unwrap_or_default(),
        user: sys::user_of(one.pid).unwrap_or_default(),
        writable: one.writable,
    }
}

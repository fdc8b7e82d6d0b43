//! Who has a segment mapped or open, from the maps and descriptors of all processes that may be read; each process is asked
//! for its name once.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::backend::lock::{LockState, SemaphoreName};
use crate::error::Result;
use crate::sys::{self, Loose, Mapped, Program, Use};

/// How often it is asked again, of all segments together, whether somebody has one open: another process that only looks
/// has it open for microseconds.
const SECOND_LOOKS: u32 = 50;
/// As many bytes of a program's name the kernel keeps.
const PROGRAM_NAME: usize = 15;
const ROOT: u32 = 0;

/// A process that has a segment mapped, or open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// For people to read: by the time it is used it may be another process.
    pub pid: u32,
    /// Its command line, as far as it can be read: at most 4096 bytes.
    pub command: String,
    /// The user that it runs as, by name if there is one.
    pub user: String,
    /// Whether it can write.
    pub writable: bool,
    /// Whether it has it mapped. Otherwise it has it open, and could map it.
    pub mapped: bool,
    /// The container that it runs in, if its processes have a PID namespace other than ours.
    pub container: Option<String>,
}

/// All uses of shared memory on the machine, as far as this process may see them.
pub(super) struct Holders {
    index: HashMap<Mapped, Vec<Use>>,
    loose: Vec<Loose>,
    processes: usize,
    readable: usize,
    people: RefCell<HashMap<u32, Holder>>,
    owners: RefCell<HashMap<u32, Option<String>>>,
    programs: OnceCell<Vec<Program>>,
    looks_left: Cell<u32>,
}

impl Holders {
    pub(super) fn find() -> Result<Self> {
        let sys::Uses { uses, loose, processes, readable } = sys::uses()?;
        let mut index: HashMap<Mapped, Vec<Use>> = HashMap::new();
        for one in uses {
            index.entry(one.what).or_default().push(one);
        }
        Ok(Self { index, loose, processes, readable, ..Self::unseen() })
    }

    /// For what the kernel vouches for by itself: no process is looked at.
    pub(super) fn unseen() -> Self {
        Self {
            index: HashMap::new(),
            loose: Vec::new(),
            processes: 0,
            readable: 0,
            people: RefCell::default(),
            owners: RefCell::default(),
            programs: OnceCell::new(),
            looks_left: Cell::new(SECOND_LOOKS),
        }
    }

    pub(super) fn of(&self, segment: Mapped) -> Vec<Holder> {
        let mut found: Vec<Holder> =
            self.index.get(&segment).into_iter().flatten().map(|one| self.holder(one)).collect();
        found.sort_by_key(|holder| holder.pid);
        found
    }

    /// The memory without a name.
    pub(super) fn loose(&self) -> &[Loose] {
        &self.loose
    }

    /// The processes that map files of the device which are not among `named`: files that have lost their names.
    pub(super) fn of_nameless(&self, on: u64, named: &HashSet<Mapped>) -> Vec<Holder> {
        let is_on = |what: &Mapped| matches!(what, Mapped::File { device, .. } if *device == on);
        let uses = self.index.iter().filter(|(what, _)| is_on(what) && !named.contains(what));
        let mut found: Vec<Holder> = uses.flat_map(|(_, uses)| uses).map(|one| self.holder(one)).collect();
        found.sort_by_key(|holder| (holder.pid, !holder.writable));
        found.dedup_by_key(|holder| holder.pid);
        found
    }

    /// How many processes there are, and of how many the maps could be read.
    pub(super) fn seen(&self) -> (usize, usize) {
        (self.processes, self.readable)
    }

    /// Whether every process that could hold something was looked at.
    pub(super) fn saw_all(&self) -> bool {
        sys::TELLS_WHO_MAPS_FILES
            && self.processes > 0
            && self.readable == self.processes
            && sys::sees_all_processes()
    }

    /// What was seen, where nobody was.
    pub(super) fn nobody(&self) -> String {
        let Self { processes, readable, .. } = self;
        if self.saw_all() {
            return format!(
                "no process maps it or has it open; {readable} of {processes} processes were readable, those of all containers \
                 among them"
            );
        }
        let (elsewhere, where_else) = if sys::sees_all_processes() {
            ("", "")
        } else {
            (
                ", and there may be others, hidden or in other containers",
                "look from outside of this container, or in the others",
            )
        };
        let root = if sys::own_user() == Some(ROOT) || readable == processes { "" } else { "look as root" };
        let both = if root.is_empty() || where_else.is_empty() { "" } else { ", and " };
        format!(
            "no process is seen to map it or to have it open ({readable} of {processes} could be read{elsewhere}): \
             {root}{both}{where_else}"
        )
    }

    /// Whether one of the programs runs as the user.
    pub(super) fn runs(&self, programs: &[&'static str], uid: Option<u32>) -> Option<&'static str> {
        let known = self.programs.get_or_init(sys::programs);
        let is_it = |one: &Program, name: &str| {
            uid == Some(one.uid) && one.name == name[..name.len().min(PROGRAM_NAME)]
        };
        programs.iter().find(|name| known.iter().any(|one| is_it(one, name))).copied()
    }

    /// The login name of a user.
    pub(super) fn owner(&self, uid: u32) -> Option<String> {
        self.owners.borrow_mut().entry(uid).or_insert_with(|| sys::user_name(uid)).clone()
    }

    /// Whether it may be asked again who has a segment open.
    pub(super) fn may_look_again(&self) -> bool {
        let left = self.looks_left.get();
        self.looks_left.set(left.saturating_sub(1));
        left > 0
    }

    /// A process that is known to use something that cannot be mapped.
    pub(super) fn user(&self, pid: u32) -> Holder {
        let mut people = self.people.borrow_mut();
        let known = people.entry(pid).or_insert_with(|| Holder {
            pid,
            command: sys::command_of(pid).unwrap_or_default(),
            user: sys::user_of(pid).unwrap_or_default(),
            writable: true,
            mapped: false,
            container: sys::container_of(pid),
        });
        known.clone()
    }

    fn holder(&self, one: &Use) -> Holder {
        Holder { writable: one.writable, mapped: one.mapped, ..self.user(one.pid) }
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

//! What there is on the machine, seen once for all findings: objects in /dev/shm, System V's segments and sets, and
//! the key files of Qt.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::holders::Holders;
use super::super::list::{qt_address, qt_keys};
use super::super::{Holder, Verdict, judge};
use super::{Item, Remedy};
use crate::address::{Address, Kind};
use crate::qt;
use crate::sys::{self, Mapped, SemSet};

/// Of a set with more semaphores, the last users of the others are not asked for.
const ASKED: u64 = 256;

/// One of them.
pub(super) struct Thing {
    pub(super) item: Item,
    pub(super) uid: u32,
    pub(super) class: Class,
    /// Where the command finds it.
    pub(super) address: Option<Address>,
    /// Where it is, if it is a file.
    pub(super) path: Option<PathBuf>,
}

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A file in /dev/shm, which may be a POSIX semaphore's.
    ShmFile { semaphore: bool },
    /// A System V segment; Qt's have a key file.
    Segment { qt: bool, attached: u64 },
    /// A key file of Qt's that leads to no segment.
    KeyFile,
    /// A System V set that no segment uses and whose last users are gone.
    Set,
}

/// All of them, the largest of each class first.
pub(super) struct Things {
    pub(super) all: Vec<Thing>,
    /// The files in /dev/shm as the kernel knows them.
    pub(super) named: HashSet<Mapped>,
}

impl Thing {
    pub(super) fn bytes(&self) -> u64 {
        self.item.bytes.unwrap_or(0)
    }

    /// Whether a process is seen, or counted by the kernel, that uses it.
    pub(super) fn is_held(&self) -> bool {
        self.item.verdict == Verdict::Live
    }
}

impl Things {
    pub(super) fn find(holders: &Holders) -> Self {
        let files = sys::shm_files();
        let named = files.iter().map(|file| file.what).collect();
        let mut all: Vec<Thing> = files.into_iter().map(|file| of_file(file, holders)).collect();
        let rows = sys::shm_rows().unwrap_or_default();
        let qt = qt_keys();
        all.extend(segments(&rows, &qt, holders));
        let taken = key_files(&rows, &mut all);
        all.extend(sets(&taken));
        Self { all, named }
    }

    pub(super) fn of(&self, wanted: impl Fn(&Thing) -> bool) -> Vec<&Thing> {
        self.all.iter().filter(|thing| wanted(thing)).collect()
    }
}

/// What takes things away: one command for those that have an address, and one each for the files that have none.
pub(super) fn remedies(things: &[&Thing], note: &str) -> Vec<Remedy> {
    let mut addresses: Vec<Address> = Vec::new();
    // A segment's and a semaphore's key file may have the same address.
    for address in things.iter().filter_map(|thing| thing.address.as_ref()) {
        if addresses.len() < super::REMOVED_AT_ONCE && !addresses.contains(address) {
            addresses.push(address.clone());
        }
    }
    let mut found = Vec::new();
    if !addresses.is_empty() {
        found.push(Remedy::Remove { addresses, note: note.to_owned() });
    }
    for thing in things.iter().filter(|thing| thing.address.is_none()).take(super::NAMED) {
        match (&thing.path, thing.item.what.split_once("id=")) {
            (Some(path), _) => found.push(Remedy::Delete { path: path.clone(), note: note.to_owned() }),
            (None, Some((_, id))) => found.push(Remedy::run(format!("ipcrm -s {id}"), note)),
            (None, None) => {}
        }
    }
    found
}

fn of_file(file: sys::ShmFile, holders: &Holders) -> Thing {
    let within = file.path.strip_prefix(sys::SHM_DIRECTORY).ok().and_then(Path::to_str);
    let name = within.filter(|name| !name.contains('/'));
    let semaphore = name.is_some_and(|name| name.starts_with("sem."));
    let address = name.filter(|_| !semaphore).and_then(|name| Address::posix(name).ok());
    let found = holders.of(file.what);
    let what = address.as_ref().map_or_else(|| file.path.display().to_string(), Address::to_string);
    let (verdict, reason) = judge(None, &found, &holders.nobody(file.what));
    Thing {
        item: Item {
            what,
            bytes: Some(file.bytes),
            owner: owner(file.uid),
            mode: file.mode,
            verdict,
            reason,
            holders: found,
        },
        uid: file.uid,
        class: Class::ShmFile { semaphore },
        address,
        path: Some(file.path),
    }
}

fn segments(rows: &[sys::ShmRow], qt: &HashMap<i32, Address>, holders: &Holders) -> Vec<Thing> {
    let mut rows: Vec<&sys::ShmRow> = rows.iter().collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.size), row.id));
    let thing = |row: &sys::ShmRow| {
        let by_key = qt.get(&row.key).filter(|_| row.key != 0).cloned();
        let is_qt = by_key.is_some();
        let by_key = by_key.or_else(|| Address::sysv_key(row.key).ok().filter(|_| row.key != 0));
        let address = by_key.or_else(|| Address::sysv_id(row.id).ok());
        let found: Vec<Holder> = holders.of(Mapped::SystemV { id: row.id });
        let (verdict, reason) =
            judge(Some(row.attached), &found, &holders.nobody(Mapped::SystemV { id: row.id }));
        let what = address.as_ref().map_or_else(|| format!("segment id={}", row.id), Address::to_string);
        Thing {
            item: Item {
                what,
                bytes: Some(row.size),
                owner: owner(row.uid),
                mode: row.mode,
                verdict,
                reason,
                holders: found,
            },
            uid: row.uid,
            class: Class::Segment { qt: is_qt, attached: row.attached },
            address,
            path: None,
        }
    };
    rows.into_iter().map(thing).collect()
}

/// Adds Qt's key files that lead to no segment, and gives the keys of all sets that are not to be looked at by
/// themselves: those of segments, and those of Qt.
fn key_files(rows: &[sys::ShmRow], all: &mut Vec<Thing>) -> HashSet<i32> {
    let segments: HashSet<i32> = rows.iter().map(|row| row.key).collect();
    let directory = sys::temporary_directory();
    let mut names = sys::file_names(&directory).unwrap_or_default();
    names.sort_unstable();
    let leads_to_segment =
        |path: &Path| sys::ftok_of_key_file(path, qt::PROJECT).is_ok_and(|key| segments.contains(&key));
    let mut taken = segments.clone();
    for name in &names {
        let path = directory.join(name);
        let (segment, reason) = if qt::semaphore_name_beside(name).is_some() {
            (path.clone(), "there is no segment under its key; whoever is about to make one wants it")
        } else if let Some(segment) = qt::segment_name_beside(name) {
            taken.extend(sys::ftok_of_key_file(&path, qt::PROJECT));
            let reason = "no segment belongs to it; a QSystemSemaphore has such a file too, and its users cannot be seen";
            (directory.join(segment), reason)
        } else {
            continue;
        };
        let Ok(facts) = sys::stat_path(&path, false) else { continue };
        let Some((uid, mode)) = facts.uid.zip(facts.mode) else { continue };
        if leads_to_segment(&segment) {
            continue;
        }
        all.push(Thing {
            item: Item {
                what: path.display().to_string(),
                bytes: None,
                owner: owner(uid),
                mode,
                verdict: Verdict::Unknown,
                reason: reason.to_owned(),
                holders: Vec::new(),
            },
            uid,
            class: Class::KeyFile,
            address: qt_address(&segment),
            path: Some(path),
        });
    }
    taken
}

/// The sets whose last users are known and gone, but for those under the keys that are `taken`.
fn sets(taken: &HashSet<i32>) -> Vec<Thing> {
    let rows = sys::sem_rows().unwrap_or_default();
    let thing = |row: sys::SemRow| {
        if row.key != 0 && taken.contains(&row.key) {
            return None;
        }
        let count = u16::try_from(row.count.min(ASKED)).ok()?;
        let mut users: Vec<u32> = (0..count).filter_map(|index| SemSet(row.id).last_user(index)).collect();
        users.dedup();
        if users.is_empty() || users.iter().any(|&pid| sys::process_exists(pid)) {
            return None;
        }
        Some(Thing {
            item: Item {
                what: format!("semaphore set id={}", row.id),
                bytes: None,
                owner: owner(row.uid),
                mode: row.mode,
                verdict: Verdict::Unknown,
                reason: "the processes that used it last are gone; others may still know it".to_owned(),
                holders: Vec::new(),
            },
            uid: row.uid,
            class: Class::Set,
            address: None,
            path: None,
        })
    };
    rows.into_iter().filter_map(thing).collect()
}

/// Whether something is a segment that other programs can attach by name.
pub(super) fn is_segment(thing: &Thing) -> bool {
    match thing.class {
        Class::ShmFile { semaphore } => {
            !semaphore && thing.address.as_ref().is_some_and(|address| address.kind() == Kind::Posix)
        }
        Class::Segment { .. } => true,
        Class::KeyFile | Class::Set => false,
    }
}

fn owner(uid: u32) -> String {
    sys::user_name(uid).unwrap_or_else(|| uid.to_string())
}

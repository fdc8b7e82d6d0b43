//! What there is on the machine, seen once for all findings: objects in /dev/shm, System V's segments and sets, and
//! the key files of Qt.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::holders::Holders;
use super::super::list::{list_with, qt_address};
use super::super::others::{Other, OtherKind, others_with};
use super::super::{Entry, Verdict};
use super::{Item, Remedy};
use crate::address::{Address, Kind};
use crate::backend::is_untouched;
use crate::qt;
use crate::sys::{self, Mapped};

/// What was used since is not removed unasked.
const YOUNG: Duration = Duration::from_secs(60);

/// One of them.
pub(super) struct Thing {
    pub(super) item: Item,
    pub(super) uid: u32,
    pub(super) class: Class,
    /// Where the command finds it.
    pub(super) address: Option<Address>,
    /// Where it is, if it is a file that has no address.
    pub(super) path: Option<PathBuf>,
    /// Whether somebody has used it within the last minute.
    pub(super) is_young: bool,
}

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A file in /dev/shm, which may be a POSIX semaphore's.
    ShmFile { semaphore: bool },
    /// A System V segment; Qt's have a key file.
    Segment { qt: bool, attached: u64 },
    /// Memory without a name.
    Loose,
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
    /// Those of them whose names no address can have: they are not UTF-8.
    pub(super) odd: Vec<Item>,
}

impl Thing {
    pub(super) fn bytes(&self) -> u64 {
        self.item.bytes.unwrap_or(0)
    }

    /// Whether a process is seen, or counted by the kernel, that uses it.
    pub(super) fn is_held(&self) -> bool {
        self.item.verdict == Verdict::Live
    }

    /// Whether it is proven to be of no use, and something that reaping removes.
    pub(super) fn is_stale(&self) -> bool {
        self.item.verdict == Verdict::Stale && self.address.is_some()
    }
}

impl Things {
    pub(super) fn find(holders: &Holders) -> Self {
        let files = sys::shm_files();
        let named = files.iter().map(|file| file.what).collect();
        let odd = files.iter().filter(|file| file.path.to_str().is_none()).map(odd).collect();
        let entries = list_with(None, holders).unwrap_or_default();
        let mut all: Vec<Thing> = entries.into_iter().map(of_entry).collect();
        let others = others_with(holders);
        let rows = sys::shm_rows().unwrap_or_default();
        let segments: HashSet<i32> = rows.iter().map(|row| row.facts.key).collect();
        let taken = key_files(&segments, &mut all);
        all.extend(others.into_iter().filter_map(|other| of_other(other, &taken)));
        all.sort_by(|one, other| {
            other.bytes().cmp(&one.bytes()).then_with(|| one.item.what.cmp(&other.item.what))
        });
        Self { all, named, odd }
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

fn odd(file: &sys::ShmFile) -> Item {
    Item {
        what: file.path.display().to_string(),
        bytes: Some(file.bytes),
        owner: owner(file.uid),
        mode: file.mode & 0o777,
        verdict: Verdict::Unknown,
        reason: "its name is not UTF-8, so no address leads to it".to_owned(),
        holders: Vec::new(),
    }
}

fn of_entry(entry: Entry) -> Thing {
    let is_young = !is_untouched(&entry.stat, YOUNG);
    let Entry { address, stat, memory, owner, holders, verdict, reason, .. } = entry;
    let (class, bytes) = match (address.kind(), stat.attached) {
        (kind, Some(attached)) => (Class::Segment { qt: kind == Kind::Qt, attached }, Some(stat.size)),
        (Kind::Memfd, _) => (Class::Loose, memory),
        (Kind::File, _) if stat.removed => (Class::Loose, memory),
        _ => (Class::ShmFile { semaphore: false }, memory),
    };
    let uid = stat.uid.unwrap_or_default();
    Thing {
        item: Item {
            what: address.to_string(),
            bytes,
            owner: owner.unwrap_or_else(|| uid.to_string()),
            mode: stat.mode.unwrap_or_default(),
            verdict,
            reason,
            holders,
        },
        uid,
        class,
        address: Some(address),
        path: None,
        is_young,
    }
}

/// A semaphore, or a set whose last users are known and gone, unless its key is `taken`.
fn of_other(other: Other, taken: &HashSet<i32>) -> Option<Thing> {
    let (class, what, path) = match other.kind {
        OtherKind::Semaphore if !other.is_needed => {
            let path = Path::new(sys::SHM_DIRECTORY).join(format!("sem.{}", &other.name[1..]));
            (Class::ShmFile { semaphore: true }, path.display().to_string(), Some(path))
        }
        OtherKind::SemaphoreSet if other.was_left && !other.key.is_some_and(|key| taken.contains(&key)) => {
            (Class::Set, format!("semaphore set id={}", other.id?), None)
        }
        _ => return None,
    };
    Some(Thing {
        item: Item {
            what,
            bytes: None,
            owner: other.owner.unwrap_or_else(|| other.uid.to_string()),
            mode: other.mode,
            verdict: other.verdict,
            reason: other.reason,
            holders: other.users,
        },
        uid: other.uid,
        class,
        address: None,
        path,
        is_young: true,
    })
}

/// Adds Qt's key files that lead to no segment, and gives the keys of all sets that are not to be looked at by
/// themselves: those of segments, and those of Qt.
fn key_files(segments: &HashSet<i32>, all: &mut Vec<Thing>) -> HashSet<i32> {
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
            is_young: true,
        });
    }
    taken
}

/// Whether something is a segment that other programs can attach by name.
pub(super) fn is_segment(thing: &Thing) -> bool {
    match thing.class {
        Class::ShmFile { semaphore } => !semaphore,
        Class::Segment { .. } => true,
        Class::Loose | Class::KeyFile | Class::Set => false,
    }
}

/// Whether it is one of our own.
pub(super) fn is_native(thing: &Thing) -> bool {
    thing.address.as_ref().is_some_and(|address| address.kind() == Kind::Cenote)
}

fn owner(uid: u32) -> String {
    sys::user_name(uid).unwrap_or_else(|| uid.to_string())
}

//! All segments of the machine: the objects in /dev/shm, System V's, with Qt's told apart by their key files, and memory
//! without a name that some process has; on Windows the sections that have names.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::holders::Holders;
use super::{Entry, Verdict, describe, entry};
use crate::address::{Address, Kind};
use crate::backend::{self, Examined};
use crate::error::{Error, ErrorKind, Result};
use crate::qt::{self, KeyType, NativeKey};
use crate::sys::{self, Loose, Mapped};

/// What the kernel calls anonymous memory.
const MEMFD: &str = "/memfd:";

/// Lists the segments of one kind, or of all kinds that can be listed: `cenote`, `posix`, `sysv`, `qt`, and `memfd` and `file`
/// as far as they lie in /dev/shm or some process has them without a name; on Windows `windows` and `qt`, as far as this
/// session can open them.
///
/// A Qt segment is listed as `qt:` with its key if that can be told (a key of letters only), else in its native form;
/// the key is hashed in the name of its file. Memory without a name is listed as `memfd:PID/FD` if a process has a descriptor
/// of it, else as the file that /proc shows. POSIX semaphores, which lie beside the segments, are no segments: see
/// [`others`](super::others).
///
/// # Errors
/// What the system says if it will not list at all. What vanishes meanwhile is left out, and so is what may not be
/// looked at.
pub fn list(kind: Option<Kind>) -> Result<Vec<Entry>> {
    list_with(kind, &Holders::find()?)
}

pub(super) fn list_with(kind: Option<Kind>, holders: &Holders) -> Result<Vec<Entry>> {
    if let Some(error) = kind.and_then(sys::lacks) {
        return Err(error);
    }
    let wanted = |one: Kind| kind.is_none_or(|kind| kind == one) && sys::lacks(one).is_none();
    let mut found = Vec::new();
    if [Kind::Posix, Kind::Cenote, Kind::File, Kind::Memfd].into_iter().any(wanted) {
        let files = sys::shm_files();
        if files.is_empty() && sys::lacks(Kind::Posix).is_none() {
            // An empty list would say that there are none, where it cannot be read.
            let hint = "POSIX and native segments lie there: `cenote doctor` says what is wrong; `cenote ls sysv:` lists others";
            sys::file_names(Path::new(sys::SHM_DIRECTORY)).map_err(|error| error.with_hint(hint))?;
        }
        let mut paths: Vec<&PathBuf> = files.iter().map(|file| &file.path).collect();
        paths.sort_unstable();
        let places = paths.into_iter().filter_map(|path| Some((path, address_in_shm(path)?)));
        let places = places.filter(|(_, address)| wanted(address.kind()));
        found.extend(places.filter_map(|(path, address)| entry_in_shm(path, &address, holders).ok()));
        let named = files.iter().map(|file| file.what).collect();
        found.extend(loose(holders, &named).into_iter().filter(|one| wanted(one.address.kind())));
    }
    if (wanted(Kind::Sysv) || wanted(Kind::Qt)) && sys::lacks(Kind::Sysv).is_none() {
        match system_v(holders) {
            Ok(entries) => found.extend(entries.into_iter().filter(|entry| wanted(entry.address.kind()))),
            // Some containers hide them. Whoever did not ask for them gets the others.
            Err(error) if kind.is_none() && error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
    }
    if (wanted(Kind::Windows) || wanted(Kind::Qt)) && sys::lacks(Kind::Windows).is_none() {
        let addresses = sections()?.into_iter().filter(|address| wanted(address.kind()));
        found.extend(addresses.filter_map(|address| entry(&address, holders).ok()));
    }
    Ok(found)
}

/// The sections that this session finds by a name. What else has a name that no program can open is left out.
fn sections() -> Result<Vec<Address>> {
    let has_qt = sys::lacks(Kind::Qt).is_none();
    let address = |name: &String| {
        let bare = name.strip_prefix(r"Local\").filter(|_| has_qt);
        bare.and_then(qt_section).or_else(|| Address::windows(name).ok())
    };
    Ok(sys::section_names()?.iter().filter_map(address).collect())
}

/// The address of the section, if its name is of Qt's making.
fn qt_section(name: &str) -> Option<Address> {
    qt::semaphore_name_beside(name)?;
    let address = match qt::key_guess(name) {
        Some(key) => Address::qt(&key),
        None => NativeKey::new(KeyType::Windows, name).map(Address::qt_native),
    };
    address.ok()
}

/// What lies in /dev/shm: native segments, those of `shm_open`, and files in folders.
pub(super) fn address_in_shm(path: &Path) -> Option<Address> {
    let within = path.strip_prefix(sys::SHM_DIRECTORY).ok()?.to_str()?;
    let address = match backend::native_name(within) {
        Some((uid, native)) => native_address(uid, &native),
        None if within.starts_with(backend::SEMAPHORE) => return None,
        None if within.contains('/') => Address::file(path),
        None => Address::posix(within),
    };
    address.ok()
}

/// A path in folders that are anybody's leads only where it led when it was found.
fn entry_in_shm(path: &Path, address: &Address, holders: &Holders) -> Result<Entry> {
    let from_outside = || {
        let backend = backend::of_shm_file(path);
        let seen = backend.examine()?;
        Ok(describe(address, &*backend, seen, None, holders))
    };
    match address.kind() {
        Kind::File => from_outside(),
        Kind::Cenote => entry(address, holders).or_else(|error| match error.kind() {
            // It takes memory all the same.
            ErrorKind::Incompatible | ErrorKind::Corrupt | ErrorKind::Untrusted => {
                let mut entry: Entry = from_outside()?;
                if entry.verdict == Verdict::Unknown {
                    entry.reason = error.to_string();
                }
                Ok(entry)
            }
            _ => Err(error),
        }),
        _ => entry(address, holders),
    }
}

fn native_address(uid: u32, name: &str) -> Result<Address> {
    if sys::own_user() == Some(uid) {
        return Address::native(name);
    }
    let user = sys::user_name(uid).unwrap_or_else(|| uid.to_string());
    Address::native(&format!("@{user}/{name}"))
}

/// Memory without a name, each once: by a descriptor if there is one, of the lowest process.
fn loose(holders: &Holders, named: &HashSet<Mapped>) -> Vec<Entry> {
    let mut places: Vec<&Loose> = holders.loose().iter().filter(|one| !named.contains(&one.what)).collect();
    places.sort_by_key(|one| (one.what.order(), !one.place.starts_with("fd/"), one.pid));
    places.dedup_by_key(|one| one.what);
    places.sort_by_key(|one| one.pid);
    let entry = |one: &&Loose| {
        let label = one.label.strip_prefix(MEMFD);
        let address = match one.place.strip_prefix("fd/") {
            Some(number) if label.is_some() => Address::memfd_of(one.pid, number.parse().ok()?),
            _ => Address::file(format!("/proc/{}/{}", one.pid, one.place)),
        };
        let address = address.ok()?;
        let mut entry = entry_labelled(&address, Some(label.unwrap_or(&one.label)), holders).ok()?;
        entry.stat.removed = label.is_none();
        Some(entry)
    };
    places.iter().filter_map(entry).collect()
}

fn entry_labelled(address: &Address, label: Option<&str>, holders: &Holders) -> Result<Entry> {
    let backend = backend::of(address)?;
    let seen = backend.examine()?;
    Ok(describe(address, &*backend, seen, label, holders))
}

/// From the table that shows everybody's, read once.
fn system_v(holders: &Holders) -> Result<Vec<Entry>> {
    let mut rows = sys::shm_rows().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "the list of System V segments cannot be read")
            .with_hint("this kernel or container has no /proc/sysvipc/shm")
    })?;
    rows.sort_unstable_by_key(|row| row.facts.id);
    let qt = qt_keys();
    let entry = |row: sys::ShmRow| {
        let facts = &row.facts;
        let address = match qt.get(&facts.key) {
            Some(address) if facts.key != 0 && !facts.removed => address.clone(),
            // Another segment may have the key of one that was removed.
            _ if facts.key != 0 && !facts.removed => Address::sysv_key(facts.key).ok()?,
            _ => Address::sysv_id(facts.id).ok()?,
        };
        let backend = backend::of(&address).ok()?;
        let mapped = Mapped::SystemV { id: facts.id };
        let seen = Examined::new(backend::stat_of_system_v(facts), mapped, backend.lock_state());
        Some(describe(&address, &*backend, Examined { memory: row.memory, ..seen }, None, holders))
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// The System V keys that Qt's key files lead to, with the addresses of the segments.
pub(super) fn qt_keys() -> HashMap<i32, Address> {
    let directory = sys::temporary_directory();
    let names = sys::file_names(&directory).unwrap_or_default();
    let segments = names.iter().filter(|name| qt::semaphore_name_beside(name).is_some());
    let keys = segments.filter_map(|name| {
        let path = directory.join(name);
        Some((sys::ftok_of_key_file(&path, qt::PROJECT).ok()?, qt_address(&path)?))
    });
    keys.collect()
}

/// The address of the segment that has its key file at `path`, or would have.
pub(super) fn qt_address(path: &Path) -> Option<Address> {
    let address = match qt::key_guess(path.file_name()?.to_str()?) {
        Some(key) => Address::qt(&key),
        None => NativeKey::new(KeyType::SYSTEM_V, path.to_str()?).map(Address::qt_native),
    };
    address.ok()
}

//! All segments of the machine: the objects in /dev/shm, and System V's, with Qt's told apart by their key files; on
//! Windows the sections that have names.

use std::collections::HashMap;
use std::path::Path;

use super::holders::Holders;
use super::{Entry, entry};
use crate::address::{Address, Kind};
use crate::backend;
use crate::error::{ErrorKind, Result};
use crate::qt::{self, KeyType, NativeKey};
use crate::sys;

/// Lists the segments of one kind, or of all kinds that can be listed: `cenote`, `posix`, `sysv` and `qt`; on Windows `windows`
/// and `qt`, as far as this session can open them.
///
/// A Qt segment is listed as `qt:` with its key if that can be told (a key of letters only), else in its native form;
/// the key is hashed in the name of its file. POSIX semaphores, which lie beside the segments, are no segments.
///
/// # Errors
/// What the system says if it will not list at all. What vanishes meanwhile is left out, and so is what may not be
/// looked at.
pub fn list(kind: Option<Kind>) -> Result<Vec<Entry>> {
    if let Some(error) = kind.and_then(sys::lacks) {
        return Err(error);
    }
    let holders = Holders::find()?;
    let wanted = |one: Kind| kind.is_none_or(|kind| kind == one);
    let has = |one: Kind| sys::lacks(one).is_none();
    let mut addresses = Vec::new();
    if (wanted(Kind::Posix) || wanted(Kind::Cenote)) && has(Kind::Posix) {
        addresses.extend(in_shm()?.into_iter().filter(|address| wanted(address.kind())));
    }
    if (wanted(Kind::Sysv) || wanted(Kind::Qt)) && has(Kind::Sysv) {
        match system_v() {
            Ok(found) => addresses.extend(found.into_iter().filter(|address| wanted(address.kind()))),
            // Some containers hide them. Whoever did not ask for them gets the others.
            Err(error) if kind.is_none() && error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
    }
    if (wanted(Kind::Windows) || wanted(Kind::Qt)) && has(Kind::Windows) {
        addresses.extend(sections()?.into_iter().filter(|address| wanted(address.kind())));
    }
    Ok(addresses.iter().filter_map(|address| entry(address, &holders).ok()).collect())
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

/// What lies in /dev/shm: native segments, and those of `shm_open`.
fn in_shm() -> Result<Vec<Address>> {
    let mut names: Vec<String> = sys::file_names(Path::new(sys::SHM_DIRECTORY))?;
    names.sort_unstable();
    let address = |name: &String| match backend::native_name(name) {
        Some((uid, native)) => native_address(uid, &native).ok(),
        None => Address::posix(name).ok(),
    };
    Ok(names.iter().filter(|name| !name.starts_with("sem.")).filter_map(address).collect())
}

fn native_address(uid: u32, name: &str) -> Result<Address> {
    if sys::own_user() == Some(uid) {
        return Address::native(name);
    }
    let user = sys::user_name(uid).unwrap_or_else(|| uid.to_string());
    Address::native(&format!("@{user}/{name}"))
}

fn system_v() -> Result<Vec<Address>> {
    let qt = qt_keys();
    let mut segments: Vec<_> = sys::shm_ids()?.into_iter().filter_map(|id| sys::shm_stat(id).ok()).collect();
    segments.sort_unstable_by_key(|facts| facts.id);
    let address = |facts: &sys::ShmFacts| match qt.get(&facts.key) {
        Some(address) => Some(address.clone()),
        // Another segment may have the key of one that was removed.
        None if facts.key != 0 && !facts.removed => Address::sysv_key(facts.key).ok(),
        None => Address::sysv_id(facts.id).ok(),
    };
    Ok(segments.iter().filter_map(address).collect())
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

//! What is on this machine: segments of every kind, and who holds them. Looking never attaches.

mod health;
mod holders;
mod list;

use crate::address::{Address, Kind};
use crate::backend::lock::{LockState, semaphore_name};
use crate::backend::{self, Life, Stat};
pub use crate::backend::{Named, NamedKind, Sharer};
use crate::error::Result;
use crate::value::Content;

pub use health::{Finding, Found, Health, Item, Remedy, State, health};
use holders::Holders;
pub use holders::{Holder, LockUsers};
pub use list::list;

/// One segment, as it was when it was looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Where it is.
    pub address: Address,
    /// What the system knows of it.
    pub stat: Stat,
    /// The owner's login name, if it has one.
    pub owner: Option<String>,
    /// The processes that have it mapped, as far as they could be seen.
    pub holders: Vec<Holder>,
    /// Whether it is of use to anyone.
    pub verdict: Verdict,
    /// Why the verdict is what it is.
    pub reason: String,
    /// Whether somebody has its lock.
    pub lock: LockState,
    /// The processes that wait for its lock, where that can be seen: of native segments.
    pub lock_waiters: Vec<u32>,
    /// What it has by name: of native segments.
    pub named: Vec<Named>,
    /// The processes that have its lock open, where the system does not tell who has it.
    pub lock_users: Vec<Holder>,
    /// What is in it, where it says so. `None` if it does not, or what it says cannot be.
    pub content: Option<Content>,
}

/// Whether a segment is of use to anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It has holders.
    Live,
    /// It has no holder, but its maker asked for it to stay.
    Kept,
    /// It is proven to be of no use to anyone.
    Stale,
    /// It cannot be told.
    Unknown,
}

impl Verdict {
    /// The word for it: `live`, `kept`, `stale`, `unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Kept => "kept",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `pad` heeds the width that tables ask for.
        f.pad(self.as_str())
    }
}

/// Looks at one segment.
///
/// # Errors
/// `NotFound`, `PermissionDenied`, `KeyError`, `Unsupported`; of a native segment also `Untrusted`, `Corrupt`,
/// `Incompatible` and `LockError`.
///
/// ```
/// # let name = format!("posix:/cenote-doc-look-{}", std::process::id());
/// # let name = name.as_str();
/// let segment = cenote::Segment::create(name, 64)?;
/// let entry = cenote::catalog::look(segment.address())?;
/// assert_eq!(entry.holders[0].pid, std::process::id());
/// # cenote::Segment::remove(name)?;
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn look(address: &Address) -> Result<Entry> {
    Holders::find()
        .and_then(|holders| entry(address, &holders))
        .map_err(|error| error.during("look at", address))
}

/// Who may have the lock of a segment, or another that is used instead ([`Options::lock_with`](crate::Options::lock_with)),
/// where the system does not tell: named semaphores of POSIX and of Windows; and its holder, where that is known. `None` for all other locks, which `Entry::lock` tells of.
///
/// # Errors
/// `NotFound`, `PermissionDenied`, `KeyError`, `Unsupported`; of a native segment also `Untrusted`, `Corrupt`,
/// `Incompatible` and `LockError`.
pub fn lock_users(address: &Address, lock_with: Option<&Address>) -> Result<Option<LockUsers>> {
    let users = || -> Result<Option<LockUsers>> {
        let backend = backend::of(address)?;
        let name = match lock_with {
            Some(lock) => semaphore_name(lock)?,
            None => backend.lock_semaphore(),
        };
        let holders = Holders::find()?;
        if let Some(name) = name {
            return Ok(Some(holders.of_semaphore(&name)));
        }
        let state = backend.lock_state();
        let LockState::Held(Some(pid)) = state else { return Ok(None) };
        let users = holders.of(backend.mapped()?).into_iter().filter(|holder| holder.pid == pid);
        Ok(lock_with.is_none().then(|| LockUsers { state, users: users.collect() }))
    };
    users().map_err(|error| error.during("look at the lock of", lock_with.unwrap_or(address)))
}

fn entry(address: &Address, holders: &Holders) -> Result<Entry> {
    let backend = backend::of(address)?;
    let stat = backend.stat()?;
    let mapped = backend.mapped()?;
    let found = holders.of(mapped);
    let (verdict, reason) = match backend.life()? {
        Some(life) => proven(life, &found),
        None => judge(stat.attached, &found, &holders.nobody(mapped)),
    };
    let semaphore = backend.lock_semaphore();
    let lock_users = semaphore.map_or_else(Vec::new, |name| holders.of_semaphore(&name).users);
    Ok(Entry {
        address: address.clone(),
        owner: stat.uid.and_then(crate::sys::user_name).or_else(|| backend.owner()),
        holders: found,
        verdict,
        reason,
        lock: backend.lock_state(),
        lock_waiters: backend.lock_waiters()?,
        named: backend.named()?,
        lock_users,
        content: if address.kind() == Kind::Cenote { Content::look(address).ok() } else { None },
        stat,
    })
}

/// What the kernel vouches for, wherever the holders are.
fn proven(life: Life, found: &[Holder]) -> (Verdict, String) {
    match life {
        Life::Held if found.is_empty() => (Verdict::Live, "somebody that cannot be seen holds it".to_owned()),
        Life::Held => (Verdict::Live, counted(found.len() as u64, "process holds it", "processes hold it")),
        Life::Kept => (Verdict::Kept, "nobody holds it, and its maker asked for it to stay".to_owned()),
        Life::Stale => (Verdict::Stale, "all its holders have died, and nobody can attach it".to_owned()),
    }
}

fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// Segments without a header do not say whether their maker wants them to stay: without holders, nobody can tell.
fn judge(attached: Option<u64>, found: &[Holder], nobody: &str) -> (Verdict, String) {
    match attached {
        Some(0) => {
            (Verdict::Unknown, "the kernel counts no attachment; its maker may still want it".to_owned())
        }
        Some(count) => {
            (Verdict::Live, format!("the kernel counts {}", counted(count, "attachment", "attachments")))
        }
        None if !found.is_empty() => {
            (Verdict::Live, counted(found.len() as u64, "process maps it", "processes map it"))
        }
        None => (Verdict::Unknown, format!("{nobody}; its maker may still want it")),
    }
}

//! What is on this machine: segments of every kind, and who holds them. Looking never attaches.

mod health;
mod holders;
mod list;
mod makers;
mod others;
mod pattern;
mod reap;
mod verdicts;

use crate::address::Address;
use crate::backend::lock::{LockState, semaphore_name};
use crate::backend::{self, Backend, Examined, Stat};
pub use crate::backend::{Named, NamedKind, Sharer};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Mapped};
use crate::value::Content;

pub use health::{Finding, Found, Health, Item, Remedy, State, health};
use holders::Holders;
pub use holders::{Holder, LockUsers};
pub use list::list;
use makers::maker_of;
pub use others::{Other, OtherKind, others};
pub use pattern::Pattern;
pub use reap::{Outcome, Reap, Reaped};
use verdicts::{Case, judge};

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
    /// What it takes of the machine's memory now, where that can be told: a segment has holes until they are written to.
    pub memory: Option<u64>,
    /// The program or library that made it, as far as its name tells.
    pub maker: Option<&'static str>,
    /// What memory without a name was called by its maker.
    pub label: Option<String>,
    /// The processes that have it mapped or open, as far as they could be seen.
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
    /// What the kernel calls it.
    mapped: Mapped,
}

impl Entry {
    /// What a System V segment, or one of Qt's on System V, begins with: at most so many bytes, out of the memory of a holder.
    /// Nothing is attached, and nothing of the segment changes. The holders write at any time, and may leave.
    ///
    /// # Errors
    /// `NotFound`: nobody has it attached; `PermissionDenied`: nobody who has may be read by this process, which takes the rights
    /// to trace it; `Unsupported`: it is of another kind.
    ///
    /// ```
    /// # let address = format!("sysv:{:#010x}", 0x4300_0000 | std::process::id());
    /// # let address = address.as_str();
    /// # if address.parse::<cenote::Address>().is_ok_and(|at| cenote::catalog::look(&at).is_err()) {
    /// # let Ok(segment) = cenote::Segment::create(address, 64) else { return Ok(()) };
    /// segment.write_at(0, b"Hello")?;
    /// let entry = cenote::catalog::look(segment.address())?;
    /// assert_eq!(entry.peek(5)?, b"Hello");
    /// # cenote::Segment::remove(address)?;
    /// # }
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn peek(&self, most: usize) -> Result<Vec<u8>> {
        let Mapped::SystemV { id } = self.mapped else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "only System V segments are looked at in their holders' memory",
            ));
        };
        // What is behind its end is the holder's, although on a page of the segment.
        let most = usize::try_from(self.stat.size).unwrap_or(usize::MAX).min(most);
        let found = self.holders.iter().filter(|holder| holder.mapped);
        if let Some(bytes) = found.filter_map(|one| sys::peek_at_system_v(one.pid, id, most).ok()?).next() {
            return Ok(bytes);
        }
        let (kind, what) = match self.stat.attached {
            Some(0) => (
                ErrorKind::NotFound,
                "nobody has it attached, and attaching would change its times and counts",
            ),
            _ => (
                ErrorKind::PermissionDenied,
                "the memory of those who have it attached may not be read by this user",
            ),
        };
        Err(Error::new(kind, what).with_hint("`cenote read` attaches it, and reads it"))
    }
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
    let seen = backend.examine()?;
    Ok(describe(address, &*backend, seen, None, holders))
}

fn describe(
    address: &Address,
    backend: &dyn Backend,
    seen: Examined,
    label: Option<&str>,
    holders: &Holders,
) -> Entry {
    let found = holders.of(seen.mapped);
    let maker = maker_of(address, label);
    let (verdict, reason) = judge(&Case { address, backend, seen: &seen, found: &found, maker }, holders);
    let semaphore = backend.lock_semaphore();
    let lock_users = semaphore.map_or_else(Vec::new, |name| holders.of_semaphore(&name).users);
    let Examined { stat, mapped, memory, lock, lock_waiters, named, inside, .. } = seen;
    Entry {
        address: address.clone(),
        owner: stat.uid.and_then(|uid| holders.owner(uid)).or_else(|| backend.owner()),
        stat,
        memory,
        maker: maker.map(|maker| maker.name),
        label: label.map(str::to_owned),
        holders: found,
        verdict,
        reason,
        lock,
        lock_waiters,
        named,
        lock_users,
        content: inside.and_then(|inside| Content::of_inside(&*inside).ok()),
        mapped,
    }
}

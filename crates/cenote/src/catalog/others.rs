//! What lies beside the segments: POSIX semaphores, and System V's semaphore sets and message queues.

use super::Verdict;
use super::holders::{Holder, Holders};
use super::makers::maker_of_semaphore;
use super::verdicts::{of_shm_file, who};
use crate::address::Address;
use crate::backend::{self, SEMAPHORE};
use crate::error::Result;
use crate::sys::{self, SemSet};

/// Of a set with more semaphores, the last users of the others are not asked for.
const ASKED: u64 = 256;

/// Something that processes share and that is no segment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Other {
    /// What it is.
    pub kind: OtherKind,
    /// Its name with the slash, as `sem_open` takes it; of System V its key in hexadecimal digits, or `id=` and its id if it
    /// has none.
    pub name: String,
    /// The id that `ipcs` and `ipcrm` know it by, of System V.
    pub id: Option<i32>,
    /// The key, of System V, if it has one.
    pub key: Option<i32>,
    /// The owner's login name, if it has one.
    pub owner: Option<String>,
    /// The owner's user id.
    pub uid: u32,
    /// The permission bits, as in `chmod`.
    pub mode: u32,
    /// Who made it, as far as its name tells.
    pub maker: Option<&'static str>,
    /// The processes that have it mapped or open; of System V those that are known to have used it last, and live.
    pub users: Vec<Holder>,
    /// Whether it is of use to anyone.
    pub verdict: Verdict,
    /// Why the verdict is what it is.
    pub reason: String,
    /// Whether those that used it last are known and gone.
    pub(super) was_left: bool,
    /// Whether it belongs to something that is there.
    pub(super) is_needed: bool,
}

/// What something is that is no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OtherKind {
    /// A named one of POSIX, as by `sem_open`.
    Semaphore,
    /// One of System V, as by `semget`.
    SemaphoreSet,
    /// One of System V, as by `msgget`.
    MessageQueue,
}

impl OtherKind {
    /// The word for it: `semaphore`, `semaphore-set`, `message-queue`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Semaphore => "semaphore",
            Self::SemaphoreSet => "semaphore-set",
            Self::MessageQueue => "message-queue",
        }
    }
}

impl std::fmt::Display for OtherKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Lists what lies beside the segments: POSIX semaphores, System V's semaphore sets and message queues.
///
/// The kernel counts no users of a semaphore set or a message queue: what becomes of those is never proven, and their verdict
/// is unknown. So is that of a semaphore that may be the lock of a segment which is there, as Qt's are.
///
/// # Errors
/// What the system says if /proc cannot be read.
///
/// ```
/// for other in cenote::catalog::others()? {
///     println!("{} {}: {}", other.kind, other.name, other.verdict);
/// }
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn others() -> Result<Vec<Other>> {
    Ok(others_with(&Holders::find()?))
}

pub(super) fn others_with(holders: &Holders) -> Vec<Other> {
    let mut found: Vec<Other> = sys::shm_files().iter().filter_map(|file| semaphore(file, holders)).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.extend(system_v_others(holders));
    found
}

/// System V's sets and queues.
pub(super) fn system_v_others(holders: &Holders) -> Vec<Other> {
    let sets = sys::sem_rows().unwrap_or_default();
    let queues = sys::queue_rows().unwrap_or_default();
    let sets = sets.iter().map(|row| set(row, holders));
    sets.chain(queues.iter().map(|row| queue(row, holders))).collect()
}

/// The files of POSIX semaphores as addresses, by name.
pub(super) fn semaphores() -> Vec<Address> {
    let mut names: Vec<String> =
        sys::shm_files().iter().filter_map(|file| Some(file_name(file)?.to_owned())).collect();
    names.sort_unstable();
    names.iter().filter_map(|name| Address::posix(name).ok()).collect()
}

/// What the file of a semaphore is called; `None` if it is another's.
fn file_name(file: &sys::ShmFile) -> Option<&str> {
    let within = file.path.strip_prefix(sys::SHM_DIRECTORY).ok()?.to_str()?;
    (within.starts_with(SEMAPHORE) && !within.contains('/')).then_some(within)
}

fn semaphore(file: &sys::ShmFile, holders: &Holders) -> Option<Other> {
    let within = file_name(file)?;
    let name = format!("/{}", &within[SEMAPHORE.len()..]);
    let maker = maker_of_semaphore(&name);
    let users = holders.of(file.what);
    let backend = backend::of(&Address::posix(within).ok()?).ok()?;
    let (verdict, reason) = if users.is_empty() {
        of_shm_file(&*backend, Some(file.uid), maker, holders)
    } else {
        (Verdict::Live, who(&users))
    };
    Some(Other {
        kind: OtherKind::Semaphore,
        name,
        id: None,
        key: None,
        owner: holders.owner(file.uid),
        uid: file.uid,
        mode: file.mode,
        maker: maker.map(|maker| maker.name),
        users,
        verdict,
        reason,
        was_left: false,
        is_needed: backend.needed_for().is_some(),
    })
}

fn set(row: &sys::SemRow, holders: &Holders) -> Other {
    let count = u16::try_from(row.count.min(ASKED)).unwrap_or(0);
    let users: Vec<u32> = (0..count).filter_map(|index| SemSet(row.id).last_user(index)).collect();
    system_v(OtherKind::SemaphoreSet, (row.id, row.key), (row.uid, row.mode), &users, holders)
}

fn queue(row: &sys::QueueRow, holders: &Holders) -> Other {
    let (id, key) = ((row.id, row.key), (row.uid, row.mode));
    let mut found = system_v(OtherKind::MessageQueue, id, key, &row.last_users, holders);
    found.reason = format!("{} messages lie in it, {} bytes; {}", row.messages, row.bytes, found.reason);
    found
}

fn system_v(
    kind: OtherKind,
    (id, key): (i32, i32),
    (uid, mode): (u32, u32),
    last_users: &[u32],
    holders: &Holders,
) -> Other {
    let mut users: Vec<u32> = last_users.iter().copied().filter(|&pid| sys::process_exists(pid)).collect();
    users.sort_unstable();
    users.dedup();
    let reason = match (users.len(), last_users.len()) {
        (0, 0) => "the kernel counts no users of it; it was not used, or that may not be seen",
        (0, _) => {
            "the kernel counts no users of it; those that used it last are gone, and others may still know it"
        }
        _ => "the kernel counts no users of it; some that used it last still run",
    };
    Other {
        kind,
        name: if key == 0 { format!("id={id}") } else { format!("{key:#010x}") },
        id: Some(id),
        key: (key != 0).then_some(key),
        owner: holders.owner(uid),
        uid,
        mode,
        maker: None,
        was_left: users.is_empty() && !last_users.is_empty(),
        is_needed: false,
        users: users.into_iter().map(|pid| holders.user(pid)).collect(),
        verdict: Verdict::Unknown,
        reason: reason.to_owned(),
    }
}

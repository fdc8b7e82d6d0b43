//! Removing what is stale, and nothing else.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use super::holders::Holders;
use super::list::list_with;
use super::others::{Other, OtherKind, semaphores, system_v_others};
use super::pattern::Pattern;
use super::{Entry, Verdict, entry};
use crate::address::{Address, Kind};
use crate::backend::{self, Order, Reaping, is_untouched};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, Wait};

/// A name may be on its way from one process to another while nobody has the segment open; with native segments it may not.
const ON_ITS_WAY: Duration = Duration::from_secs(60);
/// How long a lock may take that a kind's rules ask for, if nothing else is said.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many are waited for: anybody may keep the locks of thousands.
const WAITED_FOR: u32 = 5;
const ROOT: u32 = 0;

/// Removes what is proven stale: of native segments without being asked, of other kinds what is named.
///
/// Each segment is looked at again right before it is removed, in the safest way that its kind has: what came to life meanwhile
/// stays. A start-up script that clears away what its own earlier runs left says:
///
/// ```
/// use cenote::catalog::{Outcome, Reap};
///
/// for reaped in Reap::new().matching("robot/*")?.run()? {
///     match reaped.outcome {
///         Outcome::Removed => println!("{}: freed {} bytes", reaped.address, reaped.freed),
///         Outcome::Spared(why) => println!("{}: {why}", reaped.address),
///         other => println!("{}: {other:?}", reaped.address),
///     }
/// }
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is removed before it runs"]
pub struct Reap {
    patterns: Vec<Pattern>,
    older: Option<Duration>,
    kept: bool,
    dry_run: bool,
    timeout: Option<Duration>,
}

/// What became of a segment that was considered, or of what lies beside the segments.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reaped {
    /// Where it is, or was: a semaphore's file as `posix:/sem.NAME`, a semaphore set or a queue under the address that a segment
    /// of its key would have.
    pub address: Address,
    /// What it is, if it is no segment.
    pub other: Option<OtherKind>,
    /// Its size in bytes, as it was asked for.
    pub size: u64,
    /// What it was found to be.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// How many bytes of memory are free now; with a dry run, would be.
    pub freed: u64,
    /// What was done.
    pub outcome: Outcome,
}

/// What was done with a segment.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is gone.
    Removed,
    /// It would be, if this were no dry run.
    WouldRemove,
    /// It stays, for this reason: it is too young, or somebody came for it.
    Spared(String),
    /// It is stale, and could not be removed.
    Failed(Error),
}

impl Reap {
    /// What is stale of this user's native segments; as root, of all users'.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only what is so called, instead. As in addresses, a kind is in front: `posix:psm_*`, `sysv:`, `qt:My*`; without one it
    /// is native segments that are meant. `*` stands for any text, `?` for one character. Called again, it adds.
    ///
    /// POSIX semaphores lie among the `posix:` segments, and go only by a pattern that begins with `posix:sem.`; one that may be
    /// the lock of a segment goes after that. Semaphore sets and message queues of System V never go: of those that a pattern
    /// names the list says why.
    ///
    /// # Errors
    /// `KeyError`: there is no such kind.
    pub fn matching(mut self, pattern: &str) -> Result<Self> {
        self.patterns.push(pattern.parse()?);
        Ok(self)
    }

    /// Only what nobody has used for so long, as far as that leaves a trace: making, attaching, detaching, reading and writing by
    /// system calls do, a store to the memory does not. Without it that is a minute, and no time at all for native segments.
    pub fn older(mut self, than: Duration) -> Self {
        self.older = Some(than);
        self
    }

    /// Native segments too that nobody holds and that were made to be kept. It takes [`older`](Self::older) as well.
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// Removes nothing, and says what it would.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// How long a lock may take that the rules of a kind ask for, as Qt's do and those of native segments: a second without it.
    /// When some have been waited for in vain, the others have to be free.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Does it. What is live is not in the list, nor is what is kept unless it was asked for.
    ///
    /// # Errors
    /// `KeyError` (what is kept was asked for, and not how old it has to be), or what the system says if it does not let us look
    /// at all. What fails with one segment is told with it, and the others are removed even so.
    pub fn run(&self) -> Result<Vec<Reaped>> {
        if self.kept && self.older.is_none() {
            return Err(Error::new(ErrorKind::KeyError, "how old what is kept has to be was not said")
                .with_hint("say so with `older`, on the command line with `--older 1d`"));
        }
        let mut kinds: Vec<Kind> = Vec::new();
        for pattern in &self.patterns {
            if !kinds.contains(&pattern.kind()) {
                kinds.push(pattern.kind());
            }
        }
        if kinds.is_empty() {
            kinds.push(Kind::Cenote);
        }
        // The kernel vouches for native segments: there is no need to look at processes.
        let holders = if kinds == [Kind::Cenote] { Holders::unseen() } else { Holders::find()? };
        if !self.dry_run {
            for file in sys::shm_files() {
                backend::heal(&file.path);
            }
        }
        let stuck = Cell::new(0);
        let mut found = Vec::new();
        for kind in kinds {
            let entries = list_with(Some(kind), &holders)?;
            found.extend(
                entries
                    .into_iter()
                    .filter(|entry| self.considers(entry))
                    .map(|entry| self.one(entry, None, &stuck)),
            );
        }
        found.extend(self.semaphores(&holders, &stuck));
        found.extend(self.unproven(&holders));
        Ok(found)
    }

    fn considers(&self, entry: &Entry) -> bool {
        let named = self.patterns.iter().any(|pattern| pattern.fits(&entry.address));
        let ours = || {
            let own = sys::own_user();
            self.patterns.is_empty() && (own == Some(ROOT) || own == entry.stat.uid)
        };
        let verdict = match entry.verdict {
            Verdict::Live => false,
            Verdict::Kept => self.kept && entry.address.kind() == Kind::Cenote,
            Verdict::Stale | Verdict::Unknown => true,
        };
        verdict && (named || ours())
    }

    /// After the segments whose locks they are.
    fn semaphores(&self, holders: &Holders, stuck: &Cell<u32>) -> Vec<Reaped> {
        let patterns: Vec<&Pattern> =
            self.patterns.iter().filter(|pattern| pattern.is_of_semaphores()).collect();
        if patterns.is_empty() {
            return Vec::new();
        }
        let wanted = |address: &Address| patterns.iter().any(|pattern| pattern.fits(address));
        let addresses = semaphores().into_iter().filter(wanted);
        let entries = addresses.filter_map(|address| entry(&address, holders).ok());
        let considered = entries.filter(|entry| entry.verdict != Verdict::Live);
        considered.map(|entry| self.one(entry, Some(OtherKind::Semaphore), stuck)).collect()
    }

    /// The sets and queues that a pattern names.
    fn unproven(&self, holders: &Holders) -> Vec<Reaped> {
        let is_named =
            |other: &Other| self.patterns.iter().any(|pattern| pattern.names_system_v(&other.name));
        if !self.patterns.iter().any(|pattern| pattern.kind() == Kind::Sysv) {
            return Vec::new();
        }
        let reaped = |other: Other| {
            let id = other.id?;
            let (what, option) = match other.kind {
                OtherKind::SemaphoreSet => ("a semaphore set", "-s"),
                OtherKind::MessageQueue => ("a message queue", "-q"),
                OtherKind::Semaphore => return None,
            };
            let why = format!(
                "of {what} nothing can be proven; if nobody wants it, `ipcrm {option} {id}` removes it"
            );
            Some(Reaped {
                address: other.key.map_or_else(|| Address::sysv_id(id), Address::sysv_key).ok()?,
                other: Some(other.kind),
                size: 0,
                freed: 0,
                verdict: other.verdict,
                reason: other.reason,
                outcome: Outcome::Spared(why),
            })
        };
        system_v_others(holders).into_iter().filter(is_named).filter_map(reaped).collect()
    }

    /// `stuck`: how many locks were waited for in vain so far.
    fn one(&self, entry: Entry, other: Option<OtherKind>, stuck: &Cell<u32>) -> Reaped {
        let outcome = match entry.verdict {
            Verdict::Unknown => Outcome::Spared("nothing is proven".to_owned()),
            _ => self.remove(&entry, stuck.get() < WAITED_FOR).unwrap_or_else(Outcome::Failed),
        };
        if matches!(&outcome, Outcome::Failed(error) if error.kind() == ErrorKind::Timeout) {
            stuck.set(stuck.get() + 1);
        }
        let gone = matches!(outcome, Outcome::Removed | Outcome::WouldRemove);
        Reaped {
            size: entry.stat.size,
            freed: if gone { entry.memory.unwrap_or(0) } else { 0 },
            verdict: entry.verdict,
            reason: entry.reason,
            address: entry.address,
            other,
            outcome,
        }
    }

    fn remove(&self, entry: &Entry, may_wait: bool) -> Result<Outcome> {
        let during = |error: Error| error.during("reap", &entry.address);
        let is_native = entry.address.kind() == Kind::Cenote;
        let untouched = self.older.unwrap_or(if is_native { Duration::ZERO } else { ON_ITS_WAY });
        if !is_untouched(&entry.stat, untouched) {
            let why = if entry.stat.last_trace().is_some_and(|time| time > SystemTime::now()) {
                "its times lie in the future, and do not tell how long nobody has used it; an age of 0 s asks for none"
                    .to_owned()
            } else {
                format!(
                    "it was used within the last {} s, and may be on its way from one process to another",
                    untouched.as_secs()
                )
            };
            return Ok(Outcome::Spared(why));
        }
        if self.dry_run {
            return Ok(Outcome::WouldRemove);
        }
        let backend = backend::of(&entry.address).map_err(during)?;
        let patience = self.timeout.unwrap_or(PATIENCE);
        let wait = if may_wait { Wait::up_to(Some(patience)) } else { Wait::Try };
        let order = Order { what: entry.mapped, kept: self.kept, untouched, wait };
        match backend.reap(&order) {
            Ok(Reaping::Removed) => Ok(Outcome::Removed),
            Ok(Reaping::Spared(why)) => Ok(Outcome::Spared(why)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(Outcome::Spared("somebody else has removed it".to_owned()))
            }
            Err(error) => Err(during(error)),
        }
    }
}

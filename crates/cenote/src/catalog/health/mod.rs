//! Whether the machine is well, as far as shared memory goes: limits, space, rights, leftovers.
//!
//! Each file below looks at one side of it and makes [`Finding`]s: facts, what they mean, and what mends them. How
//! that looks is the caller's affair.

mod leftovers;
mod limits;
mod making_room;
mod rights;
mod space;
mod things;

use std::path::PathBuf;
use std::time::Duration;

use super::holders::Holders;
use super::{Holder, Verdict};
use crate::address::Address;
use crate::error::Result;
use crate::sys;
use things::Things;

/// Beyond this part of a limit, in percent, something is as good as used up.
const NEARLY_ALL: u64 = 90;
/// What a finding names at most; the rest is counted.
const NAMED: usize = 5;
/// What one remedy removes at most, so that its command can be typed.
const REMOVED_AT_ONCE: usize = 50;
const ROOT: u32 = 0;

/// What was found, in the order in which a person would look.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// One for everything that was looked at, well or not.
    pub findings: Vec<Finding>,
}

impl Health {
    /// Whether nothing needs mending.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.state != State::Mend)
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// Its name for programs: `shm-space`. It stays the same.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Whether it is well.
    pub state: State,
    /// What was found.
    pub found: Found,
    /// What that means.
    pub meaning: String,
    /// What it is about, the largest first, and not more than can be read.
    pub items: Vec<Item>,
    /// How many more there are.
    pub more: usize,
    /// What helps, the best first.
    pub remedies: Vec<Remedy>,
}

/// Whether something is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It is.
    Ok,
    /// It may be worth knowing, and does no harm.
    Note,
    /// It is in the way of making or using segments, or soon will be.
    Mend,
}

impl State {
    /// The word for it: `ok`, `note`, `mend`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Mend => "mend",
        }
    }
}

/// What was found, as a number where it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// An amount of memory.
    Bytes {
        /// How much there is, or is used.
        used: u64,
        /// How much there may be, if there is a limit.
        limit: Option<u64>,
    },
    /// A number of things.
    Count {
        /// How many there are.
        used: u64,
        /// How many there may be, if there is a limit.
        limit: Option<u64>,
    },
    /// Something else, in words.
    Words(String),
}

/// A segment, or something that belongs to segments.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Item {
    /// Its address, or else its path, or what it is called elsewhere.
    pub what: String,
    /// What it takes, where that can be told.
    pub bytes: Option<u64>,
    /// The owner's login name, or else user id.
    pub owner: String,
    /// The permission bits, as in `chmod`.
    pub mode: u32,
    /// Whether it is of use to anyone.
    pub verdict: Verdict,
    /// Why the verdict is what it is.
    pub reason: String,
    /// The processes that have it mapped, as far as they could be seen.
    pub holders: Vec<Holder>,
}

/// What helps, and when.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Remedy {
    /// To remove these segments, with [`Segment::remove`](crate::Segment::remove) or `cenote rm`.
    Remove {
        /// Which.
        addresses: Vec<Address>,
        /// What to consider first.
        note: String,
    },
    /// To remove what is stale, with [`Reap`](super::Reap) or `cenote reap`.
    Reap {
        /// Which, as [`Reap::matching`](super::Reap::matching) takes them; none are native segments.
        patterns: Vec<String>,
        /// How old it has to be, if that is not what it is by itself.
        older: Option<Duration>,
        /// What to consider first.
        note: String,
    },
    /// To look at a segment, with [`look`](super::look) or `cenote show`.
    Look {
        /// Which.
        address: Address,
        /// What to look for.
        note: String,
    },
    /// To delete a file that no address names.
    Delete {
        /// Which.
        path: PathBuf,
        /// What to consider first.
        note: String,
    },
    /// To run a command of the system.
    Run {
        /// The command, for a shell.
        command: String,
        /// What to consider first.
        note: String,
    },
}

/// Looks at the machine. Nothing is attached or changed.
///
/// What this process may not see is missing, and the finding `processes` says so.
///
/// # Errors
/// What the system says if /proc cannot be read.
///
/// ```
/// let health = cenote::catalog::health()?;
/// let space = health.findings.iter().find(|finding| finding.name == "shm-space").unwrap();
/// println!("{}: {:?}", space.title, space.found);
/// # Ok::<(), cenote::Error>(())
/// ```
pub fn health() -> Result<Health> {
    sys::can_look_round()?;
    let holders = Holders::find()?;
    let things = Things::find(&holders);
    let mut findings = space::look(&things, &holders);
    findings.extend(limits::look());
    findings.extend(rights::look(&things));
    findings.extend(leftovers::look(&things));
    findings.push(processes(&holders));
    Ok(Health { findings })
}

impl Finding {
    /// Well, until something else is said.
    fn new(name: &'static str, title: &'static str, found: Found, meaning: impl Into<String>) -> Self {
        let meaning = meaning.into();
        Self {
            name,
            title,
            state: State::Ok,
            found,
            meaning,
            items: Vec::new(),
            more: 0,
            remedies: Vec::new(),
        }
    }

    fn in_state(mut self, state: State, meaning: impl Into<String>) -> Self {
        self.state = state;
        self.meaning = meaning.into();
        self
    }

    fn with_items<'a>(mut self, items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut items = items.into_iter();
        self.items = items.by_ref().take(NAMED).cloned().collect();
        self.more = items.count();
        self
    }

    fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }
}

impl Remedy {
    fn run(command: impl Into<String>, note: impl Into<String>) -> Self {
        Self::Run { command: command.into(), note: note.into() }
    }
}

/// Whether nearly all of a limit is used.
fn nearly_all(used: u64, limit: Option<u64>) -> bool {
    limit.is_some_and(|limit| u128::from(used) * 100 >= u128::from(limit) * u128::from(NEARLY_ALL))
}

/// How far holders can be seen at all.
fn processes(holders: &Holders) -> Finding {
    let (all, readable) = holders.seen();
    let finding = Finding::new(
        "processes",
        "processes seen",
        Found::Words(format!("{readable} of {all}")),
        "holders are found by what processes map and have open",
    );
    if !sys::sees_all_processes() {
        let meaning = "this is a container, or processes are hidden: holders elsewhere are not seen";
        return finding.in_state(State::Note, meaning);
    }
    if readable < all {
        let meaning = "the maps of the others may not be read: holders among them are not seen";
        let finding = finding.in_state(State::Note, meaning);
        if sys::own_user() == Some(ROOT) {
            return finding;
        }
        return finding.with_remedy(Remedy::run("sudo cenote doctor", "root sees all"));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_are_nearly_all() {
        assert!(nearly_all(90, Some(100)) && nearly_all(1, Some(1)) && nearly_all(u64::MAX, Some(u64::MAX)));
        assert!(!nearly_all(89, Some(100)) && !nearly_all(0, Some(4096)) && !nearly_all(u64::MAX, None));
    }

    #[test]
    fn a_finding_names_a_few_and_counts_the_rest() {
        let item = Item {
            what: String::new(),
            bytes: None,
            owner: String::new(),
            mode: 0,
            verdict: Verdict::Unknown,
            reason: String::new(),
            holders: Vec::new(),
        };
        let items = vec![item; NAMED + 2];
        let finding = Finding::new("x", "x", Found::Words(String::new()), "").with_items(&items);
        assert_eq!((finding.items.len(), finding.more), (NAMED, 2));
    }
}

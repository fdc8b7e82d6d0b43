//! Removing what is of no use to anyone: what is asked of each kind, and what it answers.

use std::time::{Duration, SystemTime};

use super::Stat;
use crate::error::Result;
use crate::sys::{Mapped, Wait};

/// Whether anybody has a segment open or mapped, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// Nobody, in whatever container.
    Nowhere,
    /// Somebody.
    Somewhere,
    /// It does not tell, or not to this process.
    Untold,
}

/// What is to be removed, and under which conditions.
pub(crate) struct Order {
    /// What was found to be stale: no other that has taken its name.
    pub(crate) what: Mapped,
    /// What is kept goes too.
    pub(crate) kept: bool,
    /// Nobody must have used it for so long.
    pub(crate) untouched: Duration,
    /// How long the kind's own lock may take.
    pub(crate) wait: Wait,
}

/// How it ended, if nothing failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reaping {
    Removed,
    /// It is of use to somebody, for this reason, or may be.
    Spared(String),
}

/// It stays, and why.
pub(crate) fn spared<T: Into<String>>(why: T) -> Result<Reaping> {
    Ok(Reaping::Spared(why.into()))
}

impl Order {
    /// Why what is there now is not what was to be removed, if it is not.
    pub(crate) fn objection(&self, mapped: Mapped, stat: &Stat) -> Option<String> {
        if mapped != self.what {
            return Some("another has its name by now".to_owned());
        }
        if !is_untouched(stat, self.untouched) {
            return Some("somebody has used it just now".to_owned());
        }
        None
    }
}

/// Whether nobody has used it for so long, as far as that leaves a trace. A clock that was set back is no proof.
pub(crate) fn is_untouched(stat: &Stat, at_least: Duration) -> bool {
    let age = stat.last_trace().and_then(|time| SystemTime::now().duration_since(time).ok());
    at_least.is_zero() || age.is_some_and(|age| age >= at_least)
}

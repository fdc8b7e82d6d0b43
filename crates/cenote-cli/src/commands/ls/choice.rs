//! What of all that there is is listed, and in which order.

use std::cmp::{Ordering, Reverse};

use cenote::catalog::{Entry, Other, Verdict};
use clap::ValueEnum;

use crate::output::holder_count;

/// Filters, of which all have to agree, and the order.
#[derive(clap::Args)]
pub(super) struct Choice {
    /// Only what is proven stale; with --verdict, that too
    #[arg(long)]
    stale: bool,
    /// Only what has one of these verdicts, with commas between
    #[arg(long, value_name = "VERDICT", value_delimiter = ',')]
    verdict: Vec<Word>,
    /// Only what belongs to this user: a login name or a user id
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Only what this program or library made, as far as its name tells: Python, Qt, PostgreSQL...
    #[arg(long, value_name = "NAME")]
    maker: Option<String>,
    /// Sort: the largest, the oldest, what has most holders, and what is stale come first
    #[arg(long, value_name = "BY")]
    sort: Option<Order>,
    /// The other way round
    #[arg(long)]
    reverse: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Order {
    /// By name, kind by kind
    Address,
    /// What was asked for, the largest first
    Size,
    /// What it takes now, the largest first
    Memory,
    /// The oldest first
    Age,
    /// The most first
    Holders,
    /// Stale, unknown, kept, live
    Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    Live,
    Kept,
    Stale,
    Unknown,
}

impl Choice {
    /// What is to be listed of the segments, in order.
    pub(super) fn of(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.retain(|entry| {
            self.verdict_fits(entry.verdict)
                && self.owner_fits(entry.owner.as_deref(), entry.stat.uid)
                && self.maker_fits(&[entry.maker, entry.label.as_deref()])
        });
        if let Some(order) = self.sort {
            // What is equal is in the order of the addresses, so that it stays the same.
            entries.sort_by_cached_key(|entry| entry.address.to_string());
            entries.sort_by(|one, other| order.compare(one, other));
        }
        if self.reverse {
            entries.reverse();
        }
        entries
    }

    /// The same of what lies beside them. It has no size, and keeps its order unless that is the other way round.
    pub(super) fn of_others(&self, mut others: Vec<Other>) -> Vec<Other> {
        others.retain(|other| {
            self.verdict_fits(other.verdict)
                && self.owner_fits(other.owner.as_deref(), Some(other.uid))
                && self.maker_fits(&[other.maker])
        });
        if self.reverse {
            others.reverse();
        }
        others
    }

    fn verdict_fits(&self, verdict: Verdict) -> bool {
        let all = !self.stale && self.verdict.is_empty();
        all || self.stale && verdict == Verdict::Stale
            || self
                .verdict
                .iter()
                .any(|word| word.to_possible_value().is_some_and(|word| word.get_name() == verdict.as_str()))
    }

    fn owner_fits(&self, owner: Option<&str>, uid: Option<u32>) -> bool {
        let Some(wanted) = &self.owner else { return true };
        owner == Some(wanted) || uid.is_some_and(|uid| uid.to_string() == *wanted)
    }

    fn maker_fits(&self, makers: &[Option<&str>]) -> bool {
        let Some(wanted) = &self.maker else { return true };
        makers.iter().flatten().any(|maker| maker.eq_ignore_ascii_case(wanted))
    }
}

impl Order {
    fn compare(self, one: &Entry, other: &Entry) -> Ordering {
        match self {
            Self::Address => Ordering::Equal,
            Self::Size => other.stat.size.cmp(&one.stat.size),
            Self::Memory => other.memory.cmp(&one.memory),
            Self::Age => {
                // What leaves no trace comes last.
                let since = |entry: &Entry| entry.stat.last_trace().map(Reverse);
                since(other).cmp(&since(one))
            }
            Self::Holders => holder_count(other).cmp(&holder_count(one)),
            Self::Verdict => urgency(one.verdict).cmp(&urgency(other.verdict)),
        }
    }
}

fn urgency(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Stale => 0,
        Verdict::Kept => 2,
        Verdict::Live => 3,
        _ => 1,
    }
}

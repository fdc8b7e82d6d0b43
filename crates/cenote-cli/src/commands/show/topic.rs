//! How much went through a topic, and who reads it.

use cenote::Address;
use cenote::channel::{Subscribed, TopicStatistics};
use serde::Serialize;

use crate::output::{Align, Table};

/// What `--json` has of it.
#[derive(Serialize)]
pub(super) struct TopicJson {
    capacity: u64,
    longest: usize,
    published: u64,
    skipped: u64,
    subscribers: Vec<SubscribedJson>,
}

#[derive(Serialize)]
struct SubscribedJson {
    pid: Option<u32>,
    behind: u64,
    missed: u64,
}

/// Of a topic that can be looked into.
pub(super) fn of(address: &Address) -> Option<TopicStatistics> {
    TopicStatistics::look(address).ok()?
}

pub(super) fn json(statistics: &TopicStatistics) -> TopicJson {
    let &TopicStatistics { capacity, longest, published, skipped, ref subscribers, .. } = statistics;
    let of = |&Subscribed { pid, behind, missed, .. }: &Subscribed| SubscribedJson { pid, behind, missed };
    TopicJson { capacity, longest, published, skipped, subscribers: subscribers.iter().map(of).collect() }
}

/// In a line.
pub(super) fn line(statistics: &TopicStatistics) -> String {
    let &TopicStatistics { capacity, published, skipped, .. } = statistics;
    let mut line = format!("{published} published, room for the last {capacity}");
    if skipped > 0 {
        line += &format!("; {skipped} skipped, as their publishers died");
    }
    line
}

/// Who reads it.
pub(super) fn subscribers(statistics: &TopicStatistics) -> Table {
    use Align::Right;
    let mut table = Table::new(&[("PID", Right), ("BEHIND", Right), ("MISSED", Right)]);
    for one in &statistics.subscribers {
        let pid = one.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        table.row([pid, one.behind.to_string(), one.missed.to_string()]);
    }
    table
}

//! How much went through a queue.

use cenote::Address;
use cenote::channel::Statistics;
use serde::Serialize;

/// What `--json` has of it.
#[derive(Serialize)]
pub(super) struct QueueJson {
    capacity: u64,
    longest: usize,
    depth: u64,
    deepest: u64,
    sent: u64,
    received: u64,
    dropped: u64,
    skipped: u64,
}

/// Of a queue that can be looked into.
pub(super) fn of(address: &Address) -> Option<Statistics> {
    Statistics::look(address).ok()?
}

pub(super) fn json(statistics: &Statistics) -> QueueJson {
    let Statistics { capacity, longest, depth, deepest, sent, received, dropped, skipped, .. } = *statistics;
    QueueJson { capacity, longest, depth, deepest, sent, received, dropped, skipped }
}

/// In a line.
pub(super) fn line(statistics: &Statistics) -> String {
    let Statistics { capacity, depth, deepest, sent, received, dropped, skipped, .. } = *statistics;
    let mut line =
        format!("{depth} of {capacity}, at most {deepest} at once; {sent} sent, {received} received");
    for (count, what) in [(dropped, "dropped"), (skipped, "skipped, as their senders died")] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    line
}

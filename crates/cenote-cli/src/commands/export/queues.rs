//! What went through each queue, by its address: whoever watches a queue wants to know which one is full.

use cenote::channel::Statistics;
use cenote::value::Content;
use cenote::{Address, catalog};

use super::metric::{Family, Number};

/// A name, what it means, and where it is taken from.
type Told = (&'static str, &'static str, fn(&Statistics) -> u64);

/// What is told of each.
const TOLD: [Told; 7] = [
    ("cenote_queue_messages", "Messages that are in the queue.", |queue| queue.depth),
    ("cenote_queue_capacity", "Messages that the queue has room for.", |queue| queue.capacity),
    (
        "cenote_queue_deepest",
        "Messages that were in the queue at most, as far as somebody looked.",
        |queue| queue.deepest,
    ),
    ("cenote_queue_sent_total", "Messages that were sent.", |queue| queue.sent),
    ("cenote_queue_received_total", "Messages that were received.", |queue| queue.received),
    ("cenote_queue_dropped_total", "Messages that were dropped for others, being the oldest.", |queue| {
        queue.dropped
    }),
    (
        "cenote_queue_skipped_total",
        "Messages that were passed over, as their senders died while they sent them.",
        |queue| queue.skipped,
    ),
];

/// Of those of the listed that are queues and may be looked into.
pub(super) fn families(entries: &[catalog::Entry]) -> Vec<Family> {
    let is_queue = |entry: &&catalog::Entry| matches!(entry.content, Some(Content::Queue { .. }));
    let look =
        |entry: &catalog::Entry| Some((entry.address.clone(), Statistics::look(&entry.address).ok()??));
    let queues: Vec<(Address, Statistics)> = entries.iter().filter(is_queue).filter_map(look).collect();
    let family = |(name, help, number): Told| {
        let mut family =
            if name.ends_with("_total") { Family::counter(name, help) } else { Family::new(name, help) };
        for (address, statistics) in &queues {
            family.add([("queue", address.to_string().as_str())], Number::Whole(number(statistics)));
        }
        family
    };
    TOLD.map(family).into()
}

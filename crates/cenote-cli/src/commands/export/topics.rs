//! What went through each topic, by its address: whoever watches a topic wants to know how far behind who reads it is.

use cenote::channel::TopicStatistics;
use cenote::value::Content;
use cenote::{Address, catalog};

use super::metric::{Family, Number};

/// A name, what it means, and where it is taken from.
type Told = (&'static str, &'static str, fn(&TopicStatistics) -> u64);

/// What is told of each.
const TOLD: [Told; 5] = [
    ("cenote_topic_published_total", "Messages that were published.", |topic| topic.published),
    (
        "cenote_topic_skipped_total",
        "Messages that were passed over, as their publishers died while they published them.",
        |topic| topic.skipped,
    ),
    ("cenote_topic_capacity", "Messages that the topic keeps.", |topic| topic.capacity),
    ("cenote_topic_subscribers", "Those who have subscribed, but for who is attached read-only.", |topic| {
        topic.subscribers.len() as u64
    }),
    ("cenote_topic_behind", "Messages that the slowest of them has not read yet.", |topic| {
        topic.subscribers.iter().map(|one| one.behind).max().unwrap_or_default()
    }),
];

/// Of those of the listed that are topics and may be looked into.
pub(super) fn families(entries: &[catalog::Entry]) -> Vec<Family> {
    let is_topic = |entry: &&catalog::Entry| matches!(entry.content, Some(Content::Topic { .. }));
    let look =
        |entry: &catalog::Entry| Some((entry.address.clone(), TopicStatistics::look(&entry.address).ok()??));
    let topics: Vec<(Address, TopicStatistics)> = entries.iter().filter(is_topic).filter_map(look).collect();
    let family = |(name, help, number): Told| {
        let mut family =
            if name.ends_with("_total") { Family::counter(name, help) } else { Family::new(name, help) };
        for (address, statistics) in &topics {
            family.add([("topic", address.to_string().as_str())], Number::Whole(number(statistics)));
        }
        family
    };
    TOLD.map(family).into()
}

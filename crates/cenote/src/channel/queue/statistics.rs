//! How much went through a queue.

use std::sync::atomic::Ordering;

use super::end::End;
use crate::error::Result;

/// How much went through a queue. While it is in use the numbers belong together only roughly: each is read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// How many messages were sent.
    pub sent: u64,
    /// How many were received.
    pub received: u64,
    /// How many were dropped, being the oldest, for others.
    pub dropped: u64,
    /// How many were passed over, as their senders died while they sent them.
    pub skipped: u64,
    /// How many are in it.
    pub depth: u64,
    /// How many were in it at most, as far as somebody looked: senders look now and then, and whenever it is full.
    pub deepest: u64,
    /// How many it has room for.
    pub capacity: u64,
    /// How many bytes a message can have.
    pub longest: usize,
}

impl Statistics {
    pub(super) fn of(end: &End) -> Result<Self> {
        let ring = end.ring();
        // Relaxed: for people.
        let head = ring.head().load(Ordering::Relaxed);
        let (dropped, skipped) =
            (ring.dropped().load(Ordering::Relaxed), ring.skipped().load(Ordering::Relaxed));
        let tail = ring.sent().max(head);
        let deepest = ring.deepest().load(Ordering::Relaxed);
        end.mapping().intact()?;
        let (depth, capacity) = (tail - head, end.shape.depth());
        Ok(Self {
            sent: tail.saturating_sub(skipped),
            received: head.saturating_sub(dropped).saturating_sub(skipped),
            dropped,
            skipped,
            depth,
            deepest: deepest.max(depth).min(capacity),
            capacity,
            longest: end.shape.longest,
        })
    }
}

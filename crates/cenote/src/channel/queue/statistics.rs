//! How much went through a queue.

use std::sync::atomic::Ordering;

use crate::address::Address;
use crate::channel::end::End;
use crate::channel::looking::{Looking, sent_by};
use crate::error::Result;
use crate::layout::{Content, DEEPEST, DROPPED, HEAD, SKIPPED, Shape};

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

/// The words that tell it, as they were when they were read.
struct Words {
    tail: u64,
    head: u64,
    dropped: u64,
    skipped: u64,
    deepest: u64,
}

impl Statistics {
    /// Looks into a queue without attaching it. `None`: it is none.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `Untrusted`, `Unsupported`; `Corrupt` if it cannot be what it says.
    ///
    /// ```
    /// use cenote::Queue;
    /// use cenote::channel::Statistics;
    ///
    /// # let name = format!("doc/queue-statistics-{}", std::process::id());
    /// # let name = name.as_str();
    /// let goals = Queue::<u32>::create(name)?.sender()?; // in another process
    /// goals.send(&7)?;
    /// let seen = Statistics::look(&name.parse()?)?.expect("it is a queue");
    /// assert_eq!((seen.sent, seen.depth, seen.capacity), (1, 1, 256));
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn look(address: &Address) -> Result<Option<Self>> {
        let look = || match Looking::into(address, Content::QUEUE)? {
            Some(looking) => Self::inside(&looking).map(Some),
            None => Ok(None),
        };
        look().map_err(|error: crate::Error| error.during("look at", address))
    }

    fn inside(looking: &Looking) -> Result<Self> {
        let word = |offset| looking.word(offset);
        let tail = sent_by(&looking.shape, word)?;
        let (head, dropped, skipped) = (word(HEAD)?, word(DROPPED)?, word(SKIPPED)?);
        Ok(Self::from(&looking.shape, &Words { tail, head, dropped, skipped, deepest: word(DEEPEST)? }))
    }

    pub(super) fn of(end: &End) -> Result<Self> {
        let ring = end.ring();
        // Relaxed: for people.
        let words = Words {
            head: ring.head().load(Ordering::Relaxed),
            dropped: ring.dropped().load(Ordering::Relaxed),
            skipped: ring.skipped().load(Ordering::Relaxed),
            deepest: ring.deepest().load(Ordering::Relaxed),
            tail: ring.sent(),
        };
        end.mapping().intact()?;
        Ok(Self::from(&end.shape, &words))
    }

    /// Anything can be in the words.
    fn from(shape: &Shape, words: &Words) -> Self {
        let Words { tail, head, dropped, skipped, deepest } = *words;
        let (tail, capacity) = (tail.max(head), shape.depth());
        // Where the oldest are dropped the head stays behind until somebody receives: a lap behind the tail all are over.
        let head = head.max(tail.saturating_sub(capacity));
        let depth = (tail - head).min(capacity);
        Self {
            sent: tail.saturating_sub(skipped),
            received: head.saturating_sub(dropped).saturating_sub(skipped),
            dropped,
            skipped,
            depth,
            deepest: deepest.max(depth).min(capacity),
            capacity,
            longest: shape.longest,
        }
    }
}

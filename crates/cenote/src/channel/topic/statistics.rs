//! How much went through a topic, and who reads it.

use super::seat::Seat;
use crate::address::Address;
use crate::channel::looking::{Looking, sent_by};
use crate::channel::ring::behind;
use crate::error::Result;
use crate::layout::{Content, MISSED, PLACE, SKIPPED, SUBSCRIBED, Shape};
use crate::sys::WordToRead;

const WORD: usize = size_of::<u64>();

/// How much went through a topic. While it is in use the numbers belong together only roughly: each is read by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicStatistics {
    /// How many messages were published.
    pub published: u64,
    /// How many were passed over, as their publishers died while they published them.
    pub skipped: u64,
    /// How many it keeps.
    pub capacity: u64,
    /// How many bytes a message can have.
    pub longest: usize,
    /// Those who read it, but for those who are attached read-only, and so cannot say so. One who died is among them until
    /// somebody finds out.
    pub subscribers: Vec<Subscribed>,
}

/// One who has subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscribed {
    /// Its process, as that calls itself: for people. In a container that is another number than outside.
    pub pid: Option<u32>,
    /// How many messages it has not read yet.
    pub behind: u64,
    /// How many it has missed.
    pub missed: u64,
}

impl TopicStatistics {
    /// Looks into a topic without attaching it. `None`: it is none.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `Untrusted`, `Unsupported`; `Corrupt` if it cannot be what it says.
    ///
    /// ```
    /// use cenote::Topic;
    /// use cenote::channel::TopicStatistics;
    ///
    /// # let name = format!("doc/topic-statistics-{}", std::process::id());
    /// # let name = name.as_str();
    /// let poses = Topic::<u32>::create(name)?.publisher()?; // in another process
    /// let slow = Topic::<u32>::attach(name)?.subscriber()?;
    /// poses.publish(&7)?;
    /// let seen = TopicStatistics::look(&name.parse()?)?.expect("it is a topic");
    /// assert_eq!((seen.published, seen.subscribers[0].behind), (1, 1));
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn look(address: &Address) -> Result<Option<Self>> {
        let look = || match Looking::into(address, Content::TOPIC)? {
            Some(looking) => {
                Self::by(&looking.shape, |offset| looking.word(offset), |slot| looking.pid_of(slot)).map(Some)
            }
            None => Ok(None),
        };
        look().map_err(|error: crate::Error| error.during("look at", address))
    }

    pub(super) fn of(seat: &Seat) -> Result<Self> {
        let mapping = seat.mapping();
        let word = |offset| mapping.word_to_read(offset).map(WordToRead::load);
        let pid = |slot: u8| seat.segment().native().ok()?.pid_of(slot.into());
        let statistics = Self::by(seat.shape(), word, pid);
        mapping.intact().and(statistics).map_err(|error| seat.during("look at", error))
    }

    /// Anything can be in the words.
    fn by(
        shape: &Shape,
        word: impl Fn(usize) -> Result<u64>,
        pid_of: impl Fn(u8) -> Option<u32>,
    ) -> Result<Self> {
        let tail = sent_by(shape, &word)?;
        let skipped = word(SKIPPED)?;
        let used = word(SUBSCRIBED)?;
        let mut subscribers = Vec::new();
        for slot in (0..=u8::MAX).take_while(|&slot| u64::from(slot) < used) {
            let said = |which: usize| word(shape.record_at(slot) + which * WORD);
            if let Some(behind) = behind(said(PLACE)?, tail) {
                let (pid, behind, missed) = (pid_of(slot), behind.min(shape.depth()), said(MISSED)?);
                subscribers.push(Subscribed { pid, behind, missed });
            }
        }
        let (published, capacity) = (tail.saturating_sub(skipped), shape.depth());
        Ok(Self { published, skipped, capacity, longest: shape.longest, subscribers })
    }
}

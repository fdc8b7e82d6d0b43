//! How topics are made and attached.

use std::fmt;

use super::Topic;
use crate::address::Address;
use crate::channel::item::Item;
use crate::channel::making::Making;
use crate::error::{Error, Result};
use crate::layout::{To, WhenFull};
use crate::segment::Options;

/// How many messages a topic keeps, where nothing is said.
const DEPTH: u64 = 64;

/// How to make or attach a topic, if not in the usual way.
///
/// ```
/// use cenote::{Segment, Topic};
///
/// # let name = format!("doc/topic-options-{}", std::process::id());
/// # let name = name.as_str(); // "camera/front"
/// let pictures = Topic::<[u8]>::options()
///     .message(1 << 20) // bytes at most
///     .depth(4)
///     .one_publisher()
///     .segment(&Segment::options().mode(0o644)) // all may read, and so subscribe
///     .create(name)?
///     .publisher()?;
///
/// let read_only = Topic::<[u8]>::options().segment(&Segment::options().read_only());
/// let viewer = read_only.attach(name)?.subscriber()?; // in another process, perhaps another user's
/// pictures.publish(b"a picture")?;
/// assert_eq!(viewer.receive()?, b"a picture");
/// # Ok::<(), cenote::Error>(())
/// ```
#[must_use]
pub struct TopicOptions<T: Item + ?Sized = [u8]> {
    making: Making<T>,
}

impl<T: Item + ?Sized> TopicOptions<T> {
    pub(super) fn new() -> Self {
        Self { making: Making::new(DEPTH, To::All, WhenFull::DropOldest) }
    }

    /// How many messages a new topic keeps: rounded up to a power of two. 64 unless said otherwise.
    pub fn depth(mut self, messages: u64) -> Self {
        self.making.wish.depth = messages;
        self
    }

    /// How many messages more can be filled or be in somebody's hands: of messages of more than 240 bytes, for each of
    /// which that is reserved. 8 unless said otherwise. If subscribers have more than that in their hands, fewer old ones are
    /// kept.
    pub fn spare(mut self, messages: u64) -> Self {
        self.making.wish.spare = messages;
        self
    }

    /// Only one process publishes to a new topic at a time, which is faster. If it dies, the next one may.
    pub fn one_publisher(mut self) -> Self {
        self.making.wish.one_sender = true;
        self
    }

    /// What the publishers of a new topic do when somebody who has subscribed has not read what is to be written over. They
    /// do so all the same (`DropOldest`) unless said otherwise, and who was too slow is told; or they wait for it (`Wait`), or
    /// fail with `OutOfResources` (`Fail`). Nobody waits for who is dead, nor for those who are attached read-only.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.making.wish.when_full = when_full;
        self
    }

    /// How to make and attach the segment: its mode, whether it is kept, how long to wait, whether to attach read-only.
    pub fn segment(mut self, options: &Options) -> Self {
        self.making.segment = options.clone();
        self
    }

    /// As [`Topic::create`], in this way.
    ///
    /// # Errors
    /// Those of [`Topic::create`]; `InvalidSize` if there is to be room for no message, or for more than can be addressed.
    pub fn create<A>(&self, address: A) -> Result<Topic<T>>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Topic::of(self.making.create(address.try_into()?)?)
    }

    /// As [`Topic::attach`], in this way: what it was made for is as it is.
    ///
    /// # Errors
    /// Those of [`Topic::attach`].
    pub fn attach<A>(&self, address: A) -> Result<Topic<T>>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Topic::of(self.making.attach(address.try_into()?)?)
    }

    /// As [`Topic::open_or_create`], in this way: what is there already is used as it is.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`attach`](Self::attach).
    pub fn open_or_create<A>(&self, address: A) -> Result<Topic<T>>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Topic::of(self.making.open_or_create(&address.try_into()?)?)
    }
}

impl TopicOptions {
    /// How many bytes a message can have. 4096 unless said otherwise.
    pub fn message(mut self, bytes: u64) -> Self {
        self.making.wish.longest = bytes;
        self
    }
}

impl<T: Item + ?Sized> Clone for TopicOptions<T> {
    fn clone(&self) -> Self {
        Self { making: self.making.clone() }
    }
}

impl<T: Item + ?Sized> fmt::Debug for TopicOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicOptions").field(&self.making).finish()
    }
}

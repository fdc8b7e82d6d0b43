//! Topics: each message is read by everybody who subscribes.

mod leaving;
mod options;
mod publisher;
mod sample;
mod seat;
mod statistics;
mod subscriber;
mod waited;

use std::fmt;
use std::marker::PhantomData;

pub use options::TopicOptions;
pub use publisher::Publisher;
pub use sample::Sample;
use seat::Seat;
pub use statistics::{Subscribed, TopicStatistics};
pub use subscriber::Subscriber;

use super::item::Item;
use crate::address::Address;
use crate::error::{Error, Result};
use crate::layout::{SENDING_END, Shape};
use crate::segment::Segment;

/// A topic in shared memory: what is published there is read by everybody who subscribes, in the order in which each
/// publisher published it.
///
/// Any number of processes publish and subscribe, unless it was made for one publisher. What a publisher does costs the same
/// however many subscribe. It waits for none of them: who is too slow misses what was written over in the meantime, and is told
/// how many ([`Subscriber::missed`]). Or, if it was so made ([`TopicOptions::when_full`]), it waits until everybody who has
/// subscribed has read what is to be written over.
///
/// Who comes late can ask for what was published last ([`subscriber_with_last`](Self::subscriber_with_last)): that is there
/// also after its publisher has left. Who may only read the segment subscribes all the same, attached with
/// [`Options::read_only`](crate::Options::read_only): it copies, and looks for messages now and then, as nobody can know
/// that it waits.
///
/// A process that dies takes nothing with it: what it had published is there, what it was about to publish is passed over, and
/// what it had in its hands as a subscriber is free again.
///
/// Messages are values of a type, as a [`Value`](crate::Value)'s, or bytes up to the length it was made for; each carries a
/// tag of 32 bits. Publishing and reading copy, or work in place: [`Publisher::loan`], [`Subscriber::borrow`].
///
/// ```
/// use cenote::Topic;
///
/// # let name = format!("doc/topic-{}", std::process::id());
/// # let name = name.as_str(); // "robot/pose"
/// let poses = Topic::<[f64; 2]>::create(name)?.publisher()?;
/// poses.publish(&[1.0, 2.0])?;
///
/// let late = Topic::<[f64; 2]>::attach(name)?.subscriber_with_last(1)?; // in another process
/// let other = Topic::<[f64; 2]>::attach(name)?.subscriber()?; // and in a third one
/// poses.publish(&[3.0, 4.0])?;
/// assert_eq!((late.receive()?, late.receive()?), ([1.0, 2.0], [3.0, 4.0]));
/// assert_eq!((other.receive()?, other.missed()), ([3.0, 4.0], 0));
/// # Ok::<(), cenote::Error>(())
/// ```
///
/// It is a native segment, and lives as one: until its last holder leaves, or, made with
/// [`Options::keep`](crate::Options::keep), until it is removed.
pub struct Topic<T: Item + ?Sized = [u8]> {
    seat: Seat,
    of: PhantomData<fn(&T) -> T::Owned>,
}

impl<T: Item + ?Sized> Topic<T> {
    /// How to make a topic, if not in the usual way.
    pub fn options() -> TopicOptions<T> {
        TopicOptions::new()
    }

    /// Makes a topic for any number of publishers, that keeps the last 64 messages, of bytes up to 4096 each, and waits for
    /// nobody.
    ///
    /// # Errors
    /// Those of [`Segment::create`]; `Unsupported` for an address that is not native, `InvalidSize` for a type that is
    /// too large, or whose description is.
    pub fn create<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().create(address)
    }

    /// Attaches to a topic of this type, or, as a topic of bytes, to one of any type.
    ///
    /// # Errors
    /// Those of [`Segment::attach`]; `Incompatible` if it is of another type, or no topic at all; `Corrupt` if it cannot
    /// be one.
    pub fn attach<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().attach(address)
    }

    /// Attaches to the topic, or makes it as [`create`](Self::create) does if there is none.
    ///
    /// # Errors
    /// Those of both.
    pub fn open_or_create<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().open_or_create(address)
    }

    /// The end that publishes.
    ///
    /// # Errors
    /// `PermissionDenied` if it was attached read-only; `LockError` if it was made for one publisher and another process is
    /// that; `Corrupt`.
    pub fn publisher(self) -> Result<Publisher<T>> {
        let address = self.segment().address().clone();
        let publisher = self.seat.into_writing().and_then(|mut end| {
            if end.shape.one_sender {
                end.take_alone(SENDING_END, "publishing")?;
            }
            Publisher::of(end)
        });
        publisher.map_err(|error| error.during("publish to", &address))
    }

    /// An end that reads whatever is published from now on.
    ///
    /// # Errors
    /// `Corrupt` if what is there makes no sense, or the memory was taken away.
    pub fn subscriber(self) -> Result<Subscriber<T>> {
        self.subscriber_with_last(0)
    }

    /// An end that reads the last so many messages that are there, and then whatever is published from now on. There are as
    /// many, at most, as the topic has room for.
    ///
    /// # Errors
    /// Those of [`subscriber`](Self::subscriber).
    pub fn subscriber_with_last(self, messages: u64) -> Result<Subscriber<T>> {
        let address = self.segment().address().clone();
        Subscriber::of(self.seat, messages).map_err(|error| error.during("subscribe to", &address))
    }

    /// How much went through it, and who reads it.
    ///
    /// # Errors
    /// `Corrupt` if the memory was taken away.
    pub fn statistics(&self) -> Result<TopicStatistics> {
        TopicStatistics::of(&self.seat)
    }

    /// The segment that it lies in.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        self.seat.segment()
    }

    /// Detaches, and reports errors: as [`Segment::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(self) -> Result<()> {
        self.seat.detach()
    }

    fn of((segment, shape): (Segment, Shape)) -> Result<Self> {
        let address = segment.address().clone();
        let seat = Seat::of(segment, shape).map_err(|error| error.during("attach", &address))?;
        Ok(Self { seat, of: PhantomData })
    }
}

impl<T: Item + ?Sized> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("segment", self.segment()).finish_non_exhaustive()
    }
}

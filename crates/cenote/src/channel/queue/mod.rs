//! Queues: each message is received once.

mod borrowed;
mod receiver;
mod sender;
mod statistics;
mod waited;

use std::fmt;
use std::marker::PhantomData;

pub use borrowed::Borrowed;
pub use receiver::Receiver;
pub use sender::Sender;
pub use statistics::Statistics;

use super::end::End;
use super::item::Item;
use super::making::Making;
use crate::address::Address;
use crate::error::{Error, Result};
use crate::layout::{RECEIVING_END, SENDING_END, Shape, To, WhenFull};
use crate::segment::{Options, Segment};

/// How many messages a queue has room for, where nothing is said.
const DEPTH: u64 = 256;
/// A queue of messages in shared memory: each is received once, by one of those who receive; those of one sender in the
/// order in which it sent them.
///
/// Any number of processes send and receive, unless it was made for one sender or one receiver, which is faster. A
/// process that dies takes nothing with it: what it had sent is there, what it was about to send is passed over and keeps
/// nobody waiting, what it was about to receive is received by another.
///
/// Messages are values of a type, as a [`Value`](crate::Value)'s, or bytes up to the length it was made for; each carries a
/// tag of 32 bits. Sending and receiving copy, or work in place: [`Sender::loan`], [`Receiver::borrow`]. Short messages
/// (up to 48, 112 or 240 bytes, by how long the longest may be) cost about as much as the transfer of a line between two
/// processors; nobody makes a system call unless somebody sleeps.
///
/// ```
/// use cenote::Queue;
///
/// # let name = format!("doc/queue-{}", std::process::id());
/// # let name = name.as_str(); // "robot/goals"
/// let goals = Queue::<[f64; 2]>::create(name)?.sender()?;
/// goals.send(&[1.0, 2.0])?;
///
/// let mine = Queue::<[f64; 2]>::attach(name)?.receiver()?; // in another process
/// assert_eq!(mine.receive()?, [1.0, 2.0]);
/// # Ok::<(), cenote::Error>(())
/// ```
///
/// It is a native segment, and lives as one: until its last holder leaves, or, made with [`Options::keep`], until it is
/// removed. Messages that nobody has received stay in it as long.
pub struct Queue<T: Item + ?Sized = [u8]> {
    end: End,
    of: PhantomData<fn(&T) -> T::Owned>,
}

impl<T: Item + ?Sized> Queue<T> {
    /// How to make a queue, if not in the usual way.
    pub fn options() -> QueueOptions<T> {
        QueueOptions::new()
    }

    /// Makes a queue for any number of senders and receivers, with room for 256 messages, of bytes up to 4096 each.
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

    /// Attaches to a queue of this type, or, as a queue of bytes, to one of any type.
    ///
    /// # Errors
    /// Those of [`Segment::attach`]; `Incompatible` if it is of another type, or no queue at all; `Corrupt` if it cannot
    /// be one.
    pub fn attach<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().attach(address)
    }

    /// Attaches to the queue, or makes it as [`create`](Self::create) does if there is none.
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

    /// The end that sends.
    ///
    /// # Errors
    /// `LockError` if it was made for one sender and another process has that end; `Corrupt`.
    pub fn sender(mut self) -> Result<Sender<T>> {
        let alone = self.end.shape.one_sender;
        let taken = if alone { self.end.take_alone(SENDING_END, "sending") } else { Ok(()) };
        let address = self.end.segment.address().clone();
        taken.and_then(|()| Sender::of(self.end)).map_err(|error| error.during("send to", &address))
    }

    /// The end that receives.
    ///
    /// # Errors
    /// `LockError` if it was made for one receiver and another process has that end; `Corrupt`.
    pub fn receiver(mut self) -> Result<Receiver<T>> {
        let alone = self.end.shape.to == To::One;
        let taken = if alone { self.end.take_alone(RECEIVING_END, "receiving") } else { Ok(()) };
        let address = self.end.segment.address().clone();
        taken.and_then(|()| Receiver::of(self.end)).map_err(|error| error.during("receive from", &address))
    }

    /// How much went through it.
    ///
    /// # Errors
    /// `Corrupt` if the memory was taken away.
    pub fn statistics(&self) -> Result<Statistics> {
        Statistics::of(&self.end)
    }

    /// The segment that it lies in.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        &self.end.segment
    }

    /// Detaches, and reports errors: as [`Segment::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(self) -> Result<()> {
        self.end.detach()
    }

    fn of((segment, shape): (Segment, Shape)) -> Result<Self> {
        let address = segment.address().clone();
        let end = End::of(segment, shape).map_err(|error| error.during("attach", &address))?;
        Ok(Self { end, of: PhantomData })
    }
}

impl<T: Item + ?Sized> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("segment", &self.end.segment).finish_non_exhaustive()
    }
}

/// How to make or attach a queue, if not in the usual way.
///
/// ```
/// use cenote::{Queue, Segment, WhenFull};
///
/// # let name = format!("doc/queue-options-{}", std::process::id());
/// # let name = name.as_str(); // "camera/front"
/// let pictures = Queue::<[u8]>::options()
///     .message(1 << 20) // bytes at most
///     .depth(4)
///     .one_sender()
///     .when_full(WhenFull::DropOldest)
///     .segment(&Segment::options().mode(0o640))
///     .create(name)?;
/// # Ok::<(), cenote::Error>(())
/// ```
#[must_use]
pub struct QueueOptions<T: Item + ?Sized = [u8]> {
    making: Making<T>,
}

impl<T: Item + ?Sized> QueueOptions<T> {
    fn new() -> Self {
        Self { making: Making::new(DEPTH, To::OneOfMany, WhenFull::Wait) }
    }

    /// How many messages a new queue has room for: rounded up to a power of two. 256 unless said otherwise.
    pub fn depth(mut self, messages: u64) -> Self {
        self.making.wish.depth = messages;
        self
    }

    /// How many messages more can be filled or be in somebody's hands: of messages of more than 240 bytes, for each of
    /// which that is reserved. 8 unless said otherwise.
    pub fn spare(mut self, messages: u64) -> Self {
        self.making.wish.spare = messages;
        self
    }

    /// Only one process sends to a new queue at a time, which is faster. If it dies, the next one may.
    pub fn one_sender(mut self) -> Self {
        self.making.wish.one_sender = true;
        self
    }

    /// Only one process receives from a new queue at a time, which is faster. If it dies, the next one may.
    pub fn one_receiver(mut self) -> Self {
        self.making.wish.to = To::One;
        self
    }

    /// What the senders of a new queue do when it is full. They wait unless said otherwise.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.making.wish.when_full = when_full;
        self
    }

    /// How to make and attach the segment: its mode, whether it is kept, how long to wait.
    pub fn segment(mut self, options: &Options) -> Self {
        self.making.segment = options.clone();
        self
    }

    /// As [`Queue::create`], in this way.
    ///
    /// # Errors
    /// Those of [`Queue::create`]; `InvalidSize` if there is to be room for no message, or for more than can be addressed.
    pub fn create<A>(&self, address: A) -> Result<Queue<T>>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Queue::of(self.making.create(address.try_into()?)?)
    }

    /// As [`Queue::attach`], in this way: what it was made for is as it is.
    ///
    /// # Errors
    /// Those of [`Queue::attach`].
    pub fn attach<A>(&self, address: A) -> Result<Queue<T>>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Queue::of(self.making.attach(address.try_into()?)?)
    }

    /// As [`Queue::open_or_create`], in this way: what is there already is used as it is.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`attach`](Self::attach).
    pub fn open_or_create<A>(&self, address: A) -> Result<Queue<T>>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Queue::of(self.making.open_or_create(&address.try_into()?)?)
    }
}

impl QueueOptions {
    /// How many bytes a message can have. 4096 unless said otherwise.
    pub fn message(mut self, bytes: u64) -> Self {
        self.making.wish.longest = bytes;
        self
    }
}

impl<T: Item + ?Sized> Clone for QueueOptions<T> {
    fn clone(&self) -> Self {
        Self { making: self.making.clone() }
    }
}

impl<T: Item + ?Sized> fmt::Debug for QueueOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueOptions").field(&self.making).finish()
    }
}

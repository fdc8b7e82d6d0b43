//! Queues: each message is received once.

mod borrowed;
mod cell;
mod end;
mod item;
mod loan;
mod receiver;
mod sender;
mod statistics;

use std::fmt;
use std::marker::PhantomData;

use zerocopy::IntoBytes;

pub use borrowed::Borrowed;
use end::End;
pub use item::Item;
use item::Says;
pub use loan::Loan;
pub use receiver::Receiver;
pub use sender::Sender;
pub use statistics::Statistics;

use crate::address::{Address, Kind};
use crate::backend::Typed;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Content, Plan, RECEIVING_END, SENDING_END, WhenFull, Wish};
use crate::segment::{Options, Segment};
use crate::sys::Wait;

/// How many messages a queue has room for, where nothing is said.
const DEPTH: u64 = 256;
/// How long a message of bytes can be, where nothing is said.
const LONGEST: u64 = 4096;
/// How many chunks there are beyond one for each message, where nothing is said: for those that are being filled.
const SPARE: u64 = 8;

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
        let taken = match self.end.shape.one_sender {
            true => self.end.take_alone(SENDING_END, "sending", self.end.segment.patience(Wait::Try)),
            false => Ok(()),
        };
        let address = self.end.segment.address().clone();
        taken.and_then(|()| Sender::of(self.end)).map_err(|error| error.during("send to", &address))
    }

    /// The end that receives.
    ///
    /// # Errors
    /// `LockError` if it was made for one receiver and another process has that end; `Corrupt`.
    pub fn receiver(mut self) -> Result<Receiver<T>> {
        let taken = match self.end.shape.one_receiver {
            true => self.end.take_alone(RECEIVING_END, "receiving", self.end.segment.patience(Wait::Try)),
            false => Ok(()),
        };
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

    fn of(segment: Segment) -> Result<Self> {
        let address = segment.address().clone();
        End::of(segment)
            .and_then(|end| match T::says()?.length {
                Some(length) if end.shape.longest != length => Err(Error::new(
                    ErrorKind::Corrupt,
                    format!("its messages have {} bytes, and its type has {length}", end.shape.longest),
                )),
                _ => Ok(Self { end, of: PhantomData }),
            })
            .map_err(|error| error.during("attach", &address))
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
    wish: Wish,
    segment: Options,
    of: PhantomData<fn(&T)>,
}

impl<T: Item + ?Sized> QueueOptions<T> {
    fn new() -> Self {
        let wish = Wish {
            depth: DEPTH,
            longest: LONGEST,
            spare: SPARE,
            one_sender: false,
            one_receiver: false,
            when_full: WhenFull::Wait,
        };
        Self { wish, segment: Options::new(), of: PhantomData }
    }

    /// How many messages a new queue has room for: rounded up to a power of two. 256 unless said otherwise.
    pub fn depth(mut self, messages: u64) -> Self {
        self.wish.depth = messages;
        self
    }

    /// How many messages more can be filled or be in somebody's hands: of messages of more than 240 bytes, for each of
    /// which that is reserved. 8 unless said otherwise.
    pub fn spare(mut self, messages: u64) -> Self {
        self.wish.spare = messages;
        self
    }

    /// Only one process sends to a new queue at a time, which is faster. If it dies, the next one may.
    pub fn one_sender(mut self) -> Self {
        self.wish.one_sender = true;
        self
    }

    /// Only one process receives from a new queue at a time, which is faster. If it dies, the next one may.
    pub fn one_receiver(mut self) -> Self {
        self.wish.one_receiver = true;
        self
    }

    /// What the senders of a new queue do when it is full. They wait unless said otherwise.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.wish.when_full = when_full;
        self
    }

    /// How to make and attach the segment: its mode, whether it is kept, how long to wait.
    pub fn segment(mut self, options: &Options) -> Self {
        self.segment = options.clone();
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
        self.create_at(address.try_into()?)
    }

    fn create_at(&self, address: Address) -> Result<Queue<T>> {
        let (options, size) = self.prepared(&address).map_err(|error| error.during("create", &address))?;
        Queue::of(options.create(address, size)?)
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
        self.attach_at(address.try_into()?)
    }

    fn attach_at(&self, address: Address) -> Result<Queue<T>> {
        let options = self.to_attach(&address).map_err(|error| error.during("attach", &address))?;
        self.checked(options.attach(address)?)
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
        let address = address.try_into()?;
        // Others may make and remove it meanwhile, but not for ever.
        let mut last = None;
        for _ in 0..100 {
            match self.attach_at(address.clone()) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
            match self.create_at(address.clone()) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = Some(error),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::Unknown, "it appears and disappears all the time")))
    }

    fn prepared(&self, address: &Address) -> Result<(Options, u64)> {
        ensure_native(address)?;
        let Says { content, length } = T::says()?;
        let content = content.unwrap_or(Content { kind: Content::QUEUE, ..Content::default() });
        let longest = length.map_or(self.wish.longest, |length| length as u64);
        let plan = Plan::new(&Wish { longest, ..self.wish })?;
        let size = plan.check()?.size()?;
        Ok((self.segment.with_content(Typed { content, first: plan.as_bytes().to_vec() })?, size))
    }

    fn to_attach(&self, address: &Address) -> Result<Options> {
        ensure_native(address)?;
        match T::says()?.content {
            Some(content) => self.segment.with_content(Typed { content, first: Vec::new() }),
            None => Ok(self.segment.clone()),
        }
    }

    /// Who takes a queue of any type looks that it is one.
    fn checked(&self, segment: Segment) -> Result<Queue<T>> {
        match segment.content()? {
            Some(content) if content.kind == Content::QUEUE => Queue::of(segment),
            content => {
                let what = format!("it has {}, and no queue", content.unwrap_or_default());
                Err(Error::new(ErrorKind::Incompatible, what).during("attach", segment.address()))
            }
        }
    }
}

impl QueueOptions {
    /// How many bytes a message can have. 4096 unless said otherwise.
    pub fn message(mut self, bytes: u64) -> Self {
        self.wish.longest = bytes;
        self
    }
}

impl<T: Item + ?Sized> Clone for QueueOptions<T> {
    fn clone(&self) -> Self {
        Self { wish: self.wish, segment: self.segment.clone(), of: PhantomData }
    }
}

impl<T: Item + ?Sized> fmt::Debug for QueueOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueOptions").field("wish", &self.wish).field("segment", &self.segment).finish()
    }
}

fn ensure_native(address: &Address) -> Result<()> {
    if address.kind() == Kind::Cenote {
        return Ok(());
    }
    let what = format!("{}: segments have no channels", address.kind());
    Err(Error::new(ErrorKind::Unsupported, what)
        .with_hint("channels are native: use an address without a kind, such as robot/goals"))
}

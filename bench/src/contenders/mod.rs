//! What is measured: one file for each way of getting bytes from one process to another, all behind the same trait.

mod bytes;
mod cenote;
mod cenote_topic;
mod crossbeam;
mod descriptors;
mod fifo;
mod futex;
mod iceoryx2;
mod interprocess;
mod ipc_channel;
mod line;
mod memcpy;
mod pieces;
mod pipe;
mod posix_mq;
mod robust_mutex;
mod rtrb;
mod several;
mod shmem_ipc;
mod slots;
pub(crate) mod sysv;
mod sysv_queue;
mod sysv_shm;
mod tcp;
mod threads;
mod unix_datagram;
mod unix_stream;

use std::ops::RangeInclusive;

use crate::harness::Fault;
use crate::harness::agent;
use crate::harness::payload::Payload;
use crate::harness::peer;
use crate::harness::plan::{Config, Plan, Wait};

/// All of them, in the order of the tables.
pub(crate) const ALL: &[Entry] = &[
    Entry::of::<cenote::Cenote>(),
    Entry::of::<cenote::InPlace>(),
    Entry::of::<iceoryx2::Iceoryx2>(),
    Entry::of::<shmem_ipc::ShmemIpc>(),
    Entry::of::<ipc_channel::IpcChannel>(),
    Entry::of::<interprocess::Interprocess>(),
    Entry::of::<pipe::Pipe>(),
    Entry::of::<fifo::Fifo>(),
    Entry::of::<unix_stream::UnixStream>(),
    Entry::of::<unix_datagram::UnixDatagram>(),
    Entry::of::<tcp::Tcp>(),
    Entry::of::<posix_mq::PosixMq>(),
    Entry::of::<sysv_queue::SysvQueue>(),
    Entry::of::<sysv_shm::SysvShm>(),
    Entry::of::<robust_mutex::RobustMutex>(),
    Entry::of::<rtrb::Rtrb>(),
    Entry::of::<crossbeam::Crossbeam>(),
    Entry::of::<futex::Futex>(),
    Entry::of::<memcpy::Memcpy>(),
    Entry::of::<line::BareLine>(),
];

/// What a contender can do, and so which tests it takes part in.
#[derive(Clone, Copy)]
pub(crate) struct Abilities {
    /// Its ends can look without sleeping.
    pub(crate) spins: bool,
    /// Its ends can sleep until something comes.
    pub(crate) sleeps: bool,
    /// Messages are written and read where they lie.
    pub(crate) loans: bool,
    /// The bytes that a message may have.
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// How its ends wait in a stream, as its users would; nothing if there is no room for a second message.
    pub(crate) streams: Option<Wait>,
    /// Whether a time to set it up means anything.
    pub(crate) sets_up: bool,
    /// Both ends are threads of one process.
    pub(crate) in_process: bool,
}

impl Abilities {
    /// Calls of the kernel, of which some wait and some do not.
    pub(crate) const KERNEL: Self = Self {
        spins: true,
        sleeps: true,
        loans: false,
        least: 8,
        most: usize::MAX,
        streams: Some(Wait::Sleep),
        sets_up: true,
        in_process: false,
    };

    pub(crate) fn takes(&self, bytes: usize) -> bool {
        self.sizes().contains(&bytes)
    }

    fn sizes(&self) -> RangeInclusive<usize> {
        self.least..=self.most
    }
}

/// A way of getting messages to another process and back.
pub(crate) trait Contender: 'static {
    const NAME: &'static str;
    const ABILITIES: Abilities;

    /// What the first side has when it is ready for the second.
    type Listening;
    /// An end; each side has one, which sends to the other and receives from it.
    type Link: Link;
    /// How one publishes to several. Who has nothing of the kind gives one link to each: `Several<Self>`.
    type Topic: Topic;

    /// Whether it can run here at all; if not, why.
    fn runs_here() -> Result<(), Fault> {
        Ok(())
    }

    /// The first side's beginning. The text is what the second side needs beside the config.
    fn listen(config: &Config) -> Result<(Self::Listening, String), Fault>;

    /// The second side's end, while the first listens. It must not wait for `accept`.
    fn connect(config: &Config, card: &str) -> Result<Self::Link, Fault>;

    /// The first side's end, after the second connected.
    fn accept(config: &Config, listening: Self::Listening) -> Result<Self::Link, Fault>;

    /// Removes what a pair may have left behind that was killed, beyond files in the folder and in /dev/shm that bear
    /// the config's name.
    fn sweep(_config: &Config) {}
}

/// One side's end. All messages of a link have the config's bytes.
pub(crate) trait Link {
    /// Sends the message, unless there is no room.
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault>;

    /// Receives the message and checks it, unless there is none.
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault>;

    /// Sends the message; the caller sleeps while there is no room.
    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault>;

    /// Receives the message and checks it; the caller sleeps until it is there.
    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault>;

    /// [`try_send`](Self::try_send), written where it lies.
    fn try_loan(&mut self, _message: Payload) -> Result<bool, Fault> {
        Err("it has no loans".to_owned())
    }

    /// [`try_receive`](Self::try_receive), read where it lies.
    fn try_borrow(&mut self, _message: Payload) -> Result<bool, Fault> {
        Err("it has no loans".to_owned())
    }

    #[inline]
    fn send(&mut self, message: Payload, wait: Wait) -> Result<(), Fault> {
        match wait {
            Wait::Sleep => self.send_asleep(message),
            Wait::Spin => {
                while !self.try_send(message)? {}
                Ok(())
            }
        }
    }

    #[inline]
    fn receive(&mut self, message: Payload, wait: Wait) -> Result<(), Fault> {
        match wait {
            Wait::Sleep => self.receive_asleep(message),
            Wait::Spin => {
                while !self.try_receive(message)? {}
                Ok(())
            }
        }
    }

    #[inline]
    fn loan(&mut self, message: Payload) -> Result<(), Fault> {
        while !self.try_loan(message)? {}
        Ok(())
    }

    #[inline]
    fn borrow(&mut self, message: Payload) -> Result<(), Fault> {
        while !self.try_borrow(message)? {}
        Ok(())
    }
}

/// One publishes, several receive everything.
pub(crate) trait Topic {
    type Opening;
    type Publisher;
    type Subscriber;

    /// The publisher's beginning, and what the subscribers need to know.
    fn open(config: &Config) -> Result<(Self::Opening, String), Fault>;
    fn subscribe(config: &Config, card: &str, index: usize) -> Result<Self::Subscriber, Fault>;
    /// After all have subscribed.
    fn ready(config: &Config, opening: Self::Opening) -> Result<Self::Publisher, Fault>;

    fn publish(publisher: &mut Self::Publisher, message: Payload) -> Result<(), Fault>;
    /// Receives the message, which was published before, and checks it.
    fn take(subscriber: &mut Self::Subscriber, message: Payload) -> Result<(), Fault>;
}

/// A contender as the tables know it: what does not depend on the types of its ends.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) abilities: Abilities,
    pub(crate) runs_here: fn() -> Result<(), Fault>,
    pub(crate) sweep: fn(&Config),
    /// The first process of a pair.
    pub(crate) drive: fn(&Plan) -> Result<(), Fault>,
    /// The other one, or one of several others.
    pub(crate) answer: fn(&Plan, usize) -> Result<(), Fault>,
}

impl Entry {
    const fn of<C: Contender>() -> Self {
        Self {
            name: C::NAME,
            abilities: C::ABILITIES,
            runs_here: C::runs_here,
            sweep: C::sweep,
            drive: agent::drive::<C>,
            answer: peer::answer::<C>,
        }
    }

    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|entry| entry.name == name)
    }
}

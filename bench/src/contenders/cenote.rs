//! Cenote: a queue for each direction, for one sender and one receiver. What is sent as a copy is filled elsewhere and copied
//! in, and out again; loans are written and read where they lie. Recovery and validation are on: there is no other mode.
#![allow(unsafe_code)]

use cenote::{Queue, Receiver, Segment, Sender};
use zerocopy::IntoBytes;

use super::cenote_topic::CenoteTopic;
use super::{Abilities, Contender, Link};
use crate::harness::payload::Payload;
use crate::harness::plan::{Config, Wait};
use crate::harness::{Fault, fault};

pub(crate) struct Cenote;

/// The same with loans alone: what is sent is filled where it lies, and read there.
pub(crate) struct InPlace;

/// Both ends of one process.
pub(crate) struct Ends {
    from: Receiver,
    to: Sender,
    /// What is sent, and what was received.
    words: Vec<u64>,
    bytes: Vec<u8>,
}

fn name(config: &Config, direction: &str) -> String {
    format!("{}-{direction}", config.name)
}

impl Ends {
    fn new(config: &Config, from: Queue, to: Queue) -> Result<Self, Fault> {
        Ok(Self {
            from: from.receiver().map_err(fault("the receiving end"))?,
            to: to.sender().map_err(fault("the sending end"))?,
            words: vec![0; config.words()],
            bytes: Vec::with_capacity(config.bytes),
        })
    }

    fn check(&self, message: Payload) -> Result<(), Fault> {
        check(&self.bytes, message)
    }
}

pub(super) fn check(bytes: &[u8], message: Payload) -> Result<(), Fault> {
    // SAFETY: any bytes are words.
    let (before, words, after) = unsafe { bytes.align_to::<u64>() };
    if !before.is_empty() || !after.is_empty() {
        return Err("a message does not lie as words do".to_owned());
    }
    message.check(words)
}

impl Link for Ends {
    #[inline]
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        message.fill(&mut self.words);
        self.to.try_send(self.words.as_bytes()).map_err(fault("sending"))
    }

    #[inline]
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        match self.from.try_receive_into(&mut self.bytes).map_err(fault("receiving"))? {
            Some(_) => self.check(message).map(|()| true),
            None => Ok(false),
        }
    }

    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        message.fill(&mut self.words);
        self.to.send(self.words.as_bytes()).map_err(fault("sending"))
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.from.receive_into(&mut self.bytes).map_err(fault("receiving"))?;
        self.check(message)
    }

    #[inline]
    fn try_loan(&mut self, message: Payload) -> Result<bool, Fault> {
        let mut loan = self.to.loan(self.words.len() * 8).map_err(fault("a loan"))?;
        // SAFETY: the other side keeps to the rules.
        let bytes = unsafe { loan.as_mut_slice() };
        // SAFETY: any bytes are words.
        let (_, words, _) = unsafe { bytes.align_to_mut::<u64>() };
        message.fill(words);
        loan.send().map_err(fault("sending")).map(|()| true)
    }

    #[inline]
    fn try_borrow(&mut self, message: Payload) -> Result<bool, Fault> {
        let Some(borrowed) = self.from.try_borrow().map_err(fault("receiving"))? else { return Ok(false) };
        // SAFETY: the other side keeps to the rules.
        check(unsafe { borrowed.as_slice() }, message).map(|()| true)
    }
}

impl Contender for Cenote {
    const NAME: &'static str = "cenote";
    const ABILITIES: Abilities = Abilities { loans: true, streams: Some(Wait::Spin), ..Abilities::KERNEL };
    type Listening = (Queue, Queue);
    type Link = Ends;
    type Topic = CenoteTopic;

    fn listen(config: &Config) -> Result<((Queue, Queue), String), Fault> {
        let options = Queue::<[u8]>::options().message(config.bytes as u64).depth(config.depth as u64);
        let options = options.one_sender().one_receiver().segment(&Segment::options());
        let make = |direction| options.create(name(config, direction)).map_err(fault("a queue"));
        Ok(((make("back")?, make("out")?), String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Ends, Fault> {
        let attach = |direction| Queue::attach(name(config, direction)).map_err(fault("their queue"));
        Ends::new(config, attach("out")?, attach("back")?)
    }

    fn accept(config: &Config, (back, out): (Queue, Queue)) -> Result<Ends, Fault> {
        Ends::new(config, back, out)
    }
}

/// Both ends of one process, for loans.
pub(crate) struct Lent(Ends);

impl Link for Lent {
    #[inline]
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        self.0.try_loan(message)
    }

    #[inline]
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        self.0.try_borrow(message)
    }

    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.0.try_loan(message).map(drop)
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        let borrowed = self.0.from.borrow().map_err(fault("receiving"))?;
        // SAFETY: the other side keeps to the rules.
        check(unsafe { borrowed.as_slice() }, message)
    }
}

impl Contender for InPlace {
    const NAME: &'static str = "cenote-loans";
    const ABILITIES: Abilities = Abilities { streams: Some(Wait::Spin), sets_up: false, ..Abilities::KERNEL };
    type Listening = (Queue, Queue);
    type Link = Lent;
    type Topic = CenoteTopic;

    fn listen(config: &Config) -> Result<((Queue, Queue), String), Fault> {
        Cenote::listen(config)
    }

    fn connect(config: &Config, card: &str) -> Result<Lent, Fault> {
        Cenote::connect(config, card).map(Lent)
    }

    fn accept(config: &Config, listening: (Queue, Queue)) -> Result<Lent, Fault> {
        Cenote::accept(config, listening).map(Lent)
    }
}

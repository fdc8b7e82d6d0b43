//! `shmem-ipc`: a ring of words in a memfd for each direction, and two eventfds for who sleeps. The second side makes
//! both and hands the descriptors over.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use shmem_ipc::sharedring::{Receiver, Sender};

use super::several::Several;
use super::unix_stream::Listening;
use super::{Abilities, Contender, Link, descriptors};
use crate::harness::payload::Payload;
use crate::harness::plan::{Config, Wait};
use crate::harness::{Fault, fault};

pub(crate) struct ShmemIpc;

pub(crate) struct Rings {
    from: Receiver<u64>,
    to: Sender<u64>,
    words: usize,
}

fn capacity(config: &Config) -> usize {
    config.words() * config.depth
}

impl Rings {
    /// The ring wraps anywhere: a message can lie in two pieces, each written where it lies.
    fn put(&mut self, message: Payload, waits: bool) -> Result<(), Fault> {
        let mut at = 0;
        while at < self.words {
            let rest = self.words - at;
            let mut written = 0;
            let write = |start: *mut u64, room: usize| {
                written = room.min(rest);
                // SAFETY: the ring says that so many words from `start` on are free; the other side keeps off them.
                let words = unsafe { std::slice::from_raw_parts_mut(start, written) };
                message.after_words(at).fill(words);
                written
            };
            if waits {
                self.to.block_until_writable().map_err(fault("waiting for room"))?;
                self.to.send_raw(write).map_err(fault("sending"))?;
            } else {
                // Nobody sleeps, so nobody needs a signal.
                self.to.sender_mut().send(write).map_err(fault("sending"))?;
            }
            at += written;
        }
        Ok(())
    }

    fn take(&mut self, message: Payload, waits: bool) -> Result<(), Fault> {
        let mut at = 0;
        while at < self.words {
            let rest = self.words - at;
            let mut read = 0;
            let mut checked = Ok(());
            let check = |start: *const u64, there: usize| {
                read = there.min(rest);
                // SAFETY: the ring says that so many words from `start` on are full; the other side keeps off them.
                let words = unsafe { std::slice::from_raw_parts(start, read) };
                checked = message.after_words(at).check(words);
                read
            };
            if waits {
                self.from.block_until_readable().map_err(fault("waiting"))?;
                self.from.receive_raw(check).map_err(fault("receiving"))?;
            } else {
                self.from.receiver_mut().recv(check).map_err(fault("receiving"))?;
            }
            checked?;
            at += read;
        }
        Ok(())
    }
}

impl Link for Rings {
    #[inline]
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        if self.to.sender_mut().write_count().map_err(fault("looking"))? < self.words {
            return Ok(false);
        }
        self.put(message, false).map(|()| true)
    }

    #[inline]
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        if self.from.receiver_mut().read_count().map_err(fault("looking"))? < self.words {
            return Ok(false);
        }
        self.take(message, false).map(|()| true)
    }

    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.put(message, true)
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.take(message, true)
    }
}

impl Contender for ShmemIpc {
    const NAME: &'static str = "shmem-ipc";
    /// No loans: a message need not lie in one piece.
    const ABILITIES: Abilities = Abilities { streams: Some(Wait::Spin), ..Abilities::KERNEL };
    type Listening = Listening;
    type Link = Rings;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Listening, String), Fault> {
        Ok((Listening::at(config.path("rings"))?, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Rings, Fault> {
        let to: Sender<u64> = Sender::new(capacity(config)).map_err(fault("a ring"))?;
        let from: Receiver<u64> = Receiver::new(capacity(config)).map_err(fault("a ring"))?;
        let socket = UnixStream::connect(config.path("rings")).map_err(fault("connecting"))?;
        descriptors::send(
            &socket,
            &[
                to.memfd().as_file().as_fd(),
                to.empty_signal().as_fd(),
                to.full_signal().as_fd(),
                from.memfd().as_file().as_fd(),
                from.empty_signal().as_fd(),
                from.full_signal().as_fd(),
            ],
        )?;
        Ok(Rings { from, to, words: config.words() })
    }

    fn accept(config: &Config, listening: Listening) -> Result<Rings, Fault> {
        let (socket, _) = listening.socket.accept().map_err(fault("accepting"))?;
        let descriptors: Result<[OwnedFd; 6], _> = descriptors::receive(&socket)?.try_into();
        let files = descriptors.map_err(|_| "not six descriptors")?.map(File::from);
        let [from, from_empty, from_full, to, to_empty, to_full] = files;
        let size = capacity(config);
        let from = Receiver::open(size, from, from_empty, from_full).map_err(fault("their ring"))?;
        let to = Sender::open(size, to, to_empty, to_full).map_err(fault("their ring"))?;
        Ok(Rings { from, to, words: config.words() })
    }
}

//! Links through what carries bytes and keeps no bounds between messages: pipes and stream sockets.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use super::Link;
use crate::harness::payload::{Payload, bytes, bytes_mut};
use crate::harness::plan::{Config, Wait};
use crate::harness::{Fault, fault};

pub(crate) struct Bytes {
    from: OwnedFd,
    to: OwnedFd,
    /// Where the message to send is written, and the one received.
    words: Vec<u64>,
}

impl Bytes {
    /// Descriptors that wait or do not, as the config says.
    pub(crate) fn new(config: &Config, from: OwnedFd, to: OwnedFd) -> Result<Self, Fault> {
        let spins = config.wait == Wait::Spin;
        for descriptor in [&from, &to] {
            rustix::io::ioctl_fionbio(descriptor, spins).map_err(fault("FIONBIO"))?;
        }
        Ok(Self { from, to, words: vec![0; config.words()] })
    }

    /// A socket does both.
    pub(crate) fn of_socket(config: &Config, socket: impl Into<OwnedFd>) -> Result<Self, Fault> {
        let socket = socket.into();
        let other = socket.as_fd().try_clone_to_owned().map_err(fault("dup"))?;
        Self::new(config, socket, other)
    }
}

impl Link for Bytes {
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        message.fill(&mut self.words);
        let mut rest = bytes(&self.words);
        let whole = rest.len();
        while !rest.is_empty() {
            match rustix::io::write(&self.to, rest) {
                Ok(count) => rest = &rest[count..],
                // Of a message that has begun, the rest follows: the other side takes what is in the way.
                Err(Errno::AGAIN) if rest.len() < whole => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(format!("write: {error}")),
            }
        }
        Ok(true)
    }

    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        let mut rest = bytes_mut(&mut self.words);
        let whole = rest.len();
        while !rest.is_empty() {
            match rustix::io::read(&self.from, &mut *rest) {
                Ok(0) => return Err("read: the other side is gone".to_owned()),
                Ok(count) => rest = &mut rest[count..],
                Err(Errno::AGAIN) if rest.len() < whole => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(format!("read: {error}")),
            }
        }
        message.check(&self.words)?;
        Ok(true)
    }

    /// The descriptor waits: nothing is ever refused.
    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.try_send(message).map(drop)
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.try_receive(message).map(drop)
    }
}

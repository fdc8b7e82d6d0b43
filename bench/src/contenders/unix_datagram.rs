//! A pair of Unix datagram sockets.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram as Socket;
use std::path::PathBuf;

use super::pieces::{Carrier, Pieces, expect_whole};
use super::several::Several;
use super::{Abilities, Contender};
use crate::harness::payload::{bytes, bytes_mut};
use crate::harness::plan::{Config, Wait};
use crate::harness::{Fault, fault};

/// Half of what a socket's buffer holds by default, with room for the kernel's own.
const MOST_BYTES: usize = 64 << 10;

pub(crate) struct UnixDatagram;

/// A socket with its name, which goes with it.
pub(crate) struct Bound {
    socket: Socket,
    path: PathBuf,
}

impl Bound {
    fn at(path: PathBuf) -> Result<Self, Fault> {
        Ok(Self { socket: Socket::bind(&path).map_err(fault("bind"))?, path })
    }

    fn connected(self, config: &Config, other: &str) -> Result<Pieces<Self>, Fault> {
        self.socket.connect(config.path(other)).map_err(fault("connect"))?;
        self.socket.set_nonblocking(config.wait == Wait::Spin).map_err(fault("O_NONBLOCK"))?;
        Ok(Pieces::new(config, self))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Carrier for Bound {
    fn most(&self) -> usize {
        MOST_BYTES / 8
    }

    fn send_piece(&mut self, words: &[u64]) -> Result<bool, Fault> {
        match self.socket.send(bytes(words)) {
            Ok(sent) => expect_whole(sent, words),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(format!("send: {error}")),
        }
    }

    fn receive_piece(&mut self, words: &mut [u64]) -> Result<bool, Fault> {
        match self.socket.recv(bytes_mut(words)) {
            Ok(came) => expect_whole(came, words),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(format!("recv: {error}")),
        }
    }
}

impl Contender for UnixDatagram {
    const NAME: &'static str = "unix_datagram";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = Bound;
    type Link = Pieces<Bound>;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Bound, String), Fault> {
        Ok((Bound::at(config.path("first"))?, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Pieces<Bound>, Fault> {
        Bound::at(config.path("second"))?.connected(config, "first")
    }

    fn accept(config: &Config, listening: Bound) -> Result<Pieces<Bound>, Fault> {
        listening.connected(config, "second")
    }
}

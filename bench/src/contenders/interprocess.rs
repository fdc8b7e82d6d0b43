//! The local sockets of `interprocess`, which are Unix stream sockets here.

use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;

use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericFilePath, Listener, ListenerOptions, Name, Stream};

use super::several::Several;
use super::{Abilities, Contender, Link};
use crate::harness::payload::{Payload, bytes, bytes_mut};
use crate::harness::plan::{Config, Wait};
use crate::harness::{Fault, fault};

pub(crate) struct Interprocess;

pub(crate) struct Socket {
    stream: Stream,
    words: Vec<u64>,
}

fn name(path: PathBuf) -> Result<Name<'static>, Fault> {
    path.to_fs_name::<GenericFilePath>().map_err(fault("the socket's name"))
}

impl Socket {
    fn new(config: &Config, stream: Stream) -> Result<Self, Fault> {
        stream.set_nonblocking(config.wait == Wait::Spin).map_err(fault("O_NONBLOCK"))?;
        Ok(Self { stream, words: vec![0; config.words()] })
    }
}

impl Link for Socket {
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        message.fill(&mut self.words);
        let mut rest = bytes(&self.words);
        let whole = rest.len();
        while !rest.is_empty() {
            match (&self.stream).write(rest) {
                Ok(count) => rest = &rest[count..],
                // Of a message that has begun, the rest follows: the other side takes what is in the way.
                Err(error) if error.kind() == ErrorKind::WouldBlock && rest.len() < whole => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("write: {error}")),
            }
        }
        Ok(true)
    }

    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        let mut rest = bytes_mut(&mut self.words);
        let whole = rest.len();
        while !rest.is_empty() {
            match (&self.stream).read(rest) {
                Ok(0) => return Err("read: the other side is gone".to_owned()),
                Ok(count) => rest = &mut rest[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock && rest.len() < whole => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("read: {error}")),
            }
        }
        message.check(&self.words)?;
        Ok(true)
    }

    /// The socket waits: nothing is ever refused.
    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.try_send(message).map(drop)
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        self.try_receive(message).map(drop)
    }
}

impl Contender for Interprocess {
    const NAME: &'static str = "interprocess";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = Listener;
    type Link = Socket;
    type Topic = Several<Self>;

    /// The listener removes its name when it goes.
    fn listen(config: &Config) -> Result<(Listener, String), Fault> {
        let options = ListenerOptions::new().name(name(config.path("local"))?);
        Ok((options.create_sync().map_err(fault("listening"))?, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Socket, Fault> {
        let stream = Stream::connect(name(config.path("local"))?).map_err(fault("connecting"))?;
        Socket::new(config, stream)
    }

    fn accept(config: &Config, listening: Listener) -> Result<Socket, Fault> {
        Socket::new(config, listening.accept().map_err(fault("accepting"))?)
    }
}

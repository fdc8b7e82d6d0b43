//! A Unix stream socket.

use std::fs;
use std::os::unix::net::{UnixListener, UnixStream as Socket};
use std::path::PathBuf;

use super::bytes::Bytes;
use super::several::Several;
use super::{Abilities, Contender};
use crate::harness::plan::Config;
use crate::harness::{Fault, fault};

pub(crate) struct UnixStream;

pub(crate) struct Listening {
    pub(super) socket: UnixListener,
    path: PathBuf,
}

impl Listening {
    pub(super) fn at(path: PathBuf) -> Result<Self, Fault> {
        let socket = UnixListener::bind(&path).map_err(fault("bind"))?;
        Ok(Self { socket, path })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Contender for UnixStream {
    const NAME: &'static str = "unix_stream";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = Listening;
    type Link = Bytes;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Listening, String), Fault> {
        Ok((Listening::at(config.path("socket"))?, String::new()))
    }

    fn connect(config: &Config, _card: &str) -> Result<Bytes, Fault> {
        Bytes::of_socket(config, Socket::connect(config.path("socket")).map_err(fault("connect"))?)
    }

    fn accept(config: &Config, listening: Listening) -> Result<Bytes, Fault> {
        let (socket, _) = listening.socket.accept().map_err(fault("accept"))?;
        Bytes::of_socket(config, socket)
    }
}

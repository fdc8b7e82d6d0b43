//! TCP over the loopback, without Nagle's delay.

use std::net::{TcpListener, TcpStream};

use super::bytes::Bytes;
use super::several::Several;
use super::{Abilities, Contender};
use crate::harness::plan::Config;
use crate::harness::{Fault, fault};

pub(crate) struct Tcp;

impl Contender for Tcp {
    const NAME: &'static str = "tcp";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = TcpListener;
    type Link = Bytes;
    type Topic = Several<Self>;

    fn listen(_config: &Config) -> Result<(TcpListener, String), Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(fault("bind"))?;
        let address = listener.local_addr().map_err(fault("getsockname"))?;
        Ok((listener, address.to_string()))
    }

    fn connect(config: &Config, card: &str) -> Result<Bytes, Fault> {
        link(config, TcpStream::connect(card).map_err(fault("connect"))?)
    }

    fn accept(config: &Config, listening: TcpListener) -> Result<Bytes, Fault> {
        link(config, listening.accept().map_err(fault("accept"))?.0)
    }
}

fn link(config: &Config, socket: TcpStream) -> Result<Bytes, Fault> {
    socket.set_nodelay(true).map_err(fault("TCP_NODELAY"))?;
    Bytes::of_socket(config, socket)
}

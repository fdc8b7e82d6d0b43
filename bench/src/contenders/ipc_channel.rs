//! `ipc-channel`: its channels of bytes, one for each direction, made by the second side and handed to the first.

use ipc_channel::TryRecvError;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};

use super::several::Several;
use super::{Abilities, Contender, Link};
use crate::harness::payload::{Payload, bytes, bytes_mut};
use crate::harness::plan::Config;
use crate::harness::{Fault, fault};

pub(crate) struct IpcChannel;

/// What the first side receives with, and what it sends with.
type Ends = (IpcBytesReceiver, IpcBytesSender);

pub(crate) struct Channels {
    from: IpcBytesReceiver,
    to: IpcBytesSender,
    words: Vec<u64>,
}

impl Channels {
    fn new(config: &Config, (from, to): Ends) -> Self {
        Self { from, to, words: vec![0; config.words()] }
    }

    /// It hands out bytes that need not lie as words do: they are read after a copy, as a user would have to.
    fn check(&mut self, came: &[u8], message: Payload) -> Result<(), Fault> {
        let place = bytes_mut(&mut self.words);
        if came.len() != place.len() {
            return Err(format!("{} bytes came, where {} were sent", came.len(), place.len()));
        }
        place.copy_from_slice(came);
        message.check(&self.words)
    }
}

impl Link for Channels {
    /// It has no sending that does not wait.
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        self.send_asleep(message).map(|()| true)
    }

    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        match self.from.try_recv() {
            Ok(came) => self.check(&came, message).map(|()| true),
            Err(TryRecvError::Empty) => Ok(false),
            Err(error) => Err(format!("receiving: {error:?}")),
        }
    }

    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        message.fill(&mut self.words);
        self.to.send(bytes(&self.words)).map_err(fault("sending"))
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        let came = self.from.recv().map_err(|error| format!("receiving: {error:?}"))?;
        self.check(&came, message)
    }
}

impl Contender for IpcChannel {
    const NAME: &'static str = "ipc-channel";
    const ABILITIES: Abilities = Abilities::KERNEL;
    type Listening = IpcOneShotServer<Ends>;
    type Link = Channels;
    type Topic = Several<Self>;

    fn listen(_config: &Config) -> Result<(Self::Listening, String), Fault> {
        IpcOneShotServer::new().map_err(fault("a server for one"))
    }

    fn connect(config: &Config, card: &str) -> Result<Channels, Fault> {
        let (out_to, out_from) = ipc::bytes_channel().map_err(fault("a channel"))?;
        let (back_to, back_from) = ipc::bytes_channel().map_err(fault("a channel"))?;
        let server: IpcSender<Ends> = IpcSender::connect(card.to_owned()).map_err(fault("connecting"))?;
        server.send((back_from, out_to)).map_err(|error| format!("handing over: {error:?}"))?;
        Ok(Channels::new(config, (out_from, back_to)))
    }

    fn accept(config: &Config, listening: Self::Listening) -> Result<Channels, Fault> {
        let (_, ends) = listening.accept().map_err(|error| format!("accepting: {error:?}"))?;
        Ok(Channels::new(config, ends))
    }
}

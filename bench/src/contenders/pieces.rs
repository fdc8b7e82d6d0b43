//! Links through what carries messages of limited length: larger ones go in pieces.

use super::Link;
use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::Config;

/// What carries a piece at a time, in order. It waits or does not, as the config said when it was made.
pub(crate) trait Carrier {
    /// Words of the largest piece.
    fn most(&self) -> usize;
    /// Whether it was sent; no if there is no room.
    fn send_piece(&mut self, words: &[u64]) -> Result<bool, Fault>;
    /// Whether one came, which must be as long as `words`; no if there was none.
    fn receive_piece(&mut self, words: &mut [u64]) -> Result<bool, Fault>;
}

pub(crate) struct Pieces<C> {
    carrier: C,
    /// Where the message to send is written, and the one received.
    words: Vec<u64>,
}

impl<C: Carrier> Pieces<C> {
    pub(crate) fn new(config: &Config, carrier: C) -> Self {
        Self { carrier, words: vec![0; config.words()] }
    }
}

impl<C: Carrier> Link for Pieces<C> {
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        message.fill(&mut self.words);
        for (index, piece) in self.words.chunks(self.carrier.most()).enumerate() {
            while !self.carrier.send_piece(piece)? {
                // Of a message that has begun, the rest follows: the other side takes what is in the way.
                if index == 0 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        for (index, piece) in self.words.chunks_mut(self.carrier.most()).enumerate() {
            while !self.carrier.receive_piece(piece)? {
                if index == 0 {
                    return Ok(false);
                }
            }
        }
        message.check(&self.words)?;
        Ok(true)
    }

    /// The carrier waits; only a signal makes it come back without.
    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        while !self.try_send(message)? {}
        Ok(())
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        while !self.try_receive(message)? {}
        Ok(())
    }
}

/// Whether a piece came whole.
pub(super) fn expect_whole(came: usize, words: &[u64]) -> Result<bool, Fault> {
    if came == size_of_val(words) {
        Ok(true)
    } else {
        Err(format!("a piece of {came} bytes came, where {} were sent", size_of_val(words)))
    }
}

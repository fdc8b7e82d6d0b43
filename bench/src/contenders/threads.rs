//! Rings whose both ends are threads of one process, given from the first to the second.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use super::several::Several;
use super::{Abilities, Contender, Link};
use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::{Config, Wait};

/// A message, as large as the tests have them here.
pub(crate) type Message = [u64; 8];

/// A ring for one direction.
pub(crate) trait Ring: 'static {
    const NAME: &'static str;
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn new(depth: usize) -> (Self::Sender, Self::Receiver);
    /// Whether it was taken; no if there is no room.
    fn push(sender: &mut Self::Sender, message: Message) -> bool;
    fn pop(receiver: &mut Self::Receiver) -> Option<Message>;
}

pub(crate) struct Ends<R: Ring> {
    from: R::Receiver,
    to: R::Sender,
}

/// What the first thread has put there for the second. There is one pair in a process.
static GIVEN: Mutex<Option<Box<dyn Any + Send>>> = Mutex::new(None);

impl<R: Ring> Contender for R {
    const NAME: &'static str = <R as Ring>::NAME;
    const ABILITIES: Abilities = Abilities {
        sleeps: false,
        least: size_of::<Message>(),
        most: size_of::<Message>(),
        streams: Some(Wait::Spin),
        sets_up: false,
        in_process: true,
        ..Abilities::KERNEL
    };
    type Listening = Ends<R>;
    type Link = Ends<R>;
    type Topic = Several<Self>;

    fn listen(config: &Config) -> Result<(Ends<R>, String), Fault> {
        let (out_to, out_from) = R::new(config.depth);
        let (back_to, back_from) = R::new(config.depth);
        let theirs: Ends<R> = Ends { from: out_from, to: back_to };
        *GIVEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(theirs));
        Ok((Ends { from: back_from, to: out_to }, String::new()))
    }

    fn connect(_config: &Config, _card: &str) -> Result<Ends<R>, Fault> {
        let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ends = given.and_then(|ends| ends.downcast::<Ends<R>>().ok());
        ends.map(|ends| *ends).ok_or_else(|| "nothing was put there".to_owned())
    }

    fn accept(_config: &Config, listening: Ends<R>) -> Result<Ends<R>, Fault> {
        Ok(listening)
    }
}

impl<R: Ring> Link for Ends<R> {
    #[inline]
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        let mut words = [0; 8];
        message.fill(&mut words);
        Ok(R::push(&mut self.to, words))
    }

    #[inline]
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        let Some(words) = R::pop(&mut self.from) else { return Ok(false) };
        message.check(&words)?;
        Ok(true)
    }

    fn send_asleep(&mut self, _message: Payload) -> Result<(), Fault> {
        Err("it never sleeps".to_owned())
    }

    fn receive_asleep(&mut self, _message: Payload) -> Result<(), Fault> {
        Err("it never sleeps".to_owned())
    }
}

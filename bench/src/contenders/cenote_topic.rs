//! Cenote's topic: one publisher, which waits for nobody, as it is made if nothing is said; each subscriber reads where the message
//! lies. One that misses any says so by its number.
#![allow(unsafe_code)]

use cenote::{Publisher, Subscriber};
use zerocopy::IntoBytes;

use super::Topic;
use super::cenote::check;
use crate::harness::payload::Payload;
use crate::harness::plan::Config;
use crate::harness::{Fault, fault};

pub(crate) struct CenoteTopic;

/// With what is sent.
pub(crate) struct Publishing {
    to: Publisher,
    words: Vec<u64>,
}

impl Topic for CenoteTopic {
    type Opening = Publishing;
    type Publisher = Publishing;
    type Subscriber = Subscriber;

    fn open(config: &Config) -> Result<(Publishing, String), Fault> {
        let options =
            cenote::Topic::<[u8]>::options().message(config.bytes as u64).depth(config.depth as u64);
        let options = options.one_publisher();
        let topic = options.create(config.name.as_str()).map_err(fault("a topic"))?;
        let to = topic.publisher().map_err(fault("the publisher"))?;
        Ok((Publishing { to, words: vec![0; config.words()] }, String::new()))
    }

    fn subscribe(config: &Config, _card: &str, _index: usize) -> Result<Subscriber, Fault> {
        let topic = cenote::Topic::<[u8]>::attach(config.name.as_str()).map_err(fault("their topic"))?;
        topic.subscriber().map_err(fault("a subscriber"))
    }

    fn ready(_config: &Config, opening: Publishing) -> Result<Publishing, Fault> {
        Ok(opening)
    }

    #[inline]
    fn publish(publisher: &mut Publishing, message: Payload) -> Result<(), Fault> {
        message.fill(&mut publisher.words);
        publisher.to.publish(publisher.words.as_bytes()).map_err(fault("publishing"))
    }

    #[inline]
    fn take(subscriber: &mut Subscriber, message: Payload) -> Result<(), Fault> {
        let sample = subscriber.borrow().map_err(fault("receiving"))?;
        // SAFETY: the other side keeps to the rules.
        check(unsafe { sample.as_slice() }, message)
    }
}

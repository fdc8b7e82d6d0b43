//! Publishing by those who have nothing of the kind: a link to each subscriber, and the message sent on each in turn.

use std::marker::PhantomData;

use super::{Contender, Link, Topic};
use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::{Config, Wait};

pub(crate) struct Several<C>(PhantomData<C>);

impl<C: Contender> Topic for Several<C> {
    type Opening = Vec<C::Listening>;
    type Publisher = Vec<C::Link>;
    type Subscriber = C::Link;

    fn open(config: &Config) -> Result<(Self::Opening, String), Fault> {
        let mut opening = Vec::new();
        let mut cards = Vec::new();
        for index in 0..config.subscribers {
            let (listening, card) = C::listen(&config.of_subscriber(index))?;
            opening.push(listening);
            cards.push(card);
        }
        Ok((opening, cards.join("\n")))
    }

    fn subscribe(config: &Config, card: &str, index: usize) -> Result<C::Link, Fault> {
        C::connect(&config.of_subscriber(index), card.split('\n').nth(index).unwrap_or_default())
    }

    fn ready(config: &Config, opening: Self::Opening) -> Result<Self::Publisher, Fault> {
        let links = opening.into_iter().enumerate();
        links.map(|(index, listening)| C::accept(&config.of_subscriber(index), listening)).collect()
    }

    fn publish(publisher: &mut Self::Publisher, message: Payload) -> Result<(), Fault> {
        publisher.iter_mut().try_for_each(|link| link.send(message, Wait::Spin))
    }

    fn take(subscriber: &mut C::Link, message: Payload) -> Result<(), Fault> {
        subscriber.receive(message, Wait::Spin)
    }
}

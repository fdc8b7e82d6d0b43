//! `iceoryx2`: publish and subscribe, written and read where the sample lies; who sleeps is woken by an event service
//! beside it, as its documentation says.
#![allow(unsafe_code)]

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

use super::{Abilities, Contender, Link, Topic};
use crate::harness::Fault;
use crate::harness::payload::Payload;
use crate::harness::plan::{Config as Plan, Wait};

pub(crate) struct Iceoryx2;

type Service = PortFactory<ipc::Service, [u64], ()>;
type Sender = Publisher<ipc::Service, [u64], ()>;
type Receiver = Subscriber<ipc::Service, [u64], ()>;

/// Both ends of one process; the events only for who sleeps.
pub(crate) struct Ends {
    from: Receiver,
    to: Sender,
    words: usize,
    wake: Option<Notifier<ipc::Service>>,
    woken: Option<Listener<ipc::Service>>,
    /// The ports go before it.
    _node: Node<ipc::Service>,
}

/// Its errors say more in this form.
fn fault<E: std::fmt::Debug>(what: &'static str) -> impl FnOnce(E) -> Fault {
    move |error| format!("{what}: {error:?}")
}

/// Everything that it makes lies in the run's folder or bears the link's name.
fn node(plan: &Plan) -> Result<Node<ipc::Service>, Fault> {
    set_log_level(LogLevel::Fatal);
    let mut config = Config::default();
    let root = plan.folder.to_string_lossy();
    config.global.set_root_path(&Path::new(root.as_bytes()).map_err(fault("its folder"))?);
    config.global.prefix = FileName::new(plan.name.as_bytes()).map_err(fault("its prefix"))?;
    let builder = NodeBuilder::new().config(&config).signal_handling_mode(SignalHandlingMode::Disabled);
    builder.create().map_err(fault("a node"))
}

fn service(node: &Node<ipc::Service>, plan: &Plan, name: &str) -> Result<Service, Fault> {
    let name: ServiceName = name.try_into().map_err(fault("a service's name"))?;
    node.service_builder(&name)
        .publish_subscribe::<[u64]>()
        .max_publishers(1)
        .max_subscribers(plan.subscribers)
        .max_nodes(plan.subscribers + 1)
        .subscriber_max_buffer_size(plan.depth)
        .history_size(0)
        .enable_safe_overflow(false)
        .open_or_create()
        .map_err(fault("a service"))
}

/// What is full is waited for, as everywhere else here.
fn publisher(service: &Service, plan: &Plan) -> Result<Sender, Fault> {
    let builder = service.publisher_builder().initial_max_slice_len(plan.words());
    let builder = builder.backpressure_strategy(BackpressureStrategy::RetryUntilDelivered);
    builder.create().map_err(fault("a publisher"))
}

fn subscriber(service: &Service) -> Result<Receiver, Fault> {
    service.subscriber_builder().create().map_err(fault("a subscriber"))
}

fn event(
    node: &Node<ipc::Service>,
    name: &str,
) -> Result<iceoryx2::service::port_factory::event::PortFactory<ipc::Service>, Fault> {
    let name: ServiceName = name.try_into().map_err(fault("an event's name"))?;
    node.service_builder(&name).event().open_or_create().map_err(fault("an event service"))
}

impl Ends {
    /// `out` is what this side sends on.
    fn new(plan: &Plan, out: &str, back: &str) -> Result<Self, Fault> {
        let node = node(plan)?;
        let to = publisher(&service(&node, plan, out)?, plan)?;
        let from = subscriber(&service(&node, plan, back)?)?;
        let (mut wake, mut woken) = (None, None);
        if plan.wait == Wait::Sleep {
            wake = Some(event(&node, out)?.notifier_builder().create().map_err(fault("a notifier"))?);
            woken = Some(event(&node, back)?.listener_builder().create().map_err(fault("a listener"))?);
        }
        Ok(Self { from, to, words: plan.words(), wake, woken, _node: node })
    }
}

#[inline]
fn publish(to: &Sender, words: usize, message: Payload) -> Result<(), Fault> {
    let mut sample = to.loan_slice_uninit(words).map_err(fault("a loan"))?;
    message.fill_uninit(sample.payload_mut());
    // SAFETY: all words were written, or those that the test looks at; any bytes are words, and the memory has been
    // written before it was mapped.
    let sample = unsafe { sample.assume_init() };
    sample.send().map_err(fault("sending")).map(drop)
}

#[inline]
fn take(from: &Receiver, message: Payload) -> Result<bool, Fault> {
    let Some(sample) = from.receive().map_err(fault("receiving"))? else { return Ok(false) };
    message.check(sample.payload())?;
    Ok(true)
}

impl Link for Ends {
    #[inline]
    fn try_send(&mut self, message: Payload) -> Result<bool, Fault> {
        publish(&self.to, self.words, message).map(|()| true)
    }

    #[inline]
    fn try_receive(&mut self, message: Payload) -> Result<bool, Fault> {
        take(&self.from, message)
    }

    fn send_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        publish(&self.to, self.words, message)?;
        let wake = self.wake.as_ref().ok_or("it was not made for sleeping")?;
        wake.notify().map_err(fault("notifying")).map(drop)
    }

    fn receive_asleep(&mut self, message: Payload) -> Result<(), Fault> {
        let woken = self.woken.as_ref().ok_or("it was not made for sleeping")?;
        while !take(&self.from, message)? {
            woken.blocking_wait(|_| {}).map_err(fault("waiting"))?;
        }
        Ok(())
    }

    #[inline]
    fn try_loan(&mut self, message: Payload) -> Result<bool, Fault> {
        self.try_send(message)
    }

    #[inline]
    fn try_borrow(&mut self, message: Payload) -> Result<bool, Fault> {
        self.try_receive(message)
    }
}

impl Contender for Iceoryx2 {
    const NAME: &'static str = "iceoryx2";
    const ABILITIES: Abilities = Abilities { loans: true, streams: Some(Wait::Spin), ..Abilities::KERNEL };
    type Listening = Ends;
    type Link = Ends;
    type Topic = Self;

    fn listen(plan: &Plan) -> Result<(Ends, String), Fault> {
        Ok((Ends::new(plan, "out", "back")?, String::new()))
    }

    fn connect(plan: &Plan, _card: &str) -> Result<Ends, Fault> {
        Ends::new(plan, "back", "out")
    }

    fn accept(_plan: &Plan, listening: Ends) -> Result<Ends, Fault> {
        Ok(listening)
    }
}

/// A publisher with the words of a message, or a subscriber.
pub(crate) struct Port<P> {
    port: P,
    words: usize,
    /// The port goes before it.
    _node: Node<ipc::Service>,
}

impl Topic for Iceoryx2 {
    type Opening = Port<Sender>;
    type Publisher = Port<Sender>;
    type Subscriber = Port<Receiver>;

    fn open(plan: &Plan) -> Result<(Port<Sender>, String), Fault> {
        let node = node(plan)?;
        let port = publisher(&service(&node, plan, "topic")?, plan)?;
        Ok((Port { port, words: plan.words(), _node: node }, String::new()))
    }

    fn subscribe(plan: &Plan, _card: &str, _index: usize) -> Result<Port<Receiver>, Fault> {
        let node = node(plan)?;
        let port = subscriber(&service(&node, plan, "topic")?)?;
        Ok(Port { port, words: plan.words(), _node: node })
    }

    fn ready(_plan: &Plan, opening: Port<Sender>) -> Result<Port<Sender>, Fault> {
        Ok(opening)
    }

    fn publish(publisher: &mut Port<Sender>, message: Payload) -> Result<(), Fault> {
        publish(&publisher.port, publisher.words, message)
    }

    fn take(subscriber: &mut Port<Receiver>, message: Payload) -> Result<(), Fault> {
        while !take(&subscriber.port, message)? {}
        Ok(())
    }
}

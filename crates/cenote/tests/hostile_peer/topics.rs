//! Topics, made, attached and used at both ends while another process writes nonsense over them.

use std::time::Duration;

use cenote::channel::{Loan, Sample};
use cenote::{ErrorKind, Result, Segment, Subscriber, Topic, TopicOptions, WhenFull};
use testkit::Rng;

use crate::operations::TIME;
use crate::victim::Victim;

const MOMENT: Duration = Duration::from_millis(1);
const LONG: usize = 300;
/// How many messages one may find, at most: what the attacker says does not end.
const SOME: usize = 20;

/// One of all sorts, in the same memory as the others' if it can be.
fn options(rng: &mut Rng) -> TopicOptions {
    let full = *rng.choose(&[WhenFull::Wait, WhenFull::Fail, WhenFull::DropOldest]);
    let options = Topic::<[u8]>::options().message(LONG as u64).depth(4).spare(2).when_full(full);
    let options = if rng.one_in(2) { options.one_publisher() } else { options };
    options.segment(&Segment::options().timeout(TIME))
}

fn topic(victim: &mut Victim) -> Result<Topic> {
    options(&mut victim.rng).open_or_create(victim.address.as_str())
}

/// Errors of one do not keep the next one from being done: the first is told.
fn all<const N: usize>(results: [Result<()>; N]) -> Result<bool> {
    results.into_iter().collect::<Result<Vec<()>>>().map(|_| true)
}

pub(crate) fn publish(victim: &mut Victim) -> Result<bool> {
    let tx = topic(victim)?.publisher()?;
    for _ in 0..3 {
        all([
            tx.try_publish(b"short").map(drop),
            tx.publish_tagged_timeout(1, &[7; LONG], MOMENT),
            tx.loan(LONG).and_then(|mut loan| loan.write_at(1, b"x").map(|()| loan)).and_then(Loan::send),
            tx.loan(8).and_then(|loan| loan.try_send(2)).map(drop),
        ])?;
    }
    tx.detach().map(|()| true)
}

fn read(rx: &Subscriber) -> Result<()> {
    for _ in 0..SOME {
        let Some((_, message)) = rx.try_receive_tagged()? else { break };
        assert!(message.len() <= rx.segment().len());
    }
    let mut samples: Vec<Sample<'_>> = Vec::new();
    for round in 0..SOME {
        if round % 6 == 5 {
            samples.clear();
        }
        let Some(sample) = rx.try_borrow()? else { break };
        let mut bytes = [0; 8];
        let len = bytes.len().min(sample.len());
        sample.read_at(0, &mut bytes[..len])?;
        samples.push(sample);
    }
    drop(samples);
    let _ = rx.missed();
    match rx.receive_timeout(MOMENT) {
        Err(error) if error.kind() != ErrorKind::Timeout => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn subscribe(victim: &mut Victim) -> Result<bool> {
    let last = victim.rng.below(6);
    let rx = topic(victim)?.subscriber_with_last(last)?;
    read(&rx)?;
    rx.detach().map(|()| true)
}

/// What another handle publishes.
pub(crate) fn only_read(victim: &mut Victim) -> Result<bool> {
    let last = victim.rng.below(6);
    let tx = topic(victim)?.publisher()?;
    tx.try_publish(b"short")?;
    tx.try_publish(&[7; LONG])?;
    let options = Topic::<[u8]>::options().segment(&Segment::options().read_only().timeout(TIME));
    let rx = options.attach(victim.address.as_str())?.subscriber_with_last(last)?;
    read(&rx)?;
    rx.detach().map(|()| true)
}

/// Both ends in one process, which stay a while.
pub(crate) fn pass(victim: &mut Victim) -> Result<bool> {
    let topic = topic(victim)?;
    let attach = || Topic::<[u8]>::options().segment(&Segment::options().timeout(TIME));
    let tx = attach().attach(victim.address.as_str())?.publisher()?;
    let rx = attach().attach(victim.address.as_str())?.subscriber()?;
    for round in 0..SOME {
        let len = if round % 2 == 0 { 16 } else { LONG };
        let results = [
            tx.publish_timeout(&vec![9; len], MOMENT),
            rx.receive_timeout(MOMENT).map(drop),
            topic.statistics().map(|told| {
                assert!(told.subscribers.len() <= 256);
                assert!(told.subscribers.iter().all(|one| one.behind <= told.capacity));
            }),
        ];
        all(results)?;
    }
    Ok(true)
}

/// Of a type, whose bytes are looked at.
pub(crate) fn typed(victim: &mut Victim) -> Result<bool> {
    let options = || {
        let options = Topic::<[bool; 8]>::options().depth(2);
        options.segment(&Segment::options().timeout(TIME))
    };
    let topic = options().open_or_create(victim.address.as_str())?;
    let tx = options().attach(victim.address.as_str())?.publisher()?;
    tx.publish(&[true; 8])?;
    topic.subscriber_with_last(2)?.try_receive().map(|_| true)
}

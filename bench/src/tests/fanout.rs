//! What publishing costs the publisher, by the number of subscribers. They are on the other core, and receive when a
//! burst is over: nobody waits while it publishes, and nobody is woken.

use super::not_open;
use crate::contenders::{Contender, Topic};
use crate::harness::Fault;
use crate::harness::agent::Driver;
use crate::harness::control::What;
use crate::harness::payload::Payload;
use crate::harness::peer::Peer;

/// Messages of a burst: what the queues of all contenders have room for.
const BURST: u64 = 8;

pub(super) fn drive<C: Contender>(driver: &mut Driver<C>, times: u64) -> Result<f64, Fault> {
    let publisher = driver.publisher.as_mut().ok_or_else(not_open)?;
    let burst = BURST.min(driver.plan.config.depth as u64);
    let reading = driver.counter.cost_of_reading()?;
    let mut cost = 0;
    for _ in 0..times {
        let before = driver.counter.read()?;
        for number in driver.next..driver.next + burst {
            C::Topic::publish(publisher, Payload::whole(number))?;
        }
        cost += (driver.counter.read()? - before).saturating_sub(reading);
        driver.next += burst;
        for control in &mut driver.controls {
            control.order(What::Work, burst);
        }
        for control in &driver.controls {
            control.wait()?;
        }
    }
    Ok(cost as f64 / (times * burst) as f64)
}

pub(super) fn answer<C: Contender>(peer: &mut Peer<C>, times: u64) -> Result<(), Fault> {
    let subscriber = peer.subscriber.as_mut().ok_or_else(not_open)?;
    for number in peer.next..peer.next + times {
        C::Topic::take(subscriber, Payload::whole(number))?;
    }
    peer.next += times;
    Ok(())
}

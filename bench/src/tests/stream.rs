//! Messages one way, as fast as they go: from the first one's sending until the last one was read.

use super::not_open;
use crate::contenders::{Contender, Link};
use crate::harness::Fault;
use crate::harness::agent::Driver;
use crate::harness::clock::now;
use crate::harness::control::What;
use crate::harness::payload::Payload;
use crate::harness::peer::Peer;

pub(super) fn drive<C: Contender>(driver: &mut Driver<C>, times: u64) -> Result<f64, Fault> {
    let config = &driver.plan.config;
    let control = &mut driver.controls[0];
    let link = driver.link.as_mut().ok_or_else(not_open)?;
    control.order_begun(What::Work, times)?;
    let start = now();
    for number in driver.next..driver.next + times {
        link.send(Payload::whole(number), config.wait)?;
    }
    driver.next += times;
    // The clock is the same on both sides.
    let seconds = (control.wait()? - start) as f64 / 1e9;
    let rate = times as f64 / seconds;
    let is_volume = driver.plan.test.unit(config.bytes) == "GiB/s";
    Ok(if is_volume { rate * config.bytes as f64 / (1 << 30) as f64 } else { rate })
}

pub(super) fn answer<C: Contender>(peer: &mut Peer<C>, times: u64) -> Result<(), Fault> {
    let link = peer.link.as_mut().ok_or_else(not_open)?;
    for number in peer.next..peer.next + times {
        link.receive(Payload::whole(number), peer.plan.config.wait)?;
    }
    peer.next += times;
    Ok(())
}

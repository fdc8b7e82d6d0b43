//! A message to a peer that sleeps, and one back: the time of one round trip. That it sleeps, the kernel says; looking
//! is not part of the time. A sample is the median of its round trips.

use super::not_open;
use crate::contenders::{Contender, Link};
use crate::harness::Fault;
use crate::harness::agent::Driver;
use crate::harness::clock::now;
use crate::harness::control::What;
use crate::harness::payload::Payload;
use crate::harness::peer::Peer;
use crate::harness::plan::Wait;
use crate::harness::samples::median;
use crate::harness::task::Task;

pub(super) fn drive<C: Contender>(driver: &mut Driver<C>, times: u64) -> Result<f64, Fault> {
    let control = &mut driver.controls[0];
    let link = driver.link.as_mut().ok_or_else(not_open)?;
    let other = Task::of(control.process())?;
    control.order_begun(What::Work, times)?;
    let mut values = Vec::new();
    for number in driver.next..driver.next + times {
        other.wait_asleep()?;
        let start = now();
        link.send(Payload::whole(number), Wait::Sleep)?;
        link.receive(Payload::whole(!number), Wait::Sleep)?;
        values.push((now() - start) as f64);
    }
    driver.next += times;
    control.wait()?;
    Ok(median(values.into_iter()))
}

/// The other side comes over for it, and goes back to its own core, where the floor is measured.
pub(super) fn drive_on_one_core<C: Contender>(driver: &mut Driver<C>, times: u64) -> Result<f64, Fault> {
    let [ours, theirs] = driver.plan.cores;
    driver.controls[0].ask(What::Pin, ours as u64)?;
    let value = drive(driver, times)?;
    driver.controls[0].ask(What::Pin, theirs as u64)?;
    Ok(value)
}

pub(super) fn answer<C: Contender>(peer: &mut Peer<C>, times: u64) -> Result<(), Fault> {
    let link = peer.link.as_mut().ok_or_else(not_open)?;
    for number in peer.next..peer.next + times {
        link.receive(Payload::whole(number), Wait::Sleep)?;
        link.send(Payload::whole(!number), Wait::Sleep)?;
    }
    peer.next += times;
    Ok(())
}

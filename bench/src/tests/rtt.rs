//! A message there and one back, both sides polling: the time of one round trip. With `LOAN`, both are written and read
//! where they lie, and of each the first and the last line only.

use super::not_open;
use crate::contenders::{Contender, Link};
use crate::harness::Fault;
use crate::harness::agent::Driver;
use crate::harness::clock::now;
use crate::harness::control::What;
use crate::harness::payload::Payload;
use crate::harness::peer::Peer;
use crate::harness::plan::Wait;

pub(super) fn drive<C: Contender, const LOAN: bool>(
    driver: &mut Driver<C>,
    times: u64,
) -> Result<f64, Fault> {
    let control = &mut driver.controls[0];
    let link = driver.link.as_mut().ok_or_else(not_open)?;
    control.order_begun(What::Work, times)?;
    let start = now();
    for number in driver.next..driver.next + times {
        if LOAN {
            link.loan(Payload::ends(number))?;
            link.borrow(Payload::ends(!number))?;
        } else {
            link.send(Payload::whole(number), Wait::Spin)?;
            link.receive(Payload::whole(!number), Wait::Spin)?;
        }
    }
    let elapsed = now() - start;
    driver.next += times;
    control.wait()?;
    Ok(elapsed as f64 / times as f64)
}

pub(super) fn answer<C: Contender, const LOAN: bool>(peer: &mut Peer<C>, times: u64) -> Result<(), Fault> {
    let link = peer.link.as_mut().ok_or_else(not_open)?;
    for number in peer.next..peer.next + times {
        if LOAN {
            link.borrow(Payload::ends(number))?;
            link.loan(Payload::ends(!number))?;
        } else {
            link.receive(Payload::whole(number), Wait::Spin)?;
            link.send(Payload::whole(!number), Wait::Spin)?;
        }
    }
    peer.next += times;
    Ok(())
}

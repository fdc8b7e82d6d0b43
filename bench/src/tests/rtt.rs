//! A message there and one back, both sides polling: the time of one round trip. With `LOAN`, both are written and read
//! where they lie, and of each the first and the last line only.
//!
//! A sample is the median of batches, as the floor is: that something else had a core for a moment shows in neither.

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

const BATCHES: u64 = 21;

pub(super) fn drive<C: Contender, const LOAN: bool>(
    driver: &mut Driver<C>,
    times: u64,
) -> Result<f64, Fault> {
    let control = &mut driver.controls[0];
    let link = driver.link.as_mut().ok_or_else(not_open)?;
    let batch = times.div_ceil(BATCHES);
    let batches = times / batch;
    control.order_begun(What::Work, batches * batch)?;
    let mut values = Vec::new();
    for _ in 0..batches {
        let start = now();
        for number in driver.next..driver.next + batch {
            if LOAN {
                link.loan(Payload::ends(number))?;
                link.borrow(Payload::ends(!number))?;
            } else {
                link.send(Payload::whole(number), Wait::Spin)?;
                link.receive(Payload::whole(!number), Wait::Spin)?;
            }
        }
        values.push((now() - start) as f64 / batch as f64);
        driver.next += batch;
    }
    control.wait()?;
    Ok(median(values.into_iter()))
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

//! From nothing to the first message received: both ends made, in two processes that run already. Taking them down is
//! not part of the time, though it is done.

use super::not_open;
use crate::contenders::{Contender, Link};
use crate::harness::Fault;
use crate::harness::agent::Driver;
use crate::harness::clock::now;
use crate::harness::control::What;
use crate::harness::payload::Payload;

pub(super) fn drive<C: Contender>(driver: &mut Driver<C>, times: u64) -> Result<f64, Fault> {
    let mut elapsed = 0;
    for _ in 0..times {
        let start = now();
        driver.open_link()?;
        driver.controls[0].order(What::Work, 1);
        let link = driver.link.as_mut().ok_or_else(not_open)?;
        link.send(Payload::whole(driver.next), driver.plan.config.wait)?;
        elapsed += driver.controls[0].wait()? - start;
        driver.next += 1;
        driver.close()?;
    }
    Ok(elapsed as f64 / times as f64)
}

//! What a receiver takes of its core while nothing comes: the kernel's account of its process, over a while.

use std::time::Duration;

use super::not_open;
use crate::contenders::{Contender, Link};
use crate::harness::Fault;
use crate::harness::agent::Driver;
use crate::harness::clock::now;
use crate::harness::control::What;
use crate::harness::payload::Payload;
use crate::harness::plan::Wait;
use crate::harness::task::Task;

pub(super) fn drive<C: Contender>(driver: &mut Driver<C>) -> Result<f64, Fault> {
    let control = &mut driver.controls[0];
    let link = driver.link.as_mut().ok_or_else(not_open)?;
    let other = Task::of(control.process())?;
    control.order_begun(What::Work, 1)?;
    // Who never sleeps is not idle: that is an answer, too, and `wait_asleep` says it.
    other.wait_asleep()?;
    let (start, before) = (now(), other.processor_time()?);
    std::thread::sleep(Duration::from_nanos(driver.plan.sample_ns * 4));
    let (end, after) = (now(), other.processor_time()?);
    link.send(Payload::whole(driver.next), Wait::Sleep)?;
    driver.next += 1;
    control.wait()?;
    Ok(100.0 * (after - before) as f64 / (end - start) as f64)
}

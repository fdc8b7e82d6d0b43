//! What a segment has by name, used while another process writes nonsense there.

use std::time::Duration;

use cenote::{Result, Segment};
use testkit::Rng;

use crate::operations::TIME;
use crate::victim::Victim;

/// Of something that it is called for elsewhere.
const ANOTHERS: &str = "lock";

/// One of those that are attached, and a name for what is wanted: as a rule its own.
fn one<'a>(victim: &'a mut Victim, own: &'static str) -> Option<(&'a Segment, &'static str, &'a mut Rng)> {
    let (segment, rng) = victim.one()?;
    let name = if rng.one_in(8) { ANOTHERS } else { own };
    Some((segment, name, rng))
}

pub(crate) fn lock(victim: &mut Victim) -> Result<bool> {
    let Some((segment, name, _)) = one(victim, "lock") else { return Ok(false) };
    segment.named_lock(name)?.lock_timeout(TIME)?.unlock().map(|()| true)
}

pub(crate) fn read_and_write(victim: &mut Victim) -> Result<bool> {
    let Some((segment, name, rng)) = one(victim, "rwlock") else { return Ok(false) };
    let map = segment.rw_lock(name)?;
    if rng.one_in(2) {
        map.write_timeout(TIME)?.unlock()?;
    }
    if let Some(guard) = map.try_read()? {
        let again = map.read_timeout(TIME)?;
        guard.unlock()?;
        again.unlock()?;
    }
    Ok(true)
}

pub(crate) fn permit(victim: &mut Victim) -> Result<bool> {
    let Some((segment, name, rng)) = one(victim, "semaphore") else { return Ok(false) };
    let semaphore = segment.semaphore(name, 1 + rng.below(2) as u32)?;
    assert!(semaphore.available()? <= semaphore.permits());
    let permit = semaphore.acquire_timeout(TIME)?;
    drop(semaphore.try_acquire()?);
    permit.release().map(|()| true)
}

pub(crate) fn event(victim: &mut Victim) -> Result<bool> {
    let Some((segment, name, rng)) = one(victim, "event") else { return Ok(false) };
    let event = segment.event(name)?;
    if rng.one_in(2) {
        event.set()?;
    }
    event.wait_timeout(TIME)?;
    event.take_timeout(TIME)?;
    event.reset().map(|_| true)
}

pub(crate) fn condvar(victim: &mut Victim) -> Result<bool> {
    let Some((segment, name, _)) = one(victim, "a name of just as many bytes as can be.") else {
        return Ok(false);
    };
    let changed = segment.condvar(name)?;
    changed.notify_all()?;
    let (guard, _) = changed.wait(segment.lock_timeout(TIME)?, Duration::from_millis(1))?;
    guard.unlock().map(|()| true)
}

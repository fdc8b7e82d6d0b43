//! Forked children: they inherit the memory, and no lock.

use cenote::Segment;
use std::time::Duration;
use testkit::{agent, system};

use super::Place;

pub(crate) fn a_forked_child_does_not_have_its_parents_lock(place: &Place) {
    let mut parent = agent::spawn();
    parent.ask(&format!("create {} 64", place.address())).expect_ok();
    // A native segment's child has to attach it first: it is no holder by being a child.
    let alone = if place.native { "no" } else { "yes" };
    assert_eq!(parent.ask("fork lock 1000").expect_ok(), alone, "a child can lock by itself");
    assert_eq!(parent.ask("fork write 3 42").expect_ok(), "yes");
    assert_eq!(parent.ask("read 3 1").expect_ok(), "2a", "the memory is one");
    parent.ask("lock").expect_ok();
    assert_eq!(parent.ask("fork lock 50").expect_ok(), "no", "the parent has it, not the child");
    parent.ask("unlock").expect_ok();
    assert_eq!(parent.ask("fork lock 1000").expect_ok(), alone);
    parent.finish();
    let _ = Segment::remove(place.address());
}

pub(crate) fn a_forked_child_that_drops_everything_frees_nothing(place: &Place) {
    let mut parent = agent::spawn();
    parent.ask(&format!("create {} 64", place.address())).expect_ok();
    let segment = Segment::attach(place.address()).unwrap();
    parent.ask("lock").expect_ok();
    assert_eq!(parent.ask("fork unlock").expect_ok(), "yes");
    assert!(segment.try_lock().unwrap().is_none(), "the parent still has its lock");
    parent.ask("write 0 2a").expect_ok();
    assert_eq!(segment.read_value::<u8>(0).unwrap(), 42, "and its memory");
    parent.ask("unlock").expect_ok();
    drop(segment.try_lock().unwrap().expect("once, and not twice"));
    let guard = segment.lock().unwrap();
    parent.ask("try-lock").expect_error("Timeout");
    drop(guard);
    parent.finish();
    let _ = Segment::remove(place.address());
}

pub(crate) fn a_forked_child_that_stays_keeps_nothing_locked(place: &Place) {
    let segment = Segment::create(place.address(), 64).unwrap();
    let mut parent = agent::spawn();
    parent.ask(&format!("attach {}", place.address())).expect_ok();
    // Once before, so that the handle has made all that it ever makes.
    parent.ask("lock").expect_ok();
    parent.ask("unlock").expect_ok();
    let idle: u32 = parent.ask("fork stay").expect_ok().parse().unwrap();
    parent.ask("lock").expect_ok();
    let holding: u32 = parent.ask("fork stay").expect_ok().parse().unwrap();
    parent.kill();
    if !place.frees_at_death {
        // The dead parent's it stays; once that is freed, no child has it.
        assert!(Segment::options().break_lock_by_force(place.address()).unwrap());
    }
    let freed = segment.lock_timeout(Duration::from_secs(20)).map(drop);
    for child in [idle, holding] {
        system::signal(child, 9);
    }
    freed.expect("the dead parent's lock is free although its children live");
    let _ = Segment::remove(place.address());
}

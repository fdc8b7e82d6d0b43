//! The lock, between processes that found the memory through /proc.

use std::time::Duration;

use cenote::{Abandoned, Segment};
use testkit::{Peer, agent, system};

use crate::minute;

fn segment_and_agent() -> (Segment, Peer) {
    let segment = Segment::create("memfd:lock", 64).unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("attach {}", segment.address())).expect_ok();
    (segment, other)
}

#[test]
fn it_excludes_other_processes_and_threads() {
    let _watchdog = minute();
    let (segment, mut other) = segment_and_agent();
    let guard = segment.lock().unwrap();
    assert_eq!(guard.abandoned(), Abandoned::Unknown);
    other.ask("try-lock").expect_error("Timeout");
    other.ask("lock 50").expect_error("Timeout");
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(segment.try_lock().unwrap().is_none(), "threads too"));
    });
    guard.unlock().unwrap();
    other.ask("lock").expect_ok();
    assert!(segment.try_lock().unwrap().is_none());
    other.ask("unlock").expect_ok();
    let reader = Segment::options().read_only().attach(segment.address()).unwrap();
    let shared = reader.lock().unwrap();
    other.ask("try-lock").expect_error("Timeout");
    drop(shared);
    other.finish();
}

#[test]
fn a_killed_holder_frees_it() {
    let _watchdog = minute();
    let (segment, mut other) = segment_and_agent();
    other.ask("lock").expect_ok();
    assert!(segment.try_lock().unwrap().is_none());
    other.kill();
    drop(segment.lock_timeout(Duration::from_secs(20)).unwrap());
}

#[test]
fn no_count_is_lost() {
    let _watchdog = minute();
    let (segment, mut other) = segment_and_agent();
    other.tell("increment 0 2000");
    for _ in 0..2000 {
        let guard = segment.lock().unwrap();
        let count: u64 = guard.read_value(0).unwrap();
        guard.write_value(0, &(count + 1)).unwrap();
    }
    other.wait_for_reply().expect_ok();
    assert_eq!(segment.read_value::<u64>(0).unwrap(), 4000);
    other.finish();
}

#[test]
fn a_forked_child_has_locks_of_its_own() {
    let _watchdog = minute();
    let (segment, mut parent) = segment_and_agent();
    assert_eq!(parent.ask("fork lock 1000").expect_ok(), "yes");
    parent.ask("lock").expect_ok();
    assert_eq!(parent.ask("fork lock 50").expect_ok(), "no", "the parent has it, not the child");
    assert_eq!(parent.ask("fork unlock").expect_ok(), "yes");
    assert!(segment.try_lock().unwrap().is_none(), "the child freed nothing");
    assert_eq!(parent.ask("fork write 3 42").expect_ok(), "yes");
    assert_eq!(segment.read_value::<u8>(3).unwrap(), 42, "the memory is one");
    let child: u32 = parent.ask("fork stay").expect_ok().parse().unwrap();
    parent.kill();
    let freed = segment.lock_timeout(Duration::from_secs(20)).map(drop);
    system::signal(child, 9);
    freed.expect("the dead parent's lock is free although its child lives");
}

//! The lock in the header: it recovers from a holder's death and tells of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use cenote::{Abandoned, ErrorKind, LockState, Segment, catalog};
use testkit::{Peer, agent};

use super::{Name, minute};

#[test]
fn a_killed_holder_hands_on_to_one_that_is_told() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    for _ in 0..50 {
        let mut holder = agent::spawn();
        holder.ask(&format!("attach {}", name.address())).expect_ok();
        holder.ask("lock").expect_ok();
        assert!(segment.try_lock().unwrap().is_none());
        thread::scope(|scope| {
            let waiter = scope.spawn(|| segment.lock_timeout(Duration::from_secs(20)).unwrap().abandoned());
            holder.kill();
            assert_eq!(waiter.join().unwrap(), Abandoned::Yes);
        });
        assert_eq!(segment.lock().unwrap().abandoned(), Abandoned::No, "said once");
    }
}

/// A slot that has another holder by now does not keep the lock of the one before.
#[test]
fn the_next_in_a_dead_holders_slot_does_not_have_its_lock() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let mut dead = agent::spawn();
    dead.ask(&format!("attach {}", name.address())).expect_ok();
    dead.ask("lock").expect_ok();
    dead.kill();
    dead.wait_until_gone();
    let next = Segment::attach(name.address()).unwrap();
    let guard = segment.lock_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(guard.abandoned(), Abandoned::Yes);
    assert!(next.try_lock().unwrap().is_none());
}

#[test]
fn a_panic_with_the_lock_gives_it_back_and_marks_it() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = segment.lock().unwrap();
        panic!("half-way");
    }));
    assert!(panicked.is_err());
    assert_eq!(segment.lock().unwrap().abandoned(), Abandoned::Yes);
    assert_eq!(segment.lock().unwrap().abandoned(), Abandoned::No);
}

#[test]
fn who_has_it_is_seen_without_taking_it() {
    let (_watchdog, name) = (minute(), Name::unique());
    let _segment = Segment::create(name.address(), 64).unwrap();
    let state = || catalog::look(&name.address().parse().unwrap()).unwrap().lock;
    assert_eq!(state(), LockState::Free);
    let mut holder = agent::spawn();
    holder.ask(&format!("attach {}", name.address())).expect_ok();
    holder.ask("lock").expect_ok();
    assert_eq!(state(), LockState::Held(Some(holder.pid())));
    holder.kill();
    holder.wait_until_gone();
    assert_eq!(state(), LockState::Free, "the next one takes it over");
}

#[test]
fn four_processes_lose_no_count_though_some_are_killed() {
    const TIMES: u64 = 20_000;
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let mut all: Vec<Peer> = (0..4).map(|_| agent::spawn()).collect();
    for process in &mut all {
        process.ask(&format!("attach {}", name.address())).expect_ok();
        process.tell(&format!("increment 8 {TIMES}"));
    }
    // Others come, take the lock, and are killed with it.
    let end = Instant::now() + Duration::from_millis(500);
    while Instant::now() < end {
        let mut victim = agent::spawn();
        victim.ask(&format!("attach {}", name.address())).expect_ok();
        victim.ask("lock").expect_ok();
        victim.kill();
    }
    for process in &mut all {
        process.wait_for_reply().expect_ok();
    }
    assert_eq!(segment.read_value::<u64>(8).unwrap(), 4 * TIMES);
}

#[test]
fn a_reader_has_no_part_in_it() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let reader = Segment::options().read_only().attach(name.address()).unwrap();
    let _guard = segment.lock().unwrap();
    let error = reader.try_lock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(reader.read_value::<u8>(0).unwrap(), 0);
}

/// A holder that lives and does not let go: it is named, and only force takes the lock from it.
#[test]
fn a_stuck_holder_is_named_and_its_lock_broken_by_force() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let mut stuck = agent::spawn();
    stuck.ask(&format!("attach {}", name.address())).expect_ok();
    stuck.ask("lock").expect_ok();
    let error = Segment::options().break_lock(name.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    let users = catalog::lock_users(&name.address().parse().unwrap(), None).unwrap().unwrap();
    assert_eq!(users.users.iter().map(|user| user.pid).collect::<Vec<_>>(), [stuck.pid()]);
    assert!(Segment::options().break_lock_by_force(name.address()).unwrap());
    let guard = segment.lock_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(guard.abandoned(), Abandoned::Yes);
    stuck.ask("unlock");
    assert!(
        Segment::attach(name.address()).unwrap().try_lock().unwrap().is_none(),
        "it is not theirs to give"
    );
    guard.unlock().unwrap();

    // Who lets go of what was taken from it is told.
    let other = Segment::attach(name.address()).unwrap();
    let taken = other.lock().unwrap();
    assert!(Segment::options().break_lock_by_force(name.address()).unwrap());
    assert_eq!(taken.unlock().unwrap_err().kind(), ErrorKind::LockError);
    assert!(!Segment::options().break_lock_by_force(name.address()).unwrap());
}

//! Programs in C and Python that know nothing of Cenote: the same bytes, and the same lock.
//!
//! Our side is this process, or an agent where it has to die. A peer that is missing is skipped, and named.
#![cfg(target_os = "linux")]

mod elsewhere;
mod posix;
mod python;
mod sysv;
mod tracker;

use std::thread;
use std::time::{Duration, Instant};

use cenote::{Abandoned, ErrorKind, Segment};
use testkit::{Peer, Watchdog, watchdog};

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// Both write and both read, to the last byte.
#[track_caller]
fn share_bytes(segment: &Segment, peer: &mut Peer) {
    let last = segment.len() - 1;
    segment.write_at(5, b"ours").unwrap();
    segment.write_at(last, &[0x2a]).unwrap();
    assert_eq!(peer.ask("read 4 6").expect_ok(), "006f75727300");
    assert_eq!(peer.ask(&format!("read {last} 1")).expect_ok(), "2a");
    peer.ask("write 5 746865697273").expect_ok();
    peer.ask(&format!("write {last} 2b")).expect_ok();
    assert_eq!(segment.read_to_vec(4..12).unwrap(), b"\0theirs\0");
    assert_eq!(segment.read_value::<u8>(last).unwrap(), 0x2b);
}

/// Each keeps the other out, with a try and with a wait, and hands on to who waits.
#[track_caller]
fn exclude_each_other(segment: &Segment, peer: &mut Peer) {
    let guard = segment.lock().unwrap();
    assert_eq!(guard.abandoned(), Abandoned::Unknown);
    peer.ask("try-lock").expect_error("Timeout");
    peer.tell("lock");
    assert!(peer.reply(Duration::from_millis(50)).is_none(), "both have the lock");
    guard.unlock().unwrap();
    peer.wait_for_reply().expect_ok();

    assert!(segment.try_lock().unwrap().is_none(), "both have the lock");
    let error = segment.lock_timeout(Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| segment.lock_timeout(Duration::from_secs(20)).map(drop));
        peer.ask("unlock").expect_ok();
        waiter.join().unwrap().unwrap();
    });
    peer.ask("try-lock").expect_ok();
    peer.ask("unlock").expect_ok();
}

/// Both add to one word under their lock, without any atomic: no count is lost.
#[track_caller]
fn count_together(segment: &Segment, peer: &mut Peer) {
    const TIMES: u64 = 1000;
    segment.write_value(8, &0_u64).unwrap();
    peer.tell(&format!("increment 8 {TIMES}"));
    for _ in 0..TIMES {
        let guard = segment.lock().unwrap();
        let value: u64 = guard.read_value(8).unwrap();
        guard.write_value(8, &(value + 1)).unwrap();
        guard.unlock().unwrap();
    }
    peer.wait_for_reply().expect_ok();
    assert_eq!(segment.read_value::<u64>(8).unwrap(), 2 * TIMES);
}

/// The peer's death frees what it held, also for who waits already.
#[track_caller]
fn a_killed_peer_frees_the_lock(segment: &Segment, mut peer: Peer, mut next: Peer) {
    peer.ask("lock").expect_ok();
    assert!(segment.try_lock().unwrap().is_none());
    peer.kill();
    drop(segment.lock_timeout(Duration::from_secs(20)).unwrap());
    next.ask("lock").expect_ok();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| segment.lock_timeout(Duration::from_secs(20)).map(drop));
        next.kill();
        waiter.join().unwrap().unwrap();
    });
}

/// Our death frees what we held. `ours` is an agent that has it attached.
#[track_caller]
fn our_death_frees_the_lock(mut ours: Peer, peer: &mut Peer) {
    ours.ask("lock").expect_ok();
    peer.ask("try-lock").expect_error("Timeout");
    peer.tell("lock");
    assert!(peer.reply(Duration::from_millis(50)).is_none(), "both have the lock");
    ours.kill();
    peer.wait_for_reply().expect_ok();
    peer.ask("unlock").expect_ok();
}

/// Looks again until `done`, for as long as something slow may take.
#[track_caller]
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "it never came: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

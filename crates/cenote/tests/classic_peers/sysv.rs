//! A C program on `shmget` and the semaphore set of the textbooks: one semaphore, 1 = free, `SEM_UNDO`.

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;
use testkit::sysv::SysvKey;
use testkit::{Peer, agent, peers};

use super::{
    a_killed_peer_frees_the_lock, count_together, exclude_each_other, minute, our_death_frees_the_lock,
    share_bytes,
};

/// A segment and a semaphore set, under keys of their own.
struct Keys {
    segment: SysvKey,
    set: SysvKey,
}

impl Keys {
    fn unique() -> Self {
        Self { segment: SysvKey::unique(), set: SysvKey::unique() }
    }

    fn address(&self) -> String {
        format!("sysv:{:#010x}", self.segment.key())
    }

    fn lock(&self) -> String {
        format!("sysv:{:#010x}", self.set.key())
    }

    /// A peer that has attached, and locks with the set, which it makes if there is none.
    fn peer(&self, how: &str) -> Option<Peer> {
        let mut peer = peers::sysv()?;
        peer.ask(&format!("{how} {} 5001", self.segment.key())).expect_ok();
        peer.ask(&format!("lock-with {}", self.set.key())).expect_ok();
        Some(peer)
    }

    fn attach(&self) -> Segment {
        Segment::options().lock_with(self.lock()).unwrap().attach(self.address()).unwrap()
    }
}

#[test]
fn whoever_makes_the_segment_both_share_bytes_and_size() {
    let _watchdog = minute();
    let (ours, theirs) = (Keys::unique(), Keys::unique());
    let segment = Segment::create(ours.address(), 5001).unwrap();
    let Some(mut peer) = ours.peer("attach") else { return };
    assert_eq!(peer.ask("size").expect_ok(), "5001");
    share_bytes(&segment, &mut peer);

    let Some(mut peer) = theirs.peer("create") else { return };
    let segment = Segment::attach(theirs.address()).unwrap();
    assert_eq!(segment.len(), 5001);
    assert_eq!(segment.stat().unwrap().creator, Some(peer.pid()));
    share_bytes(&segment, &mut peer);
    peer.finish();
}

#[test]
fn a_segment_is_the_same_by_key_by_id_and_by_ftok() {
    let _watchdog = minute();
    let Some(mut peer) = peers::sysv() else { return };
    let folder = TempDir::new();
    let file = folder.join("key");
    std::fs::write(&file, "").unwrap();
    let key: i64 = peer.ask(&format!("ftok {} 81", file.display())).expect_ok().parse().unwrap();
    peer.ask(&format!("create {key} 64")).expect_ok();
    let id = peer.ask("id").expect_ok().to_owned();
    let addresses =
        [format!("sysv:{}#81", file.display()), format!("sysv:{key:#x}"), format!("sysv:id={id}")];
    for (number, address) in (1_u8..).zip(&addresses) {
        Segment::attach(address).unwrap().write_at(7, &[number]).unwrap();
        assert_eq!(peer.ask("read 7 1").expect_ok(), format!("{number:02x}"), "{address}");
    }
    Segment::remove(&addresses[0]).unwrap();
    peer.ask(&format!("attach {key}")).expect_error("NotFound");
}

#[test]
fn a_classic_set_locks_both_when_we_lock_with_it() {
    let _watchdog = minute();
    let keys = Keys::unique();
    let Some(mut peer) = keys.peer("create") else { return };
    let segment = keys.attach();
    assert_eq!(peer.ask("lock-value").expect_ok(), "1");
    exclude_each_other(&segment, &mut peer);
    count_together(&segment, &mut peer);
    assert_eq!(peer.ask("lock-value").expect_ok(), "1", "as many given back as taken");
    let guard = segment.lock().unwrap();
    assert_eq!(peer.ask("lock-value").expect_ok(), "0");
    drop(guard);
    // Through the id of the set, it is the same lock.
    let table = std::fs::read_to_string("/proc/sysvipc/sem").unwrap();
    let key = keys.set.key().to_string();
    let row = table.lines().find(|line| line.split_whitespace().next() == Some(&key)).unwrap();
    let lock = format!("sysv:id={}", row.split_whitespace().nth(1).unwrap());
    let by_id = Segment::options().lock_with(lock).unwrap().attach(keys.address()).unwrap();
    peer.ask("lock").expect_ok();
    assert!(by_id.try_lock().unwrap().is_none());
    peer.finish();
}

#[test]
fn a_killed_c_program_frees_its_classic_set_for_us() {
    let _watchdog = minute();
    let keys = Keys::unique();
    let (Some(peer), Some(next)) = (keys.peer("create"), keys.peer("attach")) else { return };
    a_killed_peer_frees_the_lock(&keys.attach(), peer, next);
}

#[test]
fn our_death_frees_the_classic_set_for_the_c_program() {
    let _watchdog = minute();
    let keys = Keys::unique();
    let Some(mut peer) = keys.peer("create") else { return };
    let mut ours = agent::spawn();
    ours.ask(&format!("attach-locking {} {}", keys.address(), keys.lock())).expect_ok();
    our_death_frees_the_lock(ours, &mut peer);
    assert_eq!(peer.ask("lock-value").expect_ok(), "1");
}

#[test]
fn a_classic_set_that_is_removed_while_we_hold_or_wait_is_an_error() {
    let _watchdog = minute();
    let keys = Keys::unique();
    let Some(mut peer) = keys.peer("create") else { return };
    let segment = keys.attach();
    let guard = segment.lock().unwrap();
    peer.ask("lock-unlink").expect_ok();
    assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::LockError);
    assert_eq!(segment.lock().unwrap_err().kind(), ErrorKind::LockError, "its maker decides what comes next");
}

#[test]
fn without_lock_with_a_classic_set_under_the_segments_own_key_is_refused() {
    let _watchdog = minute();
    let keys = Keys::unique();
    let Some(mut peer) = keys.peer("create") else { return };
    peer.ask(&format!("lock-with {}", keys.segment.key())).expect_ok();
    let segment = Segment::attach(keys.address()).unwrap();
    let error = segment.lock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    // Locking with it, as the hint says, is what the C program does.
    let segment = Segment::options().lock_with(keys.address()).unwrap().attach(keys.address()).unwrap();
    exclude_each_other(&segment, &mut peer);
}

//! Locks beside the segment that a C program uses: a lock file, and a named semaphore, which death leaves stuck.

use std::time::Duration;

use cenote::{Abandoned, ErrorKind, Segment};
use testkit::names::{ShmName, TempDir};
use testkit::{Peer, agent, peers};

use super::{
    a_killed_peer_frees_the_lock, count_together, exclude_each_other, minute, our_death_frees_the_lock,
    share_bytes,
};

/// A C program with a segment, and another attached to it; both lock with what is named.
fn two_peers(name: &ShmName, lock_with: &str) -> Option<(Peer, Peer)> {
    let (mut one, mut other) = (peers::posix()?, peers::posix()?);
    one.ask(&format!("create {} 64", name.name())).expect_ok();
    other.ask(&format!("attach {}", name.name())).expect_ok();
    for peer in [&mut one, &mut other] {
        peer.ask(&format!("lock-with {lock_with}")).expect_ok();
    }
    Some((one, other))
}

#[test]
fn a_lock_file_locks_both_and_any_death_frees_it() {
    let _watchdog = minute();
    let (name, folder) = (ShmName::unique("beside"), TempDir::new());
    let address = format!("posix:{}", name.name());
    let file = folder.join("lock").display().to_string();
    let Some((mut one, other)) = two_peers(&name, &format!("file {file}")) else { return };
    let lock = format!("file:{file}");
    let segment = Segment::options().lock_with(&lock).unwrap().attach(&address).unwrap();
    share_bytes(&segment, &mut one);
    exclude_each_other(&segment, &mut one);
    count_together(&segment, &mut one);
    let mut ours = agent::spawn();
    ours.ask(&format!("attach-locking {address} {lock}")).expect_ok();
    our_death_frees_the_lock(ours, &mut one);
    a_killed_peer_frees_the_lock(&segment, other, one);
}

#[test]
fn a_lock_file_is_not_the_segments_own_lock() {
    let _watchdog = minute();
    let (name, folder) = (ShmName::unique("beside"), TempDir::new());
    let address = format!("posix:{}", name.name());
    let file = folder.join("lock").display().to_string();
    let Some((mut one, _other)) = two_peers(&name, &format!("file {file}")) else { return };
    let own = Segment::attach(&address).unwrap();
    one.ask("lock").expect_ok();
    drop(own.try_lock().unwrap().expect("nobody has the segment's own"));
}

#[test]
fn a_named_semaphore_locks_both() {
    let _watchdog = minute();
    let name = ShmName::unique("semaphore");
    let address = format!("posix:{}", name.name());
    let Some((mut one, _other)) = two_peers(&name, &format!("semaphore {}", name.name())) else { return };
    let segment = Segment::options().lock_with(&address).unwrap().attach(&address).unwrap();
    exclude_each_other(&segment, &mut one);
    count_together(&segment, &mut one);
    one.ask(&format!("lock-unlink {}", name.name())).expect_ok();
    // Open ones go on; there is nothing to open any more.
    exclude_each_other(&segment, &mut one);
    let error = Segment::options().lock_with(&address).unwrap().attach(&address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn a_named_semaphore_whose_holder_was_killed_stays_stuck_and_only_a_timeout_helps() {
    let _watchdog = minute();
    let name = ShmName::unique("stuck");
    let address = format!("posix:{}", name.name());
    let Some((one, mut other)) = two_peers(&name, &format!("semaphore {}", name.name())) else { return };
    let segment = Segment::options().lock_with(&address).unwrap().attach(&address).unwrap();
    let mut ours = agent::spawn();
    ours.ask(&format!("attach-locking {address} {address}")).expect_ok();
    // Whoever dies with it: theirs, then ours.
    for mut holder in [one, ours] {
        holder.ask("lock").expect_ok();
        holder.kill();
        let error = segment.lock_timeout(Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(segment.try_lock().unwrap().is_none());
        other.ask("try-lock").expect_error("Timeout");
        // Somebody who knows better lets go in its place; nothing tells the next that its holder died.
        other.ask("unlock").expect_ok();
        let guard = segment.lock_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(guard.abandoned(), Abandoned::Unknown);
        guard.unlock().unwrap();
    }
    other.finish();
}

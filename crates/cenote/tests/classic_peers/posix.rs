//! A C program on `shm_open`, `mmap` and `lockf`.

use cenote::{ErrorKind, Segment};
use testkit::names::ShmName;
use testkit::{Peer, agent, peers};

use super::{
    a_killed_peer_frees_the_lock, count_together, exclude_each_other, minute, our_death_frees_the_lock,
    share_bytes,
};

/// A name, the segment there, and a peer that has attached to it.
fn made_by_us(size: u64) -> Option<(ShmName, Segment, Peer)> {
    let mut peer = peers::posix()?;
    let name = ShmName::unique("classic");
    let segment = Segment::create(format!("posix:{}", name.name()), size).unwrap();
    peer.ask(&format!("attach {}", name.name())).expect_ok();
    Some((name, segment, peer))
}

fn made_by_them(size: u64) -> Option<(ShmName, Segment, Peer)> {
    let mut peer = peers::posix()?;
    let name = ShmName::unique("classic");
    peer.ask(&format!("create {} {size}", name.name())).expect_ok();
    let segment = Segment::attach(format!("posix:{}", name.name())).unwrap();
    Some((name, segment, peer))
}

#[test]
fn whoever_makes_the_segment_both_share_bytes_size_and_lock() {
    let _watchdog = minute();
    for make in [made_by_us, made_by_them] {
        for size in [64, 4096, 5001] {
            let Some((_name, segment, mut peer)) = make(size) else { return };
            assert_eq!(segment.len() as u64, size);
            assert_eq!(peer.ask("size").expect_ok(), size.to_string());
            share_bytes(&segment, &mut peer);
            exclude_each_other(&segment, &mut peer);
            peer.ask("unlink").expect_ok();
            assert!(segment.stat().unwrap().removed);
            peer.finish();
        }
    }
}

#[test]
fn no_count_is_lost_between_lockf_and_our_lock() {
    let _watchdog = minute();
    let Some((_name, segment, mut peer)) = made_by_them(64) else { return };
    count_together(&segment, &mut peer);
    peer.finish();
}

#[test]
fn a_killed_c_program_frees_the_lock_for_us() {
    let _watchdog = minute();
    let Some((name, segment, peer)) = made_by_us(64) else { return };
    let Some(mut next) = peers::posix() else { return };
    next.ask(&format!("attach {}", name.name())).expect_ok();
    a_killed_peer_frees_the_lock(&segment, peer, next);
}

#[test]
fn our_death_frees_the_lock_for_the_c_program() {
    let _watchdog = minute();
    let Some((_name, segment, mut peer)) = made_by_us(64) else { return };
    let mut ours = agent::spawn();
    ours.ask(&format!("attach {}", segment.address())).expect_ok();
    our_death_frees_the_lock(ours, &mut peer);
}

#[test]
fn a_read_only_attachment_locks_out_a_c_program_that_writes() {
    let _watchdog = minute();
    let Some((_name, segment, mut peer)) = made_by_them(64) else { return };
    let reader = Segment::options().read_only().attach(segment.address()).unwrap();
    let guard = reader.lock().unwrap();
    peer.ask("try-lock").expect_error("Timeout");
    drop(guard);
    peer.ask("lock").expect_ok();
    assert!(reader.try_lock().unwrap().is_none());
    peer.finish();
}

#[test]
fn either_side_refuses_to_make_what_the_other_has_made() {
    let _watchdog = minute();
    let Some((name, segment, mut peer)) = made_by_us(64) else { return };
    peer.ask(&format!("create {} 64", name.name())).expect_error("AlreadyExists");
    peer.ask(&format!("unlink {}", name.name())).expect_ok();
    peer.ask(&format!("create {} 32", name.name())).expect_ok();
    let error = Segment::create(segment.address(), 64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    // The first one is another than the one that has its name now.
    assert!(segment.stat().unwrap().removed);
    assert_eq!(Segment::attach(segment.address()).unwrap().len(), 32);
}

#[test]
fn what_a_c_program_resizes_is_attached_anew_in_its_new_size() {
    let _watchdog = minute();
    let Some((_name, segment, mut peer)) = made_by_them(4096) else { return };
    segment.write_at(0, b"kept").unwrap();
    peer.ask("resize 20000").expect_ok();
    assert_eq!((segment.len(), segment.stat().unwrap().size), (4096, 20000));
    assert_eq!(Segment::attach(segment.address()).unwrap().len(), 20000);
    peer.ask("resize 0").expect_ok();
    assert_eq!(segment.read_value::<u8>(0).unwrap_err().kind(), ErrorKind::Corrupt);
    peer.finish();
}

#[test]
fn a_mode_that_we_ask_for_is_what_the_c_program_meets_and_the_reverse() {
    let _watchdog = minute();
    let Some(mut peer) = peers::posix() else { return };
    let name = ShmName::unique("mode");
    let address = format!("posix:{}", name.name());
    peer.ask(&format!("create {} 64 640", name.name())).expect_ok();
    assert_eq!(Segment::stat_of(&address).unwrap().mode, Some(0o640));
    Segment::remove(&address).unwrap();
    let _segment = Segment::options().mode(0o444).create(&address, 64).unwrap();
    peer.ask(&format!("attach-ro {}", name.name())).expect_ok();
    peer.ask("write 0 00").expect_error("PermissionDenied");
}

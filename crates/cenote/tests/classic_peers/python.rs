//! Python's `multiprocessing.shared_memory`, locked with `fcntl.lockf`.

use cenote::{ErrorKind, Segment};
use testkit::names::ShmName;
use testkit::{Peer, agent, peers};

use super::{
    a_killed_peer_frees_the_lock, count_together, exclude_each_other, minute, our_death_frees_the_lock,
    share_bytes,
};

fn made_by_us(size: u64) -> Option<(ShmName, Segment, Peer)> {
    let mut peer = peers::python()?;
    let name = ShmName::unique("python");
    let segment = Segment::create(format!("posix:{}", name.name()), size).unwrap();
    peer.ask(&format!("attach {}", name.name())).expect_ok();
    Some((name, segment, peer))
}

fn made_by_them(size: u64) -> Option<(ShmName, Segment, Peer)> {
    let mut peer = peers::python()?;
    let name = ShmName::unique("python");
    peer.ask(&format!("create {} {size}", name.name())).expect_ok();
    let segment = Segment::attach(format!("posix:{}", name.name())).unwrap();
    Some((name, segment, peer))
}

#[test]
fn whoever_makes_the_segment_both_share_bytes_and_lock() {
    let _watchdog = minute();
    for make in [made_by_us, made_by_them] {
        let Some((_name, segment, mut peer)) = make(5001) else { return };
        share_bytes(&segment, &mut peer);
        exclude_each_other(&segment, &mut peer);
        peer.finish();
    }
}

#[test]
fn both_see_the_size_that_the_file_has_whether_python_rounds_it_or_not() {
    let _watchdog = minute();
    for size in [1, 4095, 4096, 4097, 100_000] {
        for make in [made_by_us, made_by_them] {
            let Some((_name, segment, mut peer)) = make(size) else { return };
            // Python rounds up to whole pages where the system does; what it asked for is there in any case.
            let len = segment.len() as u64;
            assert!(len == size || len == size.next_multiple_of(4096), "{len} of {size}");
            assert_eq!(peer.ask("size").expect_ok(), len.to_string());
            assert_eq!(segment.stat().unwrap().size, len);
            segment.write_at(segment.len() - 1, &[7]).unwrap();
            assert_eq!(peer.ask(&format!("read {} 1", len - 1)).expect_ok(), "07");
            peer.ask(&format!("read {len} 1")).expect_error("InvalidSize");
        }
    }
}

#[test]
fn no_count_is_lost_between_pythons_lockf_and_our_lock() {
    let _watchdog = minute();
    let Some((_name, segment, mut peer)) = made_by_them(64) else { return };
    count_together(&segment, &mut peer);
    peer.finish();
}

#[test]
fn any_death_frees_the_lock() {
    let _watchdog = minute();
    let Some((name, segment, mut peer)) = made_by_us(64) else { return };
    let mut ours = agent::spawn();
    ours.ask(&format!("attach {}", segment.address())).expect_ok();
    our_death_frees_the_lock(ours, &mut peer);
    let Some(mut next) = peers::python() else { return };
    next.ask(&format!("attach {}", name.name())).expect_ok();
    a_killed_peer_frees_the_lock(&segment, peer, next);
}

#[test]
fn what_python_removes_is_gone_for_us_and_the_reverse() {
    let _watchdog = minute();
    let Some((name, segment, mut peer)) = made_by_them(64) else { return };
    peer.ask("unlink").expect_ok();
    assert!(segment.stat().unwrap().removed);
    assert_eq!(Segment::attach(segment.address()).unwrap_err().kind(), ErrorKind::NotFound);
    let again = Segment::create(segment.address(), 32).unwrap();
    peer.ask(&format!("create {} 64", name.name())).expect_error("AlreadyExists");
    Segment::remove(again.address()).unwrap();
    peer.ask(&format!("attach {}", name.name())).expect_error("NotFound");
}

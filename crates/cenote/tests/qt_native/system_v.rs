//! The System V type: one key file leads to the segment and to its lock.

use std::fs;
use std::path::Path;
use std::time::Duration;

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;
use testkit::qt::QtKey;
use testkit::{Peer, agent, peers, sysv, watchdog};

use crate::{LATE, SOON, address};

/// A key of each project, and as many Qt programs as asked for.
fn with<const N: usize>(test: impl Fn([Peer; N], &QtKey, u8)) {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    for project in [b'Q', 1, 127] {
        let peers: Option<Vec<Peer>> = (0..N).map(|_| peers::pyside()).collect();
        let Some(peers) = peers else { return };
        let key = QtKey::systemv(folder.path(), project);
        test(peers.try_into().expect("as many as asked for"), &key, project);
        let _ = Segment::remove(address(&key));
        assert!(key.files().is_empty(), "{:?} is left", key.files());
    }
}

#[test]
fn a_killed_holder_on_either_side_lets_the_other_proceed() {
    with(|[mut qt], key, _| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.word())).expect_ok();
        qt.ask("lock").expect_ok();
        qt.kill();
        drop(ours.lock_timeout(LATE).unwrap());
        ours.detach().unwrap();
        assert!(key.files().is_empty(), "the last of ours takes segment, lock and file away");
    });
    with(|[mut qt], key, _| {
        qt.ask(&format!("create {} 64", key.word())).expect_ok();
        let mut ours = agent::spawn();
        ours.ask(&format!("attach {}", address(key))).expect_ok();
        ours.ask("lock").expect_ok();
        ours.kill();
        qt.ask("lock").expect_ok();
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn a_qt_owner_that_leaves_takes_the_file_and_ours_goes_on_with_those_it_knows() {
    with(|[mut owner, mut other], key, project| {
        owner.ask(&format!("create {} 64", key.word())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        other.ask(&format!("attach {}", key.word())).expect_ok();
        owner.finish();
        // Both make the same new lock, at the same new file.
        other.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        assert_eq!(sysv::semaphore_value(&key.key_file(), project), Some(0));
        other.ask("unlock").expect_ok();
        let guard = ours.lock_timeout(LATE).unwrap();
        other.tell("lock");
        assert!(other.reply(SOON).is_none());
        guard.unlock().unwrap();
        other.wait_for_reply().expect_ok();
        other.ask("unlock").expect_ok();
        assert_eq!(sysv::semaphore_value(&key.key_file(), project), Some(1));
        other.ask("detach").expect_ok();
        other.finish();
        ours.detach().unwrap();
    });
}

#[test]
fn a_leftover_survives_being_read_and_is_removed_when_asked_for() {
    with(|[mut qt], key, _| {
        qt.ask(&format!("create {} 64", key.word())).expect_ok();
        qt.ask("write 0 2a").expect_ok();
        qt.kill();
        for _ in 0..2 {
            let ours = Segment::attach(address(key)).unwrap();
            assert_eq!(ours.read_value::<u8>(0).unwrap(), 42);
            ours.detach().unwrap();
        }
        Segment::remove(address(key)).unwrap();
        assert!(key.files().is_empty());
    });
}

#[test]
fn removing_what_has_holders_leaves_them_their_lock() {
    with(|[mut qt], key, _| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.word())).expect_ok();
        let mut other = agent::spawn();
        other.ask(&format!("attach {}", address(key))).expect_ok();
        Segment::remove(address(key)).unwrap();
        assert_eq!(Segment::attach(address(key)).unwrap_err().kind(), ErrorKind::NotFound);
        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        // One that had to wait looks whether the lock has a successor meanwhile.
        other.tell("lock");
        assert!(other.reply(SOON).is_none());
        qt.ask("unlock").expect_ok();
        other.wait_for_reply().expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        qt.tell("lock");
        assert!(qt.reply(SOON).is_none());
        other.ask("unlock").expect_ok();
        qt.wait_for_reply().expect_ok();
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn a_file_with_something_in_it_is_a_key_and_nobody_of_ours_deletes_it() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let file = folder.join("letter");
    fs::write(&file, "dear reader").unwrap();
    let at = format!("qt:systemv:{}", file.display());
    let ours = Segment::create(at.as_str(), 64).unwrap();
    ours.detach().unwrap();
    assert_eq!(read(&file), "dear reader");
    let ours = Segment::create(at.as_str(), 64).unwrap();
    Segment::remove(at.as_str()).unwrap();
    drop(ours);
    Segment::create(at.as_str(), 64).map(drop).unwrap();
    let _ = Segment::remove(at.as_str());
    assert_eq!(read(&file), "dear reader", "Qt would have removed it");
    assert_eq!(Segment::attach(at.as_str()).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(sysv::semaphore_value(&file, b'Q'), None);
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

#[test]
fn project_ids_that_qt_fails_with_are_refused() {
    let folder = TempDir::new();
    for project in [128_u8, 255] {
        let at = format!("qt:systemv-{project}:{}", folder.join("key").display());
        let error = Segment::create(at.as_str(), 64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyError, "{error}");
        assert!(!folder.join("key").exists());
    }
}

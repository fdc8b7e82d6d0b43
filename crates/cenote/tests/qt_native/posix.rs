//! The POSIX type: nothing is undone at a death, and Qt takes the lock's name away while others use it.

use std::fs;
use std::time::Duration;

use cenote::{Abandoned, ErrorKind, Segment, SystemSemaphore};
use testkit::qt::QtKey;
use testkit::{Peer, agent, peers, watchdog};

use crate::{LATE, SOON, address};

/// A key, and as many Qt programs as asked for.
fn with<const N: usize>(test: impl Fn([Peer; N], &QtKey)) {
    let _watchdog = watchdog(Duration::from_secs(60));
    let peers: Option<Vec<Peer>> = (0..N).map(|_| peers::pyside()).collect();
    let Some(peers) = peers else { return };
    let key = QtKey::posix();
    test(peers.try_into().expect("as many as asked for"), &key);
    let _ = Segment::remove(address(&key));
    assert!(key.files().is_empty(), "{:?} is left", key.files());
}

#[test]
fn a_killed_qt_holder_leaves_us_stuck_until_the_lock_is_broken() {
    with(|[mut qt, mut other], key| {
        let ours = Segment::create(address(key), 64).unwrap();
        for qt in [&mut qt, &mut other] {
            qt.ask(&format!("attach {}", key.word())).expect_ok();
        }
        qt.ask("write 0 2a").expect_ok();
        qt.ask("lock").expect_ok();
        qt.kill();
        let error = ours.lock_timeout(SOON).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.hint().contains("--break"), "{}", error.hint());
        other.tell("lock");
        assert!(other.reply(SOON).is_none(), "Qt waits for ever");
        // What it has written is there all the same.
        assert_eq!(Segment::attach(address(key)).unwrap().read_value::<u8>(0).unwrap(), 42);

        assert!(Segment::options().break_lock_by_force(address(key)).unwrap());
        other.wait_for_reply().expect_ok();
        assert!(ours.try_lock().unwrap().is_none(), "one has it, and only one");
        other.ask("unlock").expect_ok();
        let guard = ours.lock_timeout(LATE).unwrap();
        assert_eq!(guard.abandoned(), Abandoned::Unknown);
        drop(guard);
        other.finish();
    });
}

#[test]
fn a_killed_holder_of_ours_leaves_qt_stuck_until_the_lock_is_broken() {
    with(|[mut qt], key| {
        qt.ask(&format!("create {} 64", key.word())).expect_ok();
        let mut ours = agent::spawn();
        ours.ask(&format!("attach {}", address(key))).expect_ok();
        ours.ask("lock").expect_ok();
        ours.kill();
        qt.tell("lock");
        assert!(qt.reply(SOON).is_none());
        assert!(Segment::options().break_lock_by_force(address(key)).unwrap());
        qt.wait_for_reply().expect_ok();
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn a_semaphore_that_its_qt_maker_takes_away_locks_its_users_and_newcomers() {
    with(|[mut maker, mut old, mut new], key| {
        maker.ask(&format!("create {} 64", key.word())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        old.ask(&format!("attach {}", key.word())).expect_ok();
        maker.finish();
        assert!(!key.posix_semaphore_path().exists(), "the name goes with the maker");
        new.ask(&format!("attach {}", key.word())).expect_ok();
        assert!(key.posix_semaphore_path().exists(), "a second semaphore");

        let guard = ours.lock_timeout(LATE).unwrap();
        for qt in [&mut old, &mut new] {
            qt.tell("lock");
            assert!(qt.reply(SOON).is_none(), "ours excludes both");
        }
        guard.unlock().unwrap();
        for qt in [&mut old, &mut new] {
            qt.wait_for_reply().expect_ok();
            assert!(ours.try_lock().unwrap().is_none(), "each excludes ours");
        }
        old.ask("unlock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none(), "the other still does");
        assert_eq!(ours.lock_timeout(SOON).unwrap_err().kind(), ErrorKind::Timeout);
        new.ask("unlock").expect_ok();
        drop(ours.lock_timeout(LATE).unwrap());

        // The old one dies with the semaphore that has lost its name: nobody can free that, but a newcomer is free.
        old.ask("lock").expect_ok();
        old.kill();
        let error = ours.lock_timeout(SOON).unwrap_err();
        assert!(error.hint().contains("attach again"), "{}", error.hint());
        drop(ours);
        let ours = Segment::attach(address(key)).unwrap();
        drop(ours.lock_timeout(LATE).unwrap());
        new.finish();
    });
}

#[test]
fn ours_is_the_maker_of_the_lock_that_qt_uses() {
    with(|[mut qt, mut other], key| {
        let ours = Segment::create(address(key), 64).unwrap();
        assert!(
            key.posix_semaphore_path().exists(),
            "or the first Qt program would make it, and take it away"
        );
        qt.ask(&format!("attach {}", key.word())).expect_ok();
        qt.finish();
        assert!(key.posix_semaphore_path().exists());
        other.ask(&format!("attach {}", key.word())).expect_ok();
        other.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        other.ask("unlock").expect_ok();
        ours.detach().unwrap();
        assert!(key.posix_path().exists(), "no detach removes a POSIX segment");
        other.finish();
    });
}

#[test]
fn a_failed_create_of_ours_does_not_touch_a_lock_that_is_held() {
    with(|[mut qt], key| {
        qt.ask(&format!("create {} 64", key.word())).expect_ok();
        qt.ask("lock").expect_ok();
        assert_eq!(Segment::create(address(key), 64).unwrap_err().kind(), ErrorKind::AlreadyExists);
        let ours = Segment::attach(address(key)).unwrap();
        assert!(ours.try_lock().unwrap().is_none());
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn a_stuck_lock_that_nobody_has_open_is_made_anew_with_the_segment() {
    with(|[mut qt], key| {
        qt.ask(&format!("create {} 64", key.word())).expect_ok();
        qt.ask("lock").expect_ok();
        qt.kill();
        fs::remove_file(key.posix_path()).unwrap();
        let ours = Segment::create(address(key), 64).unwrap();
        drop(ours.lock_timeout(LATE).expect("as Qt's create() does"));
    });
}

#[test]
fn a_lock_that_somebody_waits_for_is_not_made_anew() {
    with(|[mut holder, mut waiter], key| {
        holder.ask(&format!("create {} 64", key.word())).expect_ok();
        waiter.ask(&format!("attach {}", key.word())).expect_ok();
        holder.ask("lock").expect_ok();
        fs::remove_file(key.posix_path()).unwrap();
        let ours = Segment::create(address(key), 64).unwrap();
        assert!(ours.try_lock().unwrap().is_none(), "they may go on with it");
        holder.ask("unlock").expect_ok();
        drop(ours.lock_timeout(LATE).unwrap());
        holder.finish();
        waiter.finish();
    });
}

#[test]
fn an_object_without_a_size_is_waited_for_under_the_lock_of_its_maker() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let key = QtKey::posix();
    let file = fs::File::create_new(key.posix_path()).unwrap();
    let maker = SystemSemaphore::open(key.text().parse::<cenote::qt::NativeKey>().unwrap(), 1).unwrap();
    maker.acquire().unwrap();
    let soon = Segment::options().timeout(SOON);
    assert_eq!(soon.attach(address(&key)).unwrap_err().kind(), ErrorKind::Timeout);
    let mut other = agent::spawn();
    other.tell(&format!("attach {}", address(&key)));
    assert!(other.reply(SOON).is_none(), "it waits");
    file.set_len(64).unwrap();
    maker.release(1).unwrap();
    other.wait_for_reply().expect_ok();
    other.finish();
    file.set_len(0).unwrap();
    assert_eq!(soon.attach(address(&key)).unwrap_err().kind(), ErrorKind::InvalidSize);
    drop(soon.attach(address(&key)).unwrap_err());
    assert!(maker.try_acquire().unwrap(), "attaching has let go of it");
    Segment::remove(address(&key)).unwrap();
    assert!(key.files().is_empty());
    assert_eq!(Segment::remove(address(&key)).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn removing_takes_segment_and_semaphore_and_holders_keep_both() {
    with(|[mut qt], key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.word())).expect_ok();
        Segment::remove(address(key)).unwrap();
        assert!(key.files().is_empty());
        assert!(ours.stat().unwrap().removed);
        qt.ask("write 0 2a").expect_ok();
        let guard = ours.lock_timeout(LATE).unwrap();
        assert_eq!(guard.read_value::<u8>(0).unwrap(), 42);
        qt.tell("lock");
        assert!(qt.reply(SOON).is_none());
        guard.unlock().unwrap();
        qt.wait_for_reply().expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        qt.ask("unlock").expect_ok();
        assert!(key.files().is_empty(), "locking what is gone makes nothing");
        qt.finish();
    });
}

#[test]
fn names_that_qt_cannot_use_are_key_errors() {
    for name in ["/", "/..", "/a/b", &format!("/{}", "x".repeat(252))] {
        let error = Segment::attach(format!("qt:posix:{name}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyError, "{name}: {error}");
    }
}

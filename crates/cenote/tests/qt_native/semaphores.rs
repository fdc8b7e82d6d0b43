//! `QSystemSemaphore` by native key, and ours.

use std::time::Duration;

use cenote::qt::NativeKey;
use cenote::{ErrorKind, Segment, SystemSemaphore};
use testkit::names::ShmName;
use testkit::qt::QtKey;

use crate::{LATE, SOON, address, with_each_type};

fn native(key: &QtKey) -> NativeKey {
    key.text().parse().unwrap()
}

#[test]
fn it_counts_for_both() {
    with_each_type(|mut qt, key| {
        let ours = SystemSemaphore::open(native(key), 3).unwrap();
        qt.ask(&format!("sem-open {} 9", key.word())).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        ours.acquire().unwrap();
        assert!(ours.try_acquire().unwrap());
        assert!(!ours.try_acquire().unwrap(), "the first value counts, and three are taken");
        qt.ask("sem-release 1").expect_ok();
        ours.acquire_timeout(LATE).unwrap();
        qt.tell("sem-acquire");
        assert!(qt.reply(SOON).is_none());
        ours.release(2).unwrap();
        qt.wait_for_reply().expect_ok();
        assert!(ours.try_acquire().unwrap());
        qt.ask("sem-release 1").expect_ok();
        qt.finish();
        drop(ours);
        let _ = SystemSemaphore::remove(native(key));
    });
}

#[test]
fn mode_create_sets_the_value_as_qt_does() {
    with_each_type(|mut qt, key| {
        let old = SystemSemaphore::open(native(key), 0).unwrap();
        assert!(!old.try_acquire().unwrap());
        let ours = SystemSemaphore::create(native(key), 1).unwrap();
        qt.ask(&format!("sem-open {} 5", key.word())).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        assert!(!ours.try_acquire().unwrap());
        qt.ask("sem-release 1").expect_ok();
        qt.ask(&format!("sem-create {} 2", key.word())).expect_ok();
        let newest = SystemSemaphore::open(native(key), 7).unwrap();
        assert!(newest.try_acquire().unwrap() && newest.try_acquire().unwrap());
        assert!(!newest.try_acquire().unwrap());
        newest.release(2).unwrap();
        qt.finish();
        drop((old, ours, newest));
        let _ = SystemSemaphore::remove(native(key));
    });
}

#[test]
fn it_locks_another_segment_and_can_be_removed() {
    with_each_type(|mut qt, key| {
        let segment = ShmName::unique("qt-lock");
        let at = format!("posix:{}", segment.name());
        drop(Segment::create(at.as_str(), 64).unwrap());
        let ours = Segment::options().lock_with(address(key)).unwrap().attach(at.as_str()).unwrap();
        qt.ask(&format!("sem-open {} 1", key.word())).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        qt.ask("sem-release 1").expect_ok();
        let guard = ours.lock_timeout(Duration::from_secs(20)).unwrap();
        qt.tell("sem-acquire");
        assert!(qt.reply(SOON).is_none());
        drop(guard);
        qt.wait_for_reply().expect_ok();
        qt.ask("sem-release 1").expect_ok();
        qt.finish();
        match SystemSemaphore::remove(native(key)) {
            // Qt's own, if it was the first to open it.
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
            Ok(()) => assert!(key.files().is_empty()),
        }
    });
}

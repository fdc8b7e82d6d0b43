//! `QSystemSemaphore`: one counter for both, which goes with its last handle.

use cenote::qt::{KeyType, NativeKey};
use cenote::{ErrorKind, SemaphoreKey, SystemSemaphore};
use testkit::words::encode;
use testkit::{Peer, agent};

use super::{LATE, SOON, minute, peer};

/// Runs a test with a key of each sort: ours, and the word for Qt.
fn with_each_key(test: impl Fn(Peer, SemaphoreKey, &str)) {
    let _watchdog = minute();
    for native in [false, true] {
        let Some(qt) = peer() else { return };
        let key = testkit::names::unique("sem");
        if native {
            let key = NativeKey::of_semaphore(&key, KeyType::DEFAULT).unwrap();
            test(qt, SemaphoreKey::from(&key), &format!("native:{}", encode(&key.to_string())));
        } else {
            test(qt, SemaphoreKey::from(&key), &key);
        }
    }
}

#[test]
fn it_counts_for_both() {
    with_each_key(|mut qt, key, word| {
        let ours = SystemSemaphore::open(key, 2).unwrap();
        // The first one's initial value holds, whatever the mode.
        qt.ask(&format!("sem-open {word} 7")).expect_ok();
        qt.ask(&format!("sem-create {word} 7")).expect_ok();
        ours.acquire().unwrap();
        qt.ask("sem-acquire").expect_ok();
        assert!(!ours.try_acquire().unwrap(), "two is all there are");
        assert_eq!(ours.acquire_timeout(SOON).unwrap_err().kind(), ErrorKind::Timeout);
        qt.tell("sem-acquire");
        assert!(qt.reply(SOON).is_none());
        ours.release(1).unwrap();
        qt.wait_for_reply().expect_ok();

        ours.release(0).unwrap();
        assert!(!ours.try_acquire().unwrap());
        qt.ask("sem-release 5").expect_ok();
        for _ in 0..5 {
            assert!(ours.try_acquire().unwrap(), "more than was taken can be given");
        }
        assert!(!ours.try_acquire().unwrap());
        // Beyond what 16 bits with a sign hold, as on System V.
        ours.release(u16::MAX).unwrap();
        qt.ask("sem-acquire").expect_ok();
        qt.finish();
    });
}

#[test]
fn mode_create_leaves_the_value_of_one_that_is_there() {
    with_each_key(|mut qt, key, word| {
        qt.ask(&format!("sem-create {word} 1")).expect_ok();
        let ours = SystemSemaphore::create(key, 3).unwrap();
        assert!(ours.try_acquire().unwrap());
        assert!(!ours.try_acquire().unwrap(), "Qt's initial value was 1");
        qt.finish();
    });
}

#[test]
fn what_a_killed_one_had_is_not_given_back() {
    with_each_key(|mut qt, key, word| {
        let ours = SystemSemaphore::open(key.clone(), 1).unwrap();
        qt.ask(&format!("sem-open {word} 1")).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        qt.kill();
        assert_eq!(ours.acquire_timeout(SOON).unwrap_err().kind(), ErrorKind::Timeout);
        drop(ours);
        // With its last handle it is gone, and the next one begins anew.
        let ours = SystemSemaphore::open(key, 1).unwrap();
        ours.acquire_timeout(LATE).unwrap();
    });
}

#[test]
fn it_is_there_while_anybody_has_it_and_nobody_removes_it() {
    with_each_key(|mut qt, key, word| {
        let mut other = agent::spawn();
        qt.ask(&format!("sem-open {word} 0")).expect_ok();
        let ours = SystemSemaphore::open(key.clone(), 9).unwrap();
        assert!(!ours.try_acquire().unwrap());
        let error = SystemSemaphore::remove(key.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        qt.ask("sem-close").expect_ok();
        assert!(!ours.try_acquire().unwrap());
        drop(ours);
        other.ask("sem-open Unrelated 1").expect_ok();
        let ours = SystemSemaphore::open(key, 9).unwrap();
        assert!(ours.try_acquire().unwrap());
        qt.ask(&format!("sem-open {word} 0")).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        qt.finish();
    });
}

#[test]
fn misuse_is_an_error_in_both() {
    let _watchdog = minute();
    let Some(mut qt) = peer() else { return };
    // Qt says so when it is first used, and without an error; ours at once.
    qt.ask("sem-open  1").expect_ok();
    qt.ask("sem-acquire").expect_error("Unknown");
    assert_eq!(qt.ask("sem-error").expect_ok(), "0");
    assert_eq!(SystemSemaphore::open("", 1).unwrap_err().kind(), ErrorKind::KeyError);

    let key = NativeKey::new(KeyType::Windows, r"a\b").unwrap();
    qt.ask(&format!("sem-open native:{} 1", encode(&key.to_string()))).expect_error("Unknown");
    assert_eq!(SystemSemaphore::open(key, 1).unwrap_err().kind(), ErrorKind::KeyError);

    let name = testkit::names::unique("sem");
    qt.ask(&format!("make-event {name}")).expect_ok();
    qt.ask(&format!("sem-open native:windows:{name} 1")).expect_error("Unknown");
    let error = SystemSemaphore::open(NativeKey::new(KeyType::Windows, name).unwrap(), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");

    qt.ask(&format!("sem-open {} 1", testkit::names::unique("sem"))).expect_ok();
    qt.ask("sem-release 2147483647").expect_error("Unknown");
    qt.ask("sem-release -1").expect_error("Unknown");
    qt.ask(&format!("sem-open {} -1", testkit::names::unique("sem"))).expect_error("Unknown");
}

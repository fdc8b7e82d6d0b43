//! `QSystemSemaphore` and `SystemSemaphore`.

use std::time::Duration;

use cenote::qt::{KeyType, NativeKey};
use cenote::{ErrorKind, SemaphoreKey, SystemSemaphore};
use testkit::names::TempDir;
use testkit::qt::{PROJECT, QtKey};
use testkit::sysv;
use testkit::words::decode;

use super::{has_native_keys, refused, with_each_qt, with_native_keys};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

fn native(key: &QtKey) -> NativeKey {
    key.text().parse().unwrap()
}

/// The value of a legacy key's semaphore, as the kernel has it.
fn value(key: &QtKey) -> Option<i32> {
    let file = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()));
    sysv::semaphore_value(&file, PROJECT)
}

#[test]
fn open_makes_a_semaphore_and_leaves_one_that_is_there() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("sem-open {} 2", key.key())).expect_ok();
        let ours = SystemSemaphore::open(key.key(), 7).unwrap();
        assert_eq!(value(key), Some(2));
        drop(ours);
        qt.ask("sem-close").expect_ok();
        assert_eq!(value(key), None);
        let ours = SystemSemaphore::open(key.key(), 3).unwrap();
        qt.ask(&format!("sem-open {} 5", key.key())).expect_ok();
        assert_eq!(value(key), Some(3));
        qt.ask("sem-close").expect_ok();
        drop(ours);
    });
}

#[test]
fn create_sets_the_value_whoever_uses_it() {
    with_each_qt(|qt, key| {
        let ours = SystemSemaphore::open(key.key(), 1).unwrap();
        qt.ask(&format!("sem-create {} 4", key.key())).expect_ok();
        assert_eq!(value(key), Some(4));
        let second = SystemSemaphore::create(key.key(), 6).unwrap();
        assert_eq!(value(key), Some(6));
        drop(second);
        qt.ask("sem-close").expect_ok();
        drop(ours);
    });
}

#[test]
fn a_native_key_makes_a_semaphore_of_its_type() {
    with_native_keys(|qt| {
        let folder = TempDir::new();
        for key in [QtKey::posix(), QtKey::systemv(folder.path(), PROJECT), QtKey::systemv(folder.path(), 7)]
        {
            qt.ask(&format!("sem-open {} 1", key.word())).expect_ok();
            let ours = SystemSemaphore::open(native(&key), 1).unwrap();
            qt.ask("sem-acquire").expect_ok();
            assert!(!ours.try_acquire().unwrap(), "{}", key.text());
            assert_eq!(decode(qt.ask("sem-native-key-now").expect_ok()), key.text());
            assert_eq!(ours.key(), &SemaphoreKey::Native(native(&key)));
            qt.ask("sem-release 1").expect_ok();
            ours.acquire_timeout(LONG).unwrap();
            ours.release(1).unwrap();
            qt.ask("sem-close").expect_ok();
        }
        // Whose POSIX one it was decides whether it stays.
        let key = QtKey::posix();
        qt.ask(&format!("sem-open {} 1", key.word())).expect_ok();
        qt.ask("sem-close").expect_ok();
        assert!(!key.posix_semaphore_path().exists());
        drop(SystemSemaphore::open(native(&key), 1).unwrap());
        assert!(key.posix_semaphore_path().exists());
        SystemSemaphore::remove(native(&key)).unwrap();
    });
}

#[test]
fn another_key_is_another_handle() {
    with_each_qt(|qt, key| {
        let other = QtKey::unique();
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        assert_eq!(qt.ask("sem-key").expect_ok(), key.key());
        qt.ask("sem-acquire").expect_ok();
        qt.ask(&format!("sem-set-key {} 5 create", other.key())).expect_ok();
        assert_eq!(qt.ask("sem-key").expect_ok(), other.key());
        assert_eq!((value(key), value(&other)), (None, Some(5)), "the maker's first one is gone");
        let mut ours = SystemSemaphore::open(other.key(), 1).unwrap();
        assert_eq!(ours.key().to_string(), other.key());
        ours = SystemSemaphore::open(key.key(), 2).unwrap();
        assert_eq!((ours.key().to_string(), value(key)), (key.key().to_owned(), Some(2)));
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn a_native_key_that_is_set_has_the_legacy_type_unless_it_is_said() {
    with_native_keys(|qt| {
        let (folder, posix) = (TempDir::new(), QtKey::posix());
        let key = QtKey::systemv(folder.path(), PROJECT);
        qt.ask(&format!("sem-open {} 1", posix.word())).expect_ok();
        qt.ask(&format!("sem-set-native-key {} 2 open", key.key_file().display())).expect_ok();
        assert_eq!(decode(qt.ask("sem-native-key-now").expect_ok()), key.text());
        assert_eq!(qt.ask("sem-key").expect_ok(), "", "it has no legacy key");
        let ours = SystemSemaphore::open(
            NativeKey::new(KeyType::LEGACY_DEFAULT, key.key_file().to_str().unwrap()).unwrap(),
            1,
        );
        assert_eq!(ours.unwrap().key(), &SemaphoreKey::Native(native(&key)));
        assert_eq!(sysv::semaphore_value(&key.key_file(), PROJECT), Some(2));
        qt.ask(&format!("sem-set-native-key /{} 2 open posix", posix.key())).expect_ok();
        assert_eq!(decode(qt.ask("sem-native-key-now").expect_ok()), posix.text());
        qt.ask(&format!("sem-set-key {} 2 open", key.word())).expect_ok();
        assert_eq!(decode(qt.ask("sem-native-key-now").expect_ok()), key.text());
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn the_native_key_of_a_legacy_one_is_known() {
    with_each_qt(|qt, key| {
        if !has_native_keys(qt) {
            return;
        }
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        let ours = NativeKey::legacy_of_semaphore(key.key(), KeyType::LEGACY_DEFAULT).unwrap();
        assert_eq!(decode(qt.ask("sem-native-key-now").expect_ok()), ours.to_string());
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn acquire_waits_in_both() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        let ours = SystemSemaphore::open(key.key(), 1).unwrap();
        ours.acquire().unwrap();
        qt.tell("sem-acquire");
        assert!(qt.reply(SHORT).is_none());
        ours.release(1).unwrap();
        qt.wait_for_reply().expect_ok();
        // What Qt has not: a look, and a wait that ends.
        assert!(!ours.try_acquire().unwrap());
        refused(ours.acquire_timeout(SHORT), ErrorKind::Timeout);
        qt.ask("sem-release 1").expect_ok();
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn release_adds_any_number() {
    with_each_qt(|qt, key| {
        let ours = SystemSemaphore::open(key.key(), 1).unwrap();
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        qt.ask("sem-release 3").expect_ok();
        ours.release(2).unwrap();
        assert_eq!(value(key), Some(6), "more than there was at first");
        qt.ask("sem-release 0").expect_ok();
        ours.release(0).unwrap();
        assert_eq!(value(key), Some(6));
        // Ours takes no negative number.
        qt.ask("sem-release -1").expect_error("Unknown");
        assert_eq!(qt.ask("sem-error").expect_ok(), "0", "false, and no error");
        qt.ask("sem-close").expect_ok();
        drop(ours);
        assert_eq!(value(key), Some(6), "with more in it than its maker gave it, somebody uses it");
        SystemSemaphore::remove(key.key()).unwrap();
    });
}

#[test]
fn a_release_beyond_a_short_is_a_wait_in_qt_and_an_error_in_ours() {
    with_each_qt(|qt, key| {
        let ours = SystemSemaphore::open(key.key(), 1).unwrap();
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        // semop(2) takes a short: 65535 is -1, so that Qt takes one, and 40000 would wait for 25536.
        qt.ask("sem-release 65535").expect_ok();
        assert_eq!(value(key), Some(0));
        qt.ask("sem-release 1").expect_ok();
        refused(ours.release(u16::MAX), ErrorKind::LockError);
        ours.acquire().unwrap();
        refused(ours.release(40000), ErrorKind::LockError);
        assert_eq!(value(key), Some(0), "not even in part");
        ours.release(1).unwrap();
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn whoever_made_it_removes_it_and_ours_only_if_nobody_uses_it() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("sem-open {} 2", key.key())).expect_ok();
        let ours = SystemSemaphore::open(key.key(), 2).unwrap();
        ours.acquire().unwrap();
        qt.ask("sem-close").expect_ok();
        assert_eq!(value(key), None, "although it is in use");
        drop(ours);
        let ours = SystemSemaphore::open(key.key(), 2).unwrap();
        qt.ask(&format!("sem-open {} 2", key.key())).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        drop(ours);
        assert_eq!(value(key), Some(1), "it is in use");
        qt.ask("sem-release 1").expect_ok();
        SystemSemaphore::remove(key.key()).unwrap();
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn one_that_is_removed_meanwhile_is_made_anew() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("sem-open {} 2", key.key())).expect_ok();
        SystemSemaphore::remove(key.key()).unwrap();
        qt.ask("sem-acquire").expect_ok();
        assert_eq!(value(key), Some(1));
        qt.ask("sem-release 1").expect_ok();
        qt.ask("sem-close").expect_ok();
        let ours = SystemSemaphore::open(key.key(), 2).unwrap();
        SystemSemaphore::remove(key.key()).unwrap();
        ours.acquire().unwrap();
        assert_eq!(value(key), Some(1));
        ours.release(1).unwrap();
        drop(ours);
        assert_eq!(value(key), None);
    });
}

//! `QSharedMemory` and `Segment`.

use std::time::Duration;

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;
use testkit::qt::{PROJECT, QtKey};
use testkit::words::{decode, encode};
use testkit::{Peer, agent, peers};

use super::{address, has_native_keys, refused, rights, same_error, with_each_qt, with_native_keys};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

/// A second process of the same Qt.
fn another(qt: &mut Peer) -> Peer {
    let version = qt.ask("version").expect_ok().to_owned();
    peers::each_qt()
        .find_map(|mut other| (other.ask("version").expect_ok() == version).then_some(other))
        .unwrap()
}

#[test]
fn an_object_without_a_key_can_do_nothing() {
    with_each_qt(|qt, key| {
        qt.ask("set-key ").expect_ok();
        assert_eq!(qt.ask("is-attached").expect_ok(), "false");
        assert_eq!(qt.ask("has-data").expect_ok(), "false false");
        assert_eq!(qt.ask("size").expect_ok(), "0");
        qt.ask("lock").expect_error("LockError");
        same_error(&qt.ask("attach "), Segment::attach("qt:"));
        // Ours is attached, or there is none: what such an object would be is an address.
        refused(Segment::attach(address(key)), ErrorKind::NotFound);
    });
}

#[test]
fn the_key_of_a_constructor_is_an_address() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        assert_eq!(qt.ask("key").expect_ok(), key.key());
        let ours = Segment::attach(address(key)).unwrap();
        assert_eq!(ours.address().to_string(), address(key));
        qt.ask("write 0 2a").expect_ok();
        assert_eq!(ours.read_value::<u8>(0).unwrap(), 42);
        drop(ours);
        // A legacy key that looks like a native one.
        let odd = format!("posix:/{}", key.key());
        qt.ask(&format!("create {odd} 64")).expect_ok();
        refused(Segment::attach(format!("qt:{odd}")), ErrorKind::NotFound);
        let ours = Segment::attach(format!("qt:legacy:{odd}")).unwrap();
        qt.ask("write 0 2b").expect_ok();
        assert_eq!(ours.read_value::<u8>(0).unwrap(), 43);
    });
}

#[test]
fn the_native_key_of_a_constructor_is_an_address() {
    with_native_keys(|qt| {
        let folder = TempDir::new();
        for key in [QtKey::posix(), QtKey::systemv(folder.path(), PROJECT), QtKey::systemv(folder.path(), 7)]
        {
            qt.ask(&format!("create {} 64", key.word())).expect_ok();
            let ours = Segment::attach(address(&key)).unwrap();
            assert_eq!(decode(qt.ask("native-key-now").expect_ok()), key.text());
            assert_eq!(ours.address().to_string(), address(&key));
            qt.ask("write 0 2a").expect_ok();
            assert_eq!(ours.read_value::<u8>(0).unwrap(), 42);
        }
    });
}

#[test]
fn whoever_goes_detaches_and_the_last_removes() {
    with_each_qt(|qt, key| {
        for qt_is_last in [true, false] {
            let mut other = another(qt);
            other.ask(&format!("create {} 64", key.key())).expect_ok();
            let ours = Segment::attach(address(key)).unwrap();
            assert_eq!(ours.stat().unwrap().attached, Some(2));
            if qt_is_last {
                drop(ours);
                assert_eq!(Segment::stat_of(address(key)).unwrap().attached, Some(1));
                other.finish();
            } else {
                other.finish();
                assert_eq!(ours.stat().unwrap().attached, Some(1), "its destructor detaches");
                drop(ours);
            }
            refused(Segment::stat_of(address(key)), ErrorKind::NotFound);
        }
    });
}

#[test]
fn another_key_detaches() {
    with_each_qt(|qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        qt.ask(&format!("set-key {}", key.key())).expect_ok();
        // The same key: nothing in Qt 5 and 6.4, a detach in newer ones.
        let stays = if has_native_keys(qt) { "false" } else { "true" };
        assert_eq!(qt.ask("is-attached").expect_ok(), stays);
        qt.ask("set-key other").expect_ok();
        assert_eq!(qt.ask("is-attached").expect_ok(), "false");
        assert_eq!(qt.ask("key").expect_ok(), "other");
        assert_eq!(ours.stat().unwrap().attached, Some(1));
        // A handle of ours has one address; another address is another handle.
        let other = QtKey::unique();
        let mut segment = Segment::attach(address(key)).unwrap();
        assert_eq!(ours.stat().unwrap().attached, Some(2));
        segment = match Segment::create(address(&other), 64) {
            Ok(other) => other,
            Err(error) => panic!("{error}, and {segment:?} is still there"),
        };
        assert_eq!(segment.address().to_string(), address(&other));
        assert_eq!(ours.stat().unwrap().attached, Some(1));
    });
}

#[test]
fn a_native_key_that_is_set_has_no_legacy_key() {
    with_each_qt(|qt, _| {
        let folder = TempDir::new();
        let key = QtKey::systemv(folder.path(), PROJECT);
        qt.ask(&format!("set-native-key {}", key.key_file().display())).expect_ok();
        assert_eq!(qt.ask("key").expect_ok(), "");
        let new = has_native_keys(qt);
        let said = decode(qt.ask("native-key-now").expect_ok());
        assert_eq!(said, if new { key.text().to_owned() } else { key.key_file().display().to_string() });
        // An empty NAME is the object that has no legacy key.
        qt.ask("create  64").expect_ok();
        let ours = Segment::attach(address(&key)).unwrap();
        qt.ask("write 0 2a").expect_ok();
        assert_eq!(ours.read_value::<u8>(0).unwrap(), 42);
        if new {
            qt.ask("lock").expect_ok();
            assert!(ours.try_lock().unwrap().is_none(), "one lock");
            qt.ask("unlock").expect_ok();
        } else {
            // There the object has no lock at all; ours has the one of newer versions.
            qt.ask("lock").expect_error("LockError");
            drop(ours.try_lock().unwrap().expect("nobody else can have it"));
        }
        qt.ask("detach").expect_ok();
        ours.detach().unwrap();
        refused(Segment::stat_of(address(&key)), ErrorKind::NotFound);
    });
}

#[test]
fn a_native_key_that_is_set_can_have_a_type() {
    with_native_keys(|qt| {
        let key = QtKey::posix();
        qt.ask(&format!("set-key {}", key.word())).expect_ok();
        assert_eq!(decode(qt.ask("native-key-now").expect_ok()), key.text());
        qt.ask("set-native-key /elsewhere systemv-7").expect_ok();
        assert_eq!(qt.ask("native-key-now").expect_ok(), "systemv-7:/elsewhere");
        qt.ask(&format!("set-native-key /{} posix", key.key())).expect_ok();
        qt.ask("create  64").expect_ok();
        let ours = Segment::attach(address(&key)).unwrap();
        qt.ask("write 0 2a").expect_ok();
        assert_eq!(ours.read_value::<u8>(0).unwrap(), 42);
    });
}

#[test]
fn the_native_key_of_a_legacy_one_is_known() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("set-key {}", key.key())).expect_ok();
        let said = decode(qt.ask("native-key-now").expect_ok());
        let ours =
            cenote::qt::NativeKey::legacy_of_segment(key.key(), cenote::qt::KeyType::LEGACY_DEFAULT).unwrap();
        // Before native keys had types, it was the bare file.
        assert_eq!(said, if has_native_keys(qt) { ours.to_string() } else { ours.native_key().to_owned() });
        assert_eq!(decode(qt.ask(&format!("native-key {}", key.key())).expect_ok()), ours.native_key());
    });
}

#[test]
fn create_makes_zero_bytes_and_only_once() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 8", key.key())).expect_ok();
        assert_eq!(qt.ask("read 0 8").expect_ok(), "0000000000000000");
        refused(Segment::create(address(key), 8), ErrorKind::AlreadyExists);
        qt.ask("detach").expect_ok();
        let ours = Segment::create(address(key), 8).unwrap();
        assert_eq!(ours.read_to_vec(..).unwrap(), [0; 8]);
        assert!(ours.was_created());
        qt.ask(&format!("create {} 8", key.key())).expect_error("AlreadyExists");
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        ours.detach().unwrap();
        qt.ask("detach").expect_ok();
    });
}

#[test]
fn the_size_is_what_was_asked_for() {
    with_each_qt(|qt, key| {
        for size in [1, 4096, 4097] {
            let ours = Segment::create(address(key), size).unwrap();
            qt.ask(&format!("attach {}", key.key())).expect_ok();
            assert_eq!(qt.ask("size").expect_ok(), size.to_string());
            assert_eq!(ours.len() as u64, size);
            qt.ask("detach").expect_ok();
            assert_eq!(qt.ask("size").expect_ok(), "0", "detached");
        }
    });
}

#[test]
fn attach_joins_once_in_qt_and_as_often_as_asked_in_ours() {
    with_each_qt(|qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        qt.ask(&format!("attach {}", key.key())).expect_error("Unknown");
        assert_eq!(qt.ask("error").expect_ok(), "0", "false, and no error");
        assert_eq!(ours.stat().unwrap().attached, Some(2));
        let again = Segment::attach(address(key)).unwrap();
        assert_eq!(ours.stat().unwrap().attached, Some(3));
        again.write_at(0, b"x").unwrap();
        assert_eq!(qt.ask("read 0 1").expect_ok(), "78");
    });
}

#[test]
fn read_only_and_read_write_are_the_kernels_to_enforce() {
    with_each_qt(|qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        let id = ours.stat().unwrap().id.unwrap();
        for (attach, rights_of_qt) in [("attach-ro", "r--s"), ("attach", "rw-s")] {
            qt.ask(&format!("{attach} {}", key.key())).expect_ok();
            assert_eq!(rights(qt.pid(), id), rights_of_qt);
            qt.ask("detach").expect_ok();
        }
        assert_eq!(rights(std::process::id(), id), "rw-s");
        drop(ours);
        qt.ask(&format!("create {} 64 ro", key.key())).expect_ok();
        let ours = Segment::options().read_only().attach(address(key)).unwrap();
        let id = ours.stat().unwrap().id.unwrap();
        assert_eq!(rights(qt.pid(), id), "r--s", "one can create what one cannot write");
        assert_eq!(rights(std::process::id(), id), "r--s");
        refused(ours.write_at(0, b"no"), ErrorKind::PermissionDenied);
        assert!(ours.is_read_only());
        qt.ask("detach").expect_ok();
        drop(ours);
        let ours = Segment::options().read_only().create(address(key), 64).unwrap();
        assert_eq!(rights(std::process::id(), ours.stat().unwrap().id.unwrap()), "r--s");
    });
}

#[test]
fn detach_says_whether_there_was_something_to_detach() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        qt.ask("detach").expect_ok();
        assert_eq!(qt.ask("is-attached").expect_ok(), "false");
        qt.ask("detach").expect_error("Unknown");
        assert_eq!(qt.ask("error").expect_ok(), "0", "false, and no error");
        assert_eq!(ours.stat().unwrap().attached, Some(1));
        ours.detach().unwrap();
        refused(Segment::stat_of(address(key)), ErrorKind::NotFound);
    });
}

#[test]
fn bytes_are_copied_where_qt_has_a_pointer() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        assert_eq!(qt.ask("has-data").expect_ok(), "true true");
        let ours = Segment::attach(address(key)).unwrap();
        ours.write_at(10, b"here").unwrap();
        assert_eq!(qt.ask("read 10 4").expect_ok(), "68657265");
        qt.ask("write 60 01020304").expect_ok();
        assert_eq!(ours.read_value::<[u8; 4]>(60).unwrap(), [1, 2, 3, 4]);
        assert_eq!(ours.view(60, 4).unwrap().read_to_vec(..).unwrap(), [1, 2, 3, 4]);
        // Behind the end there is nothing to read; a pointer would not mind.
        refused(ours.read_to_vec(60..65), ErrorKind::InvalidSize);
        qt.ask("detach").expect_ok();
        assert_eq!(qt.ask("has-data").expect_ok(), "false false");
    });
}

#[test]
fn the_lock_is_one() {
    with_each_qt(|qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        refused(ours.lock_timeout(SHORT), ErrorKind::Timeout);
        qt.ask("unlock").expect_ok();
        let guard = ours.lock_timeout(LONG).unwrap();
        qt.tell("lock");
        assert!(qt.reply(SHORT).is_none(), "Qt's lock() waits for ours");
        guard.unlock().unwrap();
        qt.wait_for_reply().expect_ok();
        qt.ask("unlock").expect_ok();
    });
}

#[test]
fn a_second_lock_of_one_object_is_true_in_qt_and_waits_in_ours() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        qt.ask("lock").expect_ok();
        qt.ask("lock").expect_ok();
        qt.ask("unlock").expect_ok();
        // Taken once, whatever it said.
        let guard = ours.lock_timeout(LONG).unwrap();
        assert!(ours.try_lock().unwrap().is_none());
        refused(ours.lock_timeout(SHORT), ErrorKind::Timeout);
        drop(guard);
    });
}

#[test]
fn an_unlock_without_a_lock_is_false_in_qt_and_cannot_be_written_in_ours() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        let guard = ours.lock().unwrap();
        qt.ask("unlock").expect_error("Unknown");
        assert_eq!(qt.ask("error").expect_ok(), "0", "false, and no error");
        let mut other = agent::spawn();
        other.ask(&format!("attach {} 100", address(key))).expect_error("Timeout");
        guard.unlock().unwrap();
        other.ask(&format!("attach {}", address(key))).expect_ok();
        other.finish();
    });
}

#[test]
fn what_qt_does_under_its_own_lock_gives_it_back() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        qt.ask("lock").expect_ok();
        qt.ask("detach").expect_ok();
        // Ours borrows the segment while it is locked: detaching it does not compile.
        drop(ours.lock_timeout(LONG).unwrap());
    });
}

#[test]
fn nothing_is_translated() {
    with_each_qt(|qt, key| {
        let text = "%1: unable to lock";
        assert_eq!(decode(qt.ask(&format!("tr {}", encode(text))).expect_ok()), text, "without a translator");
        let said = |language: &str| {
            let mut command = agent::command();
            let mut ours = Peer::spawn_from(command.env("LC_ALL", language).env("LANGUAGE", language));
            let reply = ours.ask(&format!("attach {}", address(key)));
            reply.expect_error("NotFound");
            ours.finish();
            reply.line().to_owned()
        };
        assert_eq!(said("C"), said("de_DE.UTF-8"));
    });
}

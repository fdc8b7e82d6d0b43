//! Ours and real Qt programs, of Qt 5, Debian's Qt 6 and a newer one, on one key: the same bytes, the same lock, the same semaphore.

use std::path::Path;
use std::time::Duration;

use cenote::{ErrorKind, Segment, SystemSemaphore};
use testkit::qt::QtKey;
use testkit::words::decode;
use testkit::{Peer, agent, peers, watchdog};

#[test]
fn agent() {
    agent::serve_if_asked();
}

/// Runs a test with each Qt there is.
fn with_each_qt(test: impl Fn(Peer, &QtKey)) {
    let _watchdog = watchdog(Duration::from_secs(120));
    for qt in peers::each_qt() {
        test(qt, &QtKey::unique());
    }
}

/// Whether it is of the versions that have native keys, which look at a segment once more before they use it.
fn has_native_keys(qt: &mut Peer) -> bool {
    let version = qt.ask("version").expect_ok().to_owned();
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    numbers[..2] >= [6, 6][..]
}

fn address(key: &QtKey) -> String {
    format!("qt:{}", key.key())
}

/// What is left of a key: names of files in the temporary directory.
fn files_of(key: &QtKey) -> Vec<String> {
    let list = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let names = list.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(key.key())).collect()
}

#[test]
fn bytes_go_both_ways_whoever_creates() {
    with_each_qt(|mut qt, key| {
        qt.ask(&format!("create {} 100", key.key())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        assert_eq!(ours.len(), 100, "System V keeps the size as it was asked for");
        assert_eq!(ours.stat().unwrap().attached, Some(2));
        ours.write_at(0, b"Hello, Qt!").unwrap();
        assert_eq!(qt.ask("read 0 10").expect_ok(), "48656c6c6f2c20517421");
        qt.ask("write 99 2a").expect_ok();
        assert_eq!(ours.read_value::<u8>(99).unwrap(), 42);
        let again = Segment::create(address(key), 100).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        ours.detach().unwrap();
        assert_eq!(qt.ask("read 0 5").expect_ok(), "48656c6c6f", "our detach leaves Qt's segment");
        qt.ask("detach").expect_ok();
        assert_eq!(Segment::attach(address(key)).unwrap_err().kind(), ErrorKind::NotFound);

        let ours = Segment::create(address(key), 4097).unwrap();
        qt.ask(&format!("create {} 10", key.key())).expect_error("AlreadyExists");
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        assert_eq!(qt.ask("size").expect_ok(), "4097");
        ours.write_at(4090, b"the end").unwrap();
        assert_eq!(qt.ask("read 4090 7").expect_ok(), "74686520656e64");
        ours.detach().unwrap();
        qt.ask("detach").expect_ok();
        qt.finish();
        assert_eq!(Segment::attach(address(key)).unwrap_err().kind(), ErrorKind::NotFound, "Qt was the last");
    });
}

#[test]
fn the_lock_is_one_in_both_directions() {
    with_each_qt(|mut qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();

        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        let error = ours.lock_timeout(Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        qt.ask("unlock").expect_ok();
        let guard = ours.lock_timeout(Duration::from_secs(10)).unwrap();
        qt.tell("lock");
        assert!(qt.reply(Duration::from_millis(200)).is_none(), "Qt's lock() waits for ours");
        guard.unlock().unwrap();
        qt.wait_for_reply().expect_ok();
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn attaching_waits_for_a_lock_that_qt_holds_and_can_time_out() {
    with_each_qt(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        qt.ask("lock").expect_ok();
        let soon = Segment::options().timeout(Duration::from_millis(100));
        assert_eq!(soon.attach(address(key)).unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(soon.remove(address(key)).unwrap_err().kind(), ErrorKind::Timeout);
        qt.ask("unlock").expect_ok();
        soon.attach(address(key)).unwrap().detach().unwrap();
        qt.finish();
    });
}

#[test]
fn a_killed_holder_on_either_side_lets_the_other_proceed() {
    with_each_qt(|mut qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        qt.kill();
        drop(ours.lock_timeout(Duration::from_secs(10)).unwrap());
    });
    with_each_qt(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        let mut ours = agent::spawn();
        ours.ask(&format!("attach {}", address(key))).expect_ok();
        ours.ask("lock").expect_ok();
        qt.tell("lock");
        assert!(qt.reply(Duration::from_millis(100)).is_none());
        ours.kill();
        qt.wait_for_reply().expect_ok();
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn no_count_is_lost_between_ours_and_qt() {
    const TIMES: u64 = 5000;
    with_each_qt(|mut qt, key| {
        let segment = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        let mut ours = agent::spawn();
        ours.ask(&format!("attach {}", address(key))).expect_ok();
        for peer in [&mut qt, &mut ours] {
            peer.tell(&format!("increment 8 {TIMES}"));
        }
        for _ in 0..TIMES {
            let guard = segment.lock().unwrap();
            let value: u64 = guard.read_value(8).unwrap();
            guard.write_value(8, &(value + 1)).unwrap();
        }
        qt.wait_for_reply().expect_ok();
        ours.wait_for_reply().expect_ok();
        assert_eq!(segment.read_value::<u64>(8).unwrap(), 3 * TIMES);
        ours.finish();
        qt.finish();
    });
}

#[test]
fn the_last_of_ours_leaves_nothing_and_a_leftover_survives_being_read() {
    with_each_qt(|mut qt, key| {
        let segment = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        qt.ask("detach").expect_ok();
        qt.finish();
        segment.detach().unwrap();
        assert!(files_of(key).is_empty(), "{:?}", files_of(key));
    });
    with_each_qt(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        qt.ask("write 0 2a").expect_ok();
        qt.kill();
        for _ in 0..2 {
            let reader = Segment::options().read_only().attach(address(key)).unwrap();
            assert_eq!(reader.read_value::<u8>(0).unwrap(), 42);
            reader.detach().unwrap();
        }
        assert!(!files_of(key).is_empty());
        Segment::remove(address(key)).unwrap();
        assert!(
            files_of(key).is_empty(),
            "removal takes what Qt left when it was killed: {:?}",
            files_of(key)
        );
    });
}

#[test]
fn what_a_killed_one_of_ours_left_is_there_for_qt() {
    // For a Qt object that has not met the segment yet.
    with_each_qt(|mut qt, key| {
        leave_behind(key);
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        assert_eq!(qt.ask("read 0 1").expect_ok(), "2a");
        qt.ask("detach").expect_ok();
        assert_eq!(Segment::attach(address(key)).unwrap_err().kind(), ErrorKind::NotFound, "Qt was the last");
        qt.finish();
    });
    // For one whose create() just found it: as Qt's own example tries attach() after that.
    with_each_qt(|mut qt, key| {
        leave_behind(key);
        qt.ask(&format!("create {} 64", key.key())).expect_error("AlreadyExists");
        if has_native_keys(&mut qt) {
            // It removes a segment that nobody is attached to, and then does not find it.
            qt.ask(&format!("attach {}", key.key())).expect_error("NotFound");
            assert_eq!(Segment::attach(address(key)).unwrap_err().kind(), ErrorKind::NotFound);
            qt.ask(&format!("create {} 64", key.key())).expect_ok();
        } else {
            qt.ask(&format!("attach {}", key.key())).expect_ok();
            assert_eq!(qt.ask("read 0 1").expect_ok(), "2a");
        }
        let ours = Segment::attach(address(key)).unwrap();
        qt.finish();
        drop(ours.lock_timeout(Duration::from_secs(10)).unwrap());
        ours.detach().unwrap();
        assert!(files_of(key).is_empty(), "{:?}", files_of(key));
    });
}

/// A segment that nobody has attached, with 42 as its first byte.
fn leave_behind(key: &QtKey) {
    let mut ours = agent::spawn();
    ours.ask(&format!("create {} 64", address(key))).expect_ok();
    ours.ask("write 0 2a").expect_ok();
    ours.kill();
}

#[test]
fn what_qt_says_about_its_object_holds_for_ours() {
    with_each_qt(|mut qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("set-key {}", key.key())).expect_ok();
        assert_eq!(qt.ask("key").expect_ok(), key.key());
        assert_eq!(qt.ask("is-attached").expect_ok(), "false");
        let native = qt.ask("native-key-now");
        let name = cenote::qt::legacy_segment_name(key.key());
        assert!(native.expect_ok().contains(&name), "{}", native.line());
        qt.ask(&format!("create {} 64", key.key())).expect_error("AlreadyExists");
        assert_eq!(qt.ask("error").expect_ok(), "4", "QSharedMemory::AlreadyExists");
        assert!(decode(qt.ask("error-string").expect_ok()).contains("already exists"));
        qt.ask(&format!("attach-ro {}", key.key())).expect_ok();
        assert_eq!(qt.ask("is-attached").expect_ok(), "true");
        assert_eq!(ours.stat().unwrap().attached, Some(2));
        qt.ask("set-key other").expect_ok();
        assert_eq!(qt.ask("is-attached").expect_ok(), "false", "another key detaches");
        assert_eq!(ours.stat().unwrap().attached, Some(1));
        qt.finish();
    });
}

#[test]
fn a_qt_maker_that_leaves_takes_its_semaphore_and_ours_goes_on() {
    with_each_qt(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        let one = Segment::attach(address(key)).unwrap();
        let mut other = agent::spawn();
        other.ask(&format!("attach {}", address(key))).expect_ok();
        // Qt's creator removes semaphore and key file when it ends, whoever still uses them.
        qt.finish();
        let guard = one.lock_timeout(Duration::from_secs(10)).unwrap();
        other.ask("try-lock").expect_error("Timeout");
        drop(guard);
        other.ask("try-lock").expect_ok();
        assert!(one.try_lock().unwrap().is_none(), "both found the same new semaphore");
        other.ask("unlock").expect_ok();
        other.finish();
        one.detach().unwrap();
        assert!(files_of(key).is_empty(), "{:?}", files_of(key));
    });
}

#[test]
fn a_failed_create_of_ours_does_not_touch_a_lock_that_is_held() {
    with_each_qt(|mut qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        qt.ask("lock").expect_ok();
        // Qt itself would set the semaphore to 1 here.
        assert_eq!(Segment::create(address(key), 64).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(ours.try_lock().unwrap().is_none());
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn the_names_are_those_that_qt_makes() {
    with_each_qt(|mut qt, _| {
        for key in ["foo", "MyUniqueKey", "No%C3%ABl", "a%20key%20with%20spaces", "1-2"] {
            let plain = key.replace("%C3%AB", "ë").replace("%20", " ");
            let theirs = qt.ask(&format!("native-key {key}"));
            let theirs = Path::new(theirs.expect_ok()).file_name().unwrap().to_str().unwrap();
            assert_eq!(theirs, cenote::qt::legacy_segment_name(&plain));
        }
        qt.finish();
    });
}

#[test]
fn the_semaphore_counts_for_both_and_is_given_back_at_death() {
    with_each_qt(|mut qt, key| {
        let ours = SystemSemaphore::open(key.key(), 2).unwrap();
        qt.ask(&format!("sem-open {} 2", key.key())).expect_ok();
        ours.acquire().unwrap();
        qt.ask("sem-acquire").expect_ok();
        assert!(!ours.try_acquire().unwrap(), "two is all there are");
        let error = ours.acquire_timeout(Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        qt.tell("sem-acquire");
        assert!(qt.reply(Duration::from_millis(100)).is_none());
        ours.release(1).unwrap();
        qt.wait_for_reply().expect_ok();
        qt.kill();
        for _ in 0..2 {
            ours.acquire_timeout(Duration::from_secs(10)).expect("what the dead one had comes back");
        }
        assert!(!ours.try_acquire().unwrap(), "and no more than that");
        ours.release(5).unwrap();
        for _ in 0..5 {
            assert!(ours.try_acquire().unwrap(), "more than was taken can be given");
        }
        ours.release(2).unwrap();
        drop(ours);
        assert!(files_of(key).is_empty(), "its maker removes it when it is not in use: {:?}", files_of(key));
    });
}

#[test]
fn a_semaphore_that_is_in_use_is_not_removed_by_its_maker() {
    with_each_qt(|mut qt, key| {
        let ours = SystemSemaphore::open(key.key(), 1).unwrap();
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        drop(ours);
        let again = SystemSemaphore::open(key.key(), 1).unwrap();
        assert!(!again.try_acquire().unwrap(), "Qt still has it");
        qt.ask("sem-release 1").expect_ok();
        assert!(again.try_acquire().unwrap());
        again.release(1).unwrap();
        qt.finish();
    });
}

#[test]
fn mode_create_sets_the_value_as_qt_does() {
    with_each_qt(|mut qt, key| {
        qt.ask(&format!("sem-open {} 0", key.key())).expect_ok();
        let ours = SystemSemaphore::create(key.key(), 3).unwrap();
        for _ in 0..3 {
            qt.ask("sem-acquire").expect_ok();
        }
        assert!(!ours.try_acquire().unwrap());
        qt.ask("sem-release 3").expect_ok();
        qt.finish();
    });
}

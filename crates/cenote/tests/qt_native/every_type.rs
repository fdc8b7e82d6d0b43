//! What holds for every type of native key.

use std::fs;
use std::time::Duration;

use cenote::qt::NativeKey;
use cenote::{ErrorKind, Segment, SystemSemaphore};
use testkit::agent;

use crate::{LATE, SOON, address, with_each_type};

#[test]
fn bytes_go_both_ways_whoever_creates() {
    with_each_type(|mut qt, key| {
        qt.ask(&format!("create {} 100", key.word())).expect_ok();
        let ours = Segment::attach(address(key)).unwrap();
        assert_eq!(ours.len(), 100);
        ours.write_at(0, b"Hello, Qt!").unwrap();
        assert_eq!(qt.ask("read 0 10").expect_ok(), "48656c6c6f2c20517421");
        qt.ask("write 99 2a").expect_ok();
        assert_eq!(ours.read_value::<u8>(99).unwrap(), 42);
        assert_eq!(Segment::create(address(key), 100).unwrap_err().kind(), ErrorKind::AlreadyExists);
        let reader = Segment::options().read_only().attach(address(key)).unwrap();
        assert_eq!(reader.read_value::<u8>(99).unwrap(), 42);
        drop(reader);
        ours.detach().unwrap();
        assert_eq!(qt.ask("read 0 5").expect_ok(), "48656c6c6f", "our detach leaves Qt's segment");
        qt.ask("detach").expect_ok();
        qt.finish();
    });
    with_each_type(|mut qt, key| {
        let ours = Segment::create(address(key), 4097).unwrap();
        qt.ask(&format!("attach {}", key.word())).expect_ok();
        assert_eq!(qt.ask("size").expect_ok(), "4097");
        assert_eq!(qt.ask("native-key-now").expect_ok(), key.text());
        ours.write_at(4090, b"the end").unwrap();
        assert_eq!(qt.ask("read 4090 7").expect_ok(), "74686520656e64");
        ours.detach().unwrap();
        // Qt takes the file away, and not the set that ours has made: another file leads to it.
        let left = key.key_file().with_file_name("left");
        let has_file = fs::hard_link(key.key_file(), &left).is_ok();
        qt.ask("detach").expect_ok();
        qt.finish();
        if has_file {
            let left: NativeKey = key.text().replace(key.key(), "left").parse().unwrap();
            SystemSemaphore::remove(left).unwrap();
        }
    });
}

#[test]
fn the_lock_is_one_in_both_directions() {
    with_each_type(|mut qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.word())).expect_ok();
        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        assert_eq!(ours.lock_timeout(SOON).unwrap_err().kind(), ErrorKind::Timeout);
        qt.ask("unlock").expect_ok();
        let guard = ours.lock_timeout(LATE).unwrap();
        qt.tell("lock");
        assert!(qt.reply(SOON).is_none(), "Qt's lock() waits for ours");
        guard.unlock().unwrap();
        qt.wait_for_reply().expect_ok();
        qt.ask("unlock").expect_ok();
        qt.finish();
    });
}

#[test]
fn no_count_is_lost_between_ours_and_qt() {
    const TIMES: u64 = 3000;
    with_each_type(|mut qt, key| {
        let segment = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.word())).expect_ok();
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
fn a_native_key_that_remembers_its_legacy_key_has_the_legacy_lock() {
    with_each_type(|mut qt, key| {
        let native: NativeKey = key.text().parse().unwrap();
        let legacy = NativeKey::legacy_of_segment(key.key(), native.key_type()).unwrap();
        let at = format!("qt:{legacy}");
        let ours = Segment::create(at.as_str(), 64).unwrap();
        let word = format!("native:{}", testkit::words::encode(&legacy.to_string()));
        qt.ask(&format!("attach {word}")).expect_ok();
        assert_eq!(qt.ask("key").expect_ok(), key.key());
        qt.ask("lock").expect_ok();
        assert!(ours.try_lock().unwrap().is_none());
        // A listing knows no legacy key, and means the same lock.
        let listed = NativeKey::new(legacy.key_type(), legacy.native_key()).unwrap();
        let timeout = Segment::options().timeout(Duration::from_millis(50));
        let known = timeout.attach(format!("qt:{listed}")).map(|listed| listed.try_lock().unwrap().is_none());
        assert!(known.unwrap_or_else(|error| error.kind() == ErrorKind::Timeout));
        qt.ask("unlock").expect_ok();
        qt.ask("detach").expect_ok();
        qt.finish();
        drop(ours);
        let _ = Segment::remove(at.as_str());
    });
}

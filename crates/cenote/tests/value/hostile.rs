//! What a hostile process writes where a value is costs an error, and never more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::{Blob, ErrorKind, Segment, Shared, Value};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

use super::{Name, minute};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(u8)]
enum Mode {
    Off = 1,
    On = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct State {
    mode: Mode,
    ready: bool,
}

const FIRST: State = State { mode: Mode::Off, ready: true };
/// Where copies begin, by `docs/format/value.md`.
const COPY: usize = 64;

#[test]
fn bytes_that_are_none_of_the_type_are_corrupt() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), FIRST).unwrap();
    for bytes in [[0, 1], [3, 1], [1, 2], [0xff, 0xff]] {
        value.segment().write_at(COPY, &bytes).unwrap();
        assert_eq!(value.load().unwrap_err().kind(), ErrorKind::Corrupt, "{bytes:?}");
        assert_eq!(value.update(|_| ()).unwrap_err().kind(), ErrorKind::Corrupt, "{bytes:?}");
    }
    // Whoever stores mends it.
    value.store(&State { mode: Mode::On, ready: false }).unwrap();
    assert_eq!(value.load().unwrap(), State { mode: Mode::On, ready: false });
}

/// Every word at all is a version.
#[test]
fn any_version_word_is_used_with_care() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), 5_u8).unwrap();
    value.store(&5).unwrap();
    value.store(&5).unwrap();
    for word in [u64::MAX, 1, 2, 3, 1 << 63, u64::MAX - 1, 0xffff_ffff] {
        value.segment().write_value(0, &word).unwrap();
        assert_eq!(value.load_with_version().unwrap(), (5, word >> 1));
        assert!(value.wait_for_change(word >> 1, Duration::from_millis(1)).is_err());
        let next = value.store(&5).unwrap();
        assert_eq!(next, if word >> 1 == u64::MAX >> 1 { 0 } else { (word >> 1) + 1 });
    }
}

/// Somebody changes it all the time.
#[test]
fn a_version_that_never_rests_keeps_nobody_for_ever() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::create(name.address(), 1 << 20).unwrap();
    // Into both copies.
    blob.store(&vec![7; 1 << 20]).unwrap();
    blob.store(&vec![7; 1 << 20]).unwrap();
    let is_over = AtomicBool::new(false);
    let soon = Segment::options().timeout(Duration::from_millis(50));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut word = 10_u64;
            while !is_over.load(Ordering::Relaxed) {
                blob.segment().write_value(0, &word).unwrap();
                word = word.wrapping_add(2);
            }
        });
        while blob.version().unwrap() < 1000 {
            thread::yield_now();
        }
        let mut timeouts = 0;
        for options in [soon.clone(), soon.read_only()] {
            let other = Blob::attach_with(&options, name.address()).unwrap();
            let begin = Instant::now();
            for _ in 0..3 {
                match other.load() {
                    // It was left alone for as long as the copy took: both have the same bytes.
                    Ok(bytes) => assert!(bytes == [7; 1 << 20]),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
                        timeouts += 1;
                    }
                }
            }
            assert!(begin.elapsed() < Duration::from_secs(20));
        }
        is_over.store(true, Ordering::Relaxed);
        println!("{timeouts} of 6 gave up");
    });
    blob.store(b"it goes on").unwrap();
    assert_eq!(blob.load().unwrap(), b"it goes on");
}

#[test]
fn a_length_beyond_the_capacity_is_corrupt() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::create(name.address(), 100).unwrap();
    for len in [101, 1 << 32, u64::MAX, 1 << 63] {
        blob.segment().write_value(COPY, &len.to_le()).unwrap();
        let error = blob.load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert_eq!(blob.update(|_| ()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    blob.segment().write_value(COPY, &100_u64.to_le()).unwrap();
    assert_eq!(blob.load().unwrap(), [0; 100], "what was there, and no more");
}

/// What was looked at when it was attached counts, and not what is written there later.
#[test]
fn a_room_that_cannot_be_is_corrupt_and_later_changes_nothing() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::create(name.address(), 100).unwrap();
    for room in [u64::MAX, 0, 7, 193, 1 << 63, u64::MAX / 2] {
        blob.segment().write_value(8, &room.to_le()).unwrap();
        assert_eq!(Blob::attach(name.address()).unwrap_err().kind(), ErrorKind::Corrupt, "{room}");
        assert_eq!(blob.capacity(), 100);
        blob.store(&[1; 100]).unwrap();
    }
    let name = Name::unique("value");
    let value = Value::create(name.address(), 7_u64).unwrap();
    for room in [u64::MAX, 0, 7, 9] {
        value.segment().write_value(8, &room.to_le()).unwrap();
        assert_eq!(Value::<u64>::attach(name.address()).unwrap_err().kind(), ErrorKind::Corrupt, "{room}");
        assert_eq!(value.load().unwrap(), 7);
    }
}

/// The file is cut under those who load, store and wait.
#[test]
fn memory_that_is_taken_away_is_an_error() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let value = Value::create(name.address(), [7_u8; 100_000]).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(name.path()).unwrap();
    file.set_len(100).unwrap();
    assert_eq!(value.load().unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(value.wait_for_change(0, Duration::from_secs(20)).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(value.version().unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(value.store(&[8; 100_000]).is_err());
}

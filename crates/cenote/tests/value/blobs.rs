//! Blobs: bytes of any number up to a capacity.

use cenote::value::{AnyValue, Content};
use cenote::{Blob, ErrorKind, Segment};

use super::{Name, minute};

#[test]
fn what_is_stored_is_loaded_whatever_its_length() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::create(name.address(), 1000).unwrap();
    let other = Blob::attach_with(&Segment::options().read_only(), name.address()).unwrap();
    assert_eq!((blob.capacity(), other.capacity()), (1000, 1000));
    assert_eq!(other.load_with_version().unwrap(), (Vec::new(), 0));
    let mut buffer = vec![9; 500];
    for (version, len) in [0, 1, 999, 7, 1000, 64, 0, 500].into_iter().enumerate() {
        let bytes: Vec<u8> = (0..len).map(|at| (at * 7 + version) as u8).collect();
        assert_eq!(blob.store(&bytes).unwrap(), version as u64 + 1);
        assert_eq!(other.load().unwrap(), bytes);
        assert_eq!(other.load_into(&mut buffer).unwrap(), version as u64 + 1);
        assert_eq!(buffer, bytes);
    }
    blob.update(|bytes| bytes.truncate(2)).unwrap();
    blob.writer().unwrap().store(b"by the writer").unwrap();
    assert_eq!(other.load().unwrap(), b"by the writer");
}

/// A part of it has no version, and its bytes may look like one; another lock lets two store at once.
#[test]
fn of_a_part_or_with_another_lock_there_is_no_blob() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::create(name.address(), 4096).unwrap();
    // What these bytes say where a version and a room would be: 20 bytes of room.
    let bytes = [&20_u64.to_le_bytes()[..], &[7; 4000]].concat();
    blob.store(&bytes).unwrap();
    let of_copy_1 = 64 + (8 + 4096_u64).next_multiple_of(64);
    for from in [1, 64, of_copy_1] {
        let part = || Segment::options().range(from..).attach(name.address()).unwrap();
        let refused = [
            Blob::of_segment(part()).map(drop),
            AnyValue::of(part()).map(drop),
            Content::of_segment(&part()).map(drop),
        ];
        for error in refused.map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
    let whole = Segment::options().range(..).attach(name.address()).unwrap();
    assert_eq!(Blob::of_segment(whole).unwrap().load().unwrap(), bytes);
    let lock = std::env::temp_dir().join(name.address());
    std::fs::write(&lock, b"").unwrap();
    let locked = Segment::options().lock_with(format!("file:{}", lock.display())).unwrap();
    let locked = locked.attach(name.address());
    std::fs::remove_file(lock).unwrap();
    assert_eq!(Blob::of_segment(locked.unwrap()).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_capacity_that_cannot_be_is_told_of_its_address() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    for capacity in [u64::MAX, u64::MAX - 8, 1 << 63, 1 << 62] {
        let error = Blob::create(name.address(), capacity).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
        assert!(error.to_string().starts_with("cannot create cenote:"), "{error}");
    }
}

#[test]
fn what_is_too_long_is_told_and_changes_nothing() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::create(name.address(), 4).unwrap();
    blob.store(b"good").unwrap();
    assert_eq!(blob.store(b"12345").unwrap_err().kind(), ErrorKind::InvalidSize);
    assert_eq!(blob.writer().unwrap().store(b"12345").unwrap_err().kind(), ErrorKind::InvalidSize);
    let error = blob.update(|bytes| bytes.extend([0; 100])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
    assert_eq!(blob.load_with_version().unwrap(), (b"good".to_vec(), 1));
    drop(blob.writer().unwrap());
}

#[test]
fn one_that_is_there_is_opened_if_it_is_large_enough() {
    let (_watchdog, name) = (minute(), Name::unique("value"));
    let blob = Blob::open_or_create(name.address(), 100).unwrap();
    assert!(blob.segment().was_created());
    blob.store(b"x").unwrap();
    assert_eq!(Blob::open_or_create(name.address(), 50).unwrap().load().unwrap(), b"x");
    // 110 bytes have room in the lines that 100 take, but it was not made for them.
    for capacity in [110, 5000] {
        let error = Blob::open_or_create(name.address(), capacity).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
    }
    assert_eq!(Blob::create(name.address(), 1).unwrap_err().kind(), ErrorKind::AlreadyExists);
    for capacity in [u64::MAX, u64::MAX / 2] {
        assert_eq!(Blob::create("value/large", capacity).unwrap_err().kind(), ErrorKind::InvalidSize);
    }
}

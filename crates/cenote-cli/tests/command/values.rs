//! Values and blobs from the shell: what they are, what is in them by their type, and what is not written over them.

use cenote::{Blob, Segment, Shared, Value};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

use crate::support::{Place, run, run_with_input};

#[derive(Clone, Copy, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(u8)]
enum Mode {
    Off,
    On,
}

#[derive(Clone, Copy, Shared, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Pose {
    at: [f32; 2],
    mode: Mode,
    ready: bool,
    spare: [u8; 2],
}

const POSE: Pose = Pose { at: [1.5, -2.0], mode: Mode::On, ready: true, spare: [0; 2] };

#[test]
fn a_value_is_read_by_its_type() {
    let place = Place::native();
    let at = place.address.as_str();
    let value = Value::create(at, Pose { mode: Mode::Off, ..POSE }).unwrap();
    value.store(&POSE).unwrap();
    assert_eq!(run(["read", at]).ok(), "at: [1.5, -2.0]\nmode: On\nready: true\nspare: [0, 0]\n");
    let read: serde_json::Value = serde_json::from_str(run(["read", at, "--as", "json"]).ok()).unwrap();
    let expected = serde_json::json!({"at": [1.5, -2.0], "mode": "On", "ready": true, "spare": [0, 0]});
    assert_eq!(read, expected);
    let read = run(["read", at, "--json"]).json();
    assert_eq!((&read["value"], &read["version"], &read["len"]), (&expected, &1.into(), &12.into()));
    // Its bytes, and those of the segment around them.
    assert_eq!(run(["read", at, "--as", "raw"]).bytes, POSE.as_bytes());
    assert_eq!(run(["read", at, "--as", "raw", "--offset", "8", "--len", "1"]).bytes, [12]);
    assert_eq!(run(["read", at, "--json", "--as", "hex"]).json()["hex"].as_str().unwrap().len(), 24);
    // Somebody has it locked, and that is nothing to who reads.
    let _writer = value.writer().unwrap();
    run(["read", at, "--timeout", "1s"]).ok();
}

/// Without it two would write the same copy; with it, under `cenote lock`, one would wait for itself.
#[test]
fn a_blob_is_not_stored_without_its_lock() {
    let place = Place::native();
    let at = place.address.as_str();
    let blob = Blob::create(at, 100).unwrap();
    blob.store(b"before").unwrap();
    let without = run(["write", at, "x", "--no-lock"]);
    without.failed(1);
    assert!(without.stderr.contains("takes the segment's lock"), "{without:?}");
    run(["write", at, "x", "--lock-with", "file:Cargo.toml"]).failed(1);
    assert_eq!(blob.load().unwrap(), b"before");
    run(["write", at, "after"]).ok();
    assert_eq!(blob.load().unwrap(), b"after");
}

#[test]
fn what_is_in_it_is_listed_and_shown() {
    let (place, other, plain) = (Place::native(), Place::native(), Place::native());
    let _value = Value::create(place.address.as_str(), POSE).unwrap();
    let blob = Blob::create(other.address.as_str(), 100).unwrap();
    blob.store(b"x").unwrap();
    let _bytes = Segment::create(plain.address.as_str(), 100).unwrap();
    let table = run(["ls", "cenote:"]);
    let row = |place: &Place| {
        let mut lines = table.ok().lines();
        let line = lines.find(|line| line.split(' ').next() == Some(&place.address)).expect("a row");
        line.split_whitespace().skip(9).collect::<Vec<_>>().join(" ")
    };
    assert_eq!([row(&place), row(&other), row(&plain)], ["value Pose", "blob", "bytes"]);

    let shown = run(["show", &place.address]);
    for line in [
        "contents    value Pose, 12 bytes, version 0",
        "       0  at     [f32;2]",
        "       8  mode   Mode(u8){Off=0,On=1}",
        "value\n  at: [1.5, -2.0]\n  mode: On\n  ready: true\n  spare: [0, 0]\n",
    ] {
        assert!(shown.ok().contains(line), "{line} is missing: {shown:?}");
    }
    let shown = run(["show", &place.address, "--json"]).json();
    assert_eq!((&shown["content"], &shown["type"]), (&"value".into(), &Pose::description().into()));
    let pose = serde_json::json!({"at": [1.5, -2.0], "mode": "On", "ready": true, "spare": [0, 0]});
    assert_eq!(shown["value"], pose);
    let shown = run(["show", &other.address, "--json"]).json();
    assert_eq!((&shown["content"], &shown["version"]), (&"blob".into(), &1.into()));
    assert!(run(["show", &other.address]).ok().contains("blob, at most 100 bytes, version 1"));
}

#[test]
fn a_blob_is_stored_and_read_as_a_whole() {
    let place = Place::native();
    let at = place.address.as_str();
    let blob = Blob::create(at, 40_000).unwrap();
    run(["write", at, "a text"]).ok();
    assert_eq!(blob.load_with_version().unwrap(), (b"a text".to_vec(), 1), "and no NUL");
    assert_eq!(run(["read", at]).ok(), "a text\n");
    assert_eq!(run_with_input(&["write", at, "-"], b"\x00\x01\xff").code, 0);
    assert_eq!(run(["read", at, "--as", "raw"]).bytes, b"\x00\x01\xff");
    blob.store(br#"{"a": [1]}"#).unwrap();
    assert_eq!(run(["read", at, "--json", "--as", "json"]).json()["value"]["a"][0], 1);
    let long = "x".repeat(40_001);
    assert!(run(["write", at, &long]).failed(1).contains("do not fit"));
    assert_eq!(blob.version().unwrap(), 3);
    // A picture is bytes, too.
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/cenote.png");
    let place = Place::native();
    let blob = Blob::create(place.address.as_str(), 100_000).unwrap();
    run(["image", "put", &place.address, picture]).ok();
    assert_eq!(blob.version().unwrap(), 1);
    assert!(run(["read", &place.address, "--as", "image"]).ok().starts_with("QImage 320 x 200"));
    assert!(run(["image", "get", &place.address, "-o", "-"]).bytes.starts_with(b"\x89PNG"));
}

#[test]
fn bytes_are_not_written_over_a_value_unless_asked_for() {
    let place = Place::native();
    let at = place.address.as_str();
    let value = Value::create(at, POSE).unwrap();
    let refused = run(["write", at, "text"]);
    assert!(refused.failed(1).contains("it has a value of type Pose"), "{refused:?}");
    assert!(refused.stderr.contains("--offset"), "{refused:?}");
    assert_eq!(value.load_with_version().unwrap().1, 0);
    // By somebody who knows where copy 0 is.
    run_with_input(&["write", at, "-", "--offset", "64"], &2.5_f32.to_ne_bytes());
    assert_eq!(value.load().unwrap().at[0], 2.5);
}

/// A header that somebody has scribbled in is shown as far as it makes sense.
#[test]
fn a_damaged_description_leaves_the_bytes_to_be_read() {
    use std::os::unix::fs::{FileExt, MetadataExt};
    let place = Place::native();
    let at = place.address.as_str();
    let _value = Value::create(at, POSE).unwrap();
    let uid = std::fs::metadata("/proc/self").unwrap().uid();
    let path = format!("/dev/shm/cenote.{uid}.{}", at.strip_prefix("cenote:").unwrap());
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    // Where the page of the segment says that the description is, and the name of the type.
    for text in [&b"Pose(12,4){at@0:[f32;99999999]}"[..], b"\xff\xfe", b"[u8;18446744073709551615]", b"u8"] {
        file.write_all_at(text, 1284).unwrap();
        file.write_all_at(&(text.len() as u32).to_le_bytes(), 1280).unwrap();
        file.write_all_at(b"\x1b[2J", 80).unwrap();
        assert!(!run(["show", at]).ok().contains('\x1b'));
        assert!(!run(["ls"]).ok().contains('\x1b'));
        assert_eq!(run(["read", at, "--as", "raw"]).bytes, POSE.as_bytes());
        assert!(run(["read", at]).ok().starts_with("00000000"));
    }
    file.write_all_at(&u32::MAX.to_le_bytes(), 1280).unwrap();
    run(["show", at]).ok();
    file.write_all_at(&u64::MAX.to_le_bytes(), 12288 + 8).unwrap();
    assert!(run(["show", at]).ok().contains("holders"));
    assert!(run(["read", at]).failed(1).contains("it says that it has two copies"));
}

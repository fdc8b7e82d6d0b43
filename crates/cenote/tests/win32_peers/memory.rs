//! The memory of a mapping: its size, its parts, what is behind it.

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;

use super::{at, minute, peer, unique};

#[test]
fn both_write_and_both_read_to_the_last_byte() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("create {name} 70000")).expect_ok();
    let segment = Segment::attach(at(&name)).unwrap();
    // Whole pages: nobody remembers the 70000.
    assert_eq!(segment.len(), 73728);
    assert_eq!(peer.ask("size").expect_ok(), "73728");
    let last = segment.len() - 1;
    segment.write_at(5, b"ours").unwrap();
    segment.write_at(last, &[0x2a]).unwrap();
    assert_eq!(peer.ask("read 4 6").expect_ok(), "006f75727300");
    assert_eq!(peer.ask(&format!("read {last} 1")).expect_ok(), "2a");
    peer.ask("write 5 746865697273").expect_ok();
    peer.ask(&format!("write {last} 2b")).expect_ok();
    assert_eq!(segment.read_to_vec(4..12).unwrap(), b"\0theirs\0");
    assert_eq!(segment.read_value::<u8>(last).unwrap(), 0x2b);
}

#[test]
fn what_we_make_is_theirs_too() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    let segment = Segment::create(at(&name), 200_000).unwrap();
    segment.write_at(131_072, &[1, 2, 3, 4]).unwrap();
    peer.ask(&format!("attach-ro {name}")).expect_ok();
    assert_eq!(peer.ask("size").expect_ok(), segment.len().to_string());
    peer.ask("write 0 2a").expect_error("PermissionDenied");
    // Their views begin at multiples of 64 KiB; ours, being parts of one mapping, anywhere.
    assert_eq!(peer.ask("view 131072 16").expect_ok(), "01020304");
    peer.ask("view 4096 16").expect_error("InvalidSize");
    let part = segment.view(131_073, 3).unwrap();
    let mut bytes = [0; 3];
    part.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, [2, 3, 4]);
}

#[test]
fn a_mapping_over_a_file_is_on_disk_when_all_have_gone() {
    let _watchdog = minute();
    let (Some(mut peer), name, folder) = (peer(), unique(), TempDir::new()) else { return };
    let path = folder.join("data");
    peer.ask(&format!("create-over {} {name} 8192", path.display())).expect_ok();
    let segment = Segment::attach(at(&name)).unwrap();
    assert_eq!(segment.len(), 8192);
    segment.write_at(0, b"by its name").unwrap();
    peer.ask("write 8191 2a").expect_ok();
    // The same memory by the file's own address.
    let file = Segment::attach(format!("file:{}", path.display())).unwrap();
    assert_eq!(file.read_to_vec(..11).unwrap(), b"by its name");
    file.write_at(100, b"by its path").unwrap();
    assert_eq!(peer.ask("read 100 2").expect_ok(), "6279");
    drop(file);
    drop(segment);
    peer.finish();

    assert_eq!(Segment::attach(at(&name)).unwrap_err().kind(), ErrorKind::NotFound);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!((bytes.len(), &bytes[..11], bytes[8191]), (8192, &b"by its name"[..], 0x2a));
    assert_eq!(&bytes[100..111], b"by its path");
}

/// A view of one for writing is not one that can be written: each part has its own protection.
#[test]
fn an_image_of_a_program_is_refused_and_no_crash() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("create-image {name}")).expect_ok();
    for options in [Segment::options(), Segment::options().read_only()] {
        let error = options.attach(at(&name)).unwrap_err();
        assert!(error.to_string().contains("SEC_IMAGE"), "{error}");
        assert!(!error.hint().is_empty());
    }
}

/// The user's file is as it was.
#[test]
fn a_mapping_over_a_file_that_fails_leaves_the_file() {
    let _watchdog = minute();
    let (name, folder) = (unique(), TempDir::new());
    let path = folder.join("small");
    std::fs::write(&path, b"small").unwrap();
    for size in [1 << 50, u64::MAX >> 1] {
        let error = Segment::options().over_file(&path).create(at(&name), size).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"small", "{error}");
    }
}

/// Ours over a file of theirs, and theirs to be found by the name.
#[test]
fn our_mapping_over_a_file_has_a_name_and_is_on_disk_when_all_have_gone() {
    let _watchdog = minute();
    let (Some(mut peer), name, folder) = (peer(), unique(), TempDir::new()) else { return };
    let path = folder.join("data");
    std::fs::write(&path, b"as it was").unwrap();
    let over = Segment::options().over_file(&path);
    let segment = over.create(at(&name), 8192).unwrap();
    assert_eq!(segment.read_to_vec(..10).unwrap(), b"as it was\0");
    peer.ask(&format!("attach {name}")).expect_ok();
    peer.ask("write 8191 2a").expect_ok();
    segment.write_at(3, b"it is now").unwrap();
    // For a name that is taken, neither that nor another file is touched.
    let other = folder.join("other");
    let error = Segment::options().over_file(&other).create(at(&name), 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert!(!other.exists());
    assert!(!over.open_or_create(at(&name), 100).unwrap().was_created());
    segment.detach().unwrap();
    peer.finish();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!((bytes.len(), &bytes[..12], bytes[8191]), (8192, &b"as it is now"[..], 0x2a));

    // Larger than the segment: it stays so.
    let small = over.create(at(&name), 100).unwrap();
    assert_eq!(small.read_to_vec(..12).unwrap(), b"as it is now");
    drop(small);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 8192);

    let missing = folder.join("no-such-folder").join("data");
    let error = Segment::options().over_file(missing).create(at(&name), 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = Segment::options().over_file(folder.path()).create(at(&name), 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyError, "{error}");
    let error = over.create(format!("file:{}", path.display()), 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn reserved_memory_is_an_error_and_no_crash() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("create-reserved {name} 1048576")).expect_ok();
    for options in [Segment::options(), Segment::options().read_only()] {
        let error = options.attach(at(&name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSize, "{error}");
        assert!(error.to_string().contains("SEC_RESERVE"), "{error}");
        assert!(!error.hint().is_empty());
    }
}

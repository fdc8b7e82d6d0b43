//! Key files and lock files whose contents are nobody's business: only which file it is counts.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use cenote::{ErrorKind, Segment};
use testkit::names::{ShmName, TempDir};
use testkit::qt::QtKey;
use testkit::{Rng, agent};

use crate::minute;

/// Bytes that mean nothing, and quite a few of them.
fn garbage() -> Vec<u8> {
    let mut bytes = vec![0; 100_000];
    Rng::new(3).fill(&mut bytes);
    bytes
}

#[test]
fn garbage_in_qts_key_files_changes_nothing() {
    let _watchdog = minute();
    let key = QtKey::unique();
    let address = format!("qt:{}", key.key());
    let files = [cenote::qt::legacy_segment_name(key.key()), cenote::qt::legacy_semaphore_name(key.key())]
        .map(|name| std::env::temp_dir().join(name));
    // Before anybody comes, and with modes that say nothing either.
    for file in &files {
        fs::write(file, garbage()).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
    }
    let segment = Segment::create(&address, 64).unwrap();
    segment.lock().unwrap().write_at(0, b"here").unwrap();
    // And while they are used.
    for file in &files {
        fs::write(file, garbage()).unwrap();
    }
    let mut other = agent::spawn();
    other.ask(&format!("attach {address}")).expect_ok();
    assert_eq!(other.ask("read 0 4").expect_ok(), "68657265");
    other.ask("lock").expect_ok();
    assert!(segment.try_lock().unwrap().is_none());
    other.ask("unlock").expect_ok();
    other.finish();
    segment.detach().unwrap();
    assert!(!files[0].exists(), "the last to detach removes it as ever");
}

#[test]
fn a_qt_key_file_that_leads_to_a_segment_of_somebody_else_is_believed_as_qt_does_and_bounded_by_its_size() {
    let _watchdog = minute();
    let (key, other_key) = (QtKey::unique(), QtKey::unique());
    let other = Segment::create(format!("qt:{}", other_key.key()), 16).unwrap();
    let file_of = |key: &QtKey| std::env::temp_dir().join(cenote::qt::legacy_segment_name(key.key()));
    fs::hard_link(file_of(&other_key), file_of(&key)).unwrap();
    let segment = Segment::attach(format!("qt:{}", key.key())).unwrap();
    assert_eq!(segment.len(), 16);
    other.write_at(15, &[7]).unwrap();
    assert_eq!(segment.read_value::<u8>(15).unwrap(), 7);
    assert_eq!(segment.read_value::<u16>(15).unwrap_err().kind(), ErrorKind::InvalidSize);
    segment.detach().unwrap();
    assert!(!other.stat().unwrap().removed, "who is not the last removes nothing");
}

#[test]
fn a_qt_key_file_that_is_replaced_is_not_taken_away_from_its_new_owner() {
    let _watchdog = minute();
    let key = QtKey::unique();
    let address = format!("qt:{}", key.key());
    let file = std::env::temp_dir().join(cenote::qt::legacy_segment_name(key.key()));
    let old = Segment::create(&address, 64).unwrap();
    // Or another test's key file could get it, and lead to this segment.
    let inode = fs::File::open(&file).unwrap();
    // Beside it first, so that it cannot get the same inode.
    fs::write(file.with_extension("new"), "").unwrap();
    fs::rename(file.with_extension("new"), &file).unwrap();
    let new = Segment::create(&address, 32).unwrap();
    assert!(old.stat().unwrap().removed, "its name is another's now");
    old.detach().unwrap();
    assert_eq!(Segment::attach(&address).unwrap().len(), 32);
    drop((new, inode));
}

#[test]
fn garbage_in_the_file_of_an_ftok_address_and_in_a_lock_file_changes_nothing() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let (key_file, lock_file) = (folder.join("key"), folder.join("lock"));
    fs::write(&key_file, garbage()).unwrap();
    fs::write(&lock_file, garbage()).unwrap();
    let address = format!("sysv:{}#81", key_file.display());
    let segment = Segment::create(&address, 64).unwrap();
    drop(segment.lock().unwrap());
    let name = ShmName::unique("garbage");
    let posix = format!("posix:{}", name.name());
    let options = Segment::options().lock_with(format!("file:{}", lock_file.display())).unwrap();
    let (one, other) = (options.create(&posix, 64).unwrap(), options.attach(&posix).unwrap());
    let guard = one.lock().unwrap();
    fs::write(&lock_file, "").unwrap();
    assert!(other.try_lock().unwrap().is_none());
    guard.unlock().unwrap();
    assert!(other.try_lock().unwrap().is_some());
    Segment::remove(&address).unwrap();
}

//! Locks that cannot be had: another program's, one that nobody has made, one that is missing.
#![allow(unsafe_code)]

use cenote::{ErrorKind, Segment};
use testkit::names::{ShmName, TempDir};
use testkit::sysv::SysvKey;

use super::{Place, Says, minute};

/// A set of `count` semaphores under the key, as another program makes it: all of them 1.
fn make_foreign_set(key: i32, count: u16) {
    // SAFETY: takes three numbers.
    let set = unsafe { libc::semget(key, count.into(), libc::IPC_CREAT | libc::IPC_EXCL | 0o600) };
    assert_ne!(set, -1);
    for number in 0..count {
        // SAFETY: SETVAL takes an int.
        assert_eq!(unsafe { libc::semctl(set, number.into(), libc::SETVAL, 1) }, 0);
    }
}

fn set_of(key: i32) -> Option<i32> {
    // SAFETY: takes three numbers, and makes nothing.
    let set = unsafe { libc::semget(key, 0, 0) };
    (set != -1).then_some(set)
}

/// The key that an address of kind `sysv` means.
fn key_of(address: &str) -> i32 {
    let name = address.strip_prefix("sysv:").unwrap();
    if let Some(digits) = name.strip_prefix("0x") {
        return i32::from_str_radix(digits, 16).unwrap();
    }
    let (path, project) = name.split_once('#').unwrap();
    let path = std::ffi::CString::new(path).unwrap();
    // SAFETY: a C string that outlives the call.
    unsafe { libc::ftok(path.as_ptr(), project.parse().unwrap()) }
}

#[test]
fn another_programs_semaphore_set_is_refused_and_how_to_use_it_is_said() {
    let _watchdog = minute();
    // 3 is also the size of our own sets.
    for count in [1, 2, 3, 4, 25] {
        let key = SysvKey::unique();
        make_foreign_set(key.key(), count);
        let address = format!("sysv:{:#010x}", key.key());
        let segment = Segment::create(&address, 64).unwrap();
        let counted = format!("{count} semaphores");
        let says = Says {
            kind: ErrorKind::LockError,
            reason: &["another program", &counted],
            hint: &["lock_with", "--lock-with sysv:", "no lock"],
        };
        says.check("lock", &address, segment.lock());
        says.check("lock", &address, segment.try_lock());
        says.check("lock", &address, segment.lock_timeout(std::time::Duration::from_secs(30)));
        let reader = Segment::options().read_only().attach(&address).unwrap();
        says.check("lock", &address, reader.lock());
        // The hint is true.
        let locked = Segment::options().lock_with(&address).unwrap().attach(&address).unwrap();
        drop(locked.lock().unwrap());
        // Nothing of the other program's is touched, not even when the segment goes.
        let set = set_of(key.key()).unwrap();
        drop((segment, reader, locked));
        Segment::remove(&address).unwrap();
        assert_eq!(set_of(key.key()), Some(set));
        for number in 0..count {
            // SAFETY: GETVAL takes no fourth argument.
            assert_eq!(unsafe { libc::semctl(set, number.into(), libc::GETVAL) }, 1);
        }
    }
}

#[test]
fn reading_never_makes_a_semaphore_set() {
    let _watchdog = minute();
    for place in [Place::sysv_key(), Place::sysv_ftok()] {
        let address = place.address();
        let writer = Segment::create(address, 64).unwrap();
        let reader = Segment::options().read_only().attach(address).unwrap();
        let says = Says {
            kind: ErrorKind::LockError,
            reason: &["nobody has locked", "reading makes no lock"],
            hint: &["read-write", "without the lock"],
        };
        says.check("lock", address, reader.lock());
        says.check("lock", address, reader.try_lock());
        says.check("lock", address, reader.lock_timeout(std::time::Duration::from_secs(30)));
        assert_eq!(reader.read_to_vec(..).unwrap().len(), 64);
        assert_eq!(set_of(key_of(address)), None);
        // Once somebody who may write has made it, reading can use it.
        drop(writer.lock().unwrap());
        let guard = reader.lock().unwrap();
        assert!(writer.try_lock().unwrap().is_none());
        drop(guard);
        Segment::remove(address).unwrap();
    }
}

#[test]
fn a_private_segment_says_that_it_has_no_lock_of_its_own() {
    let _watchdog = minute();
    // SAFETY: takes three numbers.
    let id = unsafe { libc::shmget(libc::IPC_PRIVATE, 64, 0o600) };
    assert_ne!(id, -1);
    let address = format!("sysv:id={id}");
    let segment = Segment::attach(&address).unwrap();
    Segment::remove(&address).unwrap();
    let says = Says { kind: ErrorKind::Unsupported, reason: &["private", "no key"], hint: &["lock_with"] };
    says.check("lock", &address, segment.lock());
}

#[test]
fn a_lock_from_elsewhere_that_is_missing_is_named_when_the_segment_is_attached() {
    let _watchdog = minute();
    let place = Place::posix();
    let _segment = Segment::create(place.address(), 64).unwrap();
    let lock_with = |lock: &str| Segment::options().lock_with(lock).unwrap().attach(place.address());
    let (key, name, folder) = (SysvKey::unique(), ShmName::unique("none"), TempDir::new());
    let missing = Says { kind: ErrorKind::NotFound, reason: &[], hint: &[] };
    let set = format!("sysv:{:#010x}", key.key());
    Says { reason: &["no semaphore set under that key"], ..missing }.check(
        "lock with",
        &set,
        lock_with(&set),
    );
    let semaphore = format!("posix:{}", name.name());
    Says { reason: &["semaphore cannot be opened"], ..missing }.check(
        "lock with",
        &semaphore,
        lock_with(&semaphore),
    );
    let file = format!("file:{}", folder.join("missing/lock").display());
    Says { reason: &["No such file"], ..missing }.check("lock with", &file, lock_with(&file));
    Segment::remove(place.address()).unwrap();
}

#[test]
fn a_lock_that_was_removed_while_it_was_held_is_told_when_it_is_let_go() {
    let _watchdog = minute();
    let key = SysvKey::unique();
    let address = format!("sysv:{:#010x}", key.key());
    let segment = Segment::create(&address, 64).unwrap();
    let guard = segment.lock().unwrap();
    // SAFETY: IPC_RMID takes no fourth argument.
    unsafe { libc::semctl(set_of(key.key()).unwrap(), 0, libc::IPC_RMID) };
    let says = Says { kind: ErrorKind::LockError, reason: &["removed the lock"], hint: &["cenote show"] };
    says.check("unlock", &address, guard.unlock());
    Segment::remove(&address).unwrap();
}

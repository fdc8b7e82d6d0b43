//! Forks in a process that uses nothing but System V: no file was mapped or locked before, so that nothing else has
//! made this process watch for forks. One test only, because it must be the first to do anything here.

#![allow(unsafe_code)]

use cenote::{Segment, SystemSemaphore};
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;

/// Drops what it is given in a forked child, and waits until that has ended. The parent keeps it.
fn drop_in_child<T>(value: T) -> T {
    // SAFETY: the child drops the value and leaves by _exit.
    let pid = unsafe { libc::fork() };
    assert_ne!(pid, -1);
    if pid == 0 {
        drop(value);
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: waits for our own child.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(status, 0, "the child died");
    value
}

#[test]
fn a_forked_child_lets_go_of_nothing_although_only_system_v_is_in_use() {
    let _watchdog = testkit::watchdog(std::time::Duration::from_secs(60));
    let (key, qt) = (SysvKey::unique(), QtKey::unique());

    let semaphore = SystemSemaphore::open(qt.key(), 1).unwrap();
    let semaphore = drop_in_child(semaphore);
    semaphore.acquire().unwrap();
    let other = SystemSemaphore::open(qt.key(), 1).unwrap();
    assert!(!other.try_acquire().unwrap(), "a child removed its parent's semaphore");
    semaphore.release(1).unwrap();
    drop((semaphore, other));

    for address in [format!("sysv:{:#x}", key.key()), format!("qt:{}", qt.key())] {
        let segment = Segment::create(&address, 64).unwrap();
        let other = Segment::attach(&address).unwrap();
        let guard = drop_in_child(segment.lock().unwrap());
        assert!(other.try_lock().unwrap().is_none(), "{address}: a child let go of its parent's lock");
        guard.unlock().unwrap();
        drop(other.try_lock().unwrap().expect("once, and not twice"));
        let _ = Segment::remove(&address);
    }
}

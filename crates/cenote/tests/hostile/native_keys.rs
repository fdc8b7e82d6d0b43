//! Native keys of Qt, where others have taken the same names, or take them away.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, LockState, Segment, SystemSemaphore, catalog};
use testkit::names::TempDir;
use testkit::{agent, sysv};

use crate::{child, minute};

/// `sysv:FILE#81` and `qt:systemv:FILE` are one key; in one's set 0 is free, in the other's 1.
#[test]
fn a_set_of_ours_for_sysv_is_never_taken_for_qts_lock() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let file = folder.join("both");
    fs::write(&file, "").unwrap();
    let (sysv, qt) = (format!("sysv:{}#81", file.display()), format!("qt:systemv:{}", file.display()));
    let segment = Segment::create(&sysv, 64).unwrap();
    let guard = segment.lock().unwrap();
    let brief = Segment::options().timeout(Duration::from_millis(100));
    let error = brief.attach(&qt).map(|_| panic!("it has taken the lock of who holds it")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    assert_eq!(catalog::look(&qt.parse().unwrap()).unwrap().lock, LockState::Unknown);
    assert_eq!(
        Segment::options()
            .lock_with(&qt)
            .unwrap()
            .attach(&sysv)
            .and_then(|other| other.try_lock().map(drop))
            .unwrap_err()
            .kind(),
        ErrorKind::LockError
    );
    let key = cenote::qt::NativeKey::new(cenote::qt::KeyType::SYSTEM_V, file.to_str().unwrap()).unwrap();
    assert_eq!(SystemSemaphore::open(key, 1).unwrap_err().kind(), ErrorKind::LockError);
    assert_eq!(brief.remove(&qt).unwrap_err().kind(), ErrorKind::LockError);
    assert!(Segment::attach(&sysv).unwrap().try_lock().unwrap().is_none(), "it is held all the time");
    guard.unlock().unwrap();
    drop(segment.try_lock().unwrap().expect("and free now"));
    Segment::remove(&sysv).unwrap();
}

/// Those who know the old lock: two processes, of which one waits while the key file goes.
#[test]
fn a_key_file_that_is_taken_away_leaves_its_users_one_lock() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let file = folder.join("key");
    let address = format!("qt:systemv:{}", file.display());
    let ours = Segment::create(&address, 64).unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("attach {address}")).expect_ok();
    let guard = ours.lock().unwrap();
    other.tell("lock");
    let end = Instant::now() + Duration::from_secs(20);
    while sysv::semaphore_waiters(&file, 81) != Some(1) {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    fs::rename(&file, folder.join("gone")).unwrap();
    let _ = guard.unlock();
    other.wait_for_reply().expect_ok();
    assert!(ours.try_lock().unwrap().is_none(), "the other has it");
    other.ask("unlock").expect_ok();
    drop(ours.try_lock().unwrap().expect("nobody has it"));
    other.finish();
    drop(ours);
    let _ = Segment::remove(&address);
}

#[test]
fn a_relative_path_means_the_same_file_wherever_the_process_goes() {
    let _watchdog = minute();
    let folder = TempDir::new();
    let output = child::output("go-elsewhere", folder.path().to_str().unwrap());
    assert!(output.status.success(), "{output:?}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["elsewhere"], "segment, lock and key file are removed by the last of us");
    assert_eq!(fs::read_dir(folder.join("elsewhere")).unwrap().count(), 0);
}

/// In the folder makes a segment with a relative name, and uses and leaves it from another.
pub(crate) fn go_elsewhere(folder: &str) {
    let elsewhere = Path::new(folder).join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::env::set_current_dir(folder).unwrap();
    let segment = Segment::create("qt:systemv:relative", 64).unwrap();
    std::env::set_current_dir(elsewhere).unwrap();
    drop(segment.lock().unwrap());
    segment.detach().unwrap();
    // From here the name is that of another.
    assert_eq!(Segment::attach("qt:systemv:relative").unwrap_err().kind(), ErrorKind::NotFound);
}

//! Inodes that come back: some file systems give the inode of a deleted file to the next one at once, and ftok(3)
//! looks at nothing else.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::{Segment, SystemSemaphore};
use testkit::agent;
use testkit::names::TempDir;
use testkit::qt::QtKey;

use crate::minute;
use crate::semaphores::Set;

/// Long enough: on ext4, one in ten thousand is hit by who removes a key file and forgets its inode.
const FOR: Duration = Duration::from_secs(2);

#[test]
fn who_removes_a_semaphore_takes_away_nobody_elses_new_one() {
    let _watchdog = minute();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let key = QtKey::unique();
                let mut other = agent::spawn();
                while !done.load(Ordering::Relaxed) {
                    other.ask(&format!("create qt:{} 64", key.key())).expect_ok();
                    other.ask("detach").expect_ok();
                }
                other.finish();
            });
        }
        let key = QtKey::unique();
        let end = Instant::now() + FOR;
        let mut twice = 0;
        let mut rounds = 0;
        while Instant::now() < end {
            let semaphore = SystemSemaphore::create(key.key(), 2).unwrap();
            let taken = (0..100).filter(|_| semaphore.try_acquire().unwrap()).count();
            twice += usize::from(taken > 2);
            rounds += 1;
            semaphore.release(2).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(twice, 0, "of {rounds} semaphores: somebody removed it, and it was made anew");
    });
}

#[test]
fn a_new_key_file_does_not_lead_to_the_set_of_a_deleted_one() {
    let _watchdog = minute();
    for _ in 0..20 {
        let key = QtKey::unique();
        let path = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()));
        // What a Qt program leaves for a moment at its end, and for ever if it is killed then: the set without its
        // file. Elsewhere than on ext4 the inode does not come back, and this proves nothing.
        fs::write(&path, "").unwrap();
        let left = Set::make_at_key_file(&path);
        fs::remove_file(&path).unwrap();
        let options = Segment::options().timeout(Duration::from_millis(100));
        let segment = options.create(format!("qt:{}", key.key()), 64);
        let is_another = Set::of_key_file(&path).is_some_and(|set| set.id() != left.id());
        left.remove();
        segment.expect("nobody holds its lock").detach().unwrap();
        assert!(is_another);
        assert!(!path.exists(), "the last takes it away");
    }
}

#[test]
fn a_new_key_file_does_not_lead_to_the_segment_of_a_deleted_one() {
    let _watchdog = minute();
    let folder = TempDir::new();
    for _ in 0..20 {
        let (old, new) = (folder.join("old"), folder.join("new"));
        let held = Segment::create(format!("qt:systemv:{}", old.display()), 64).unwrap();
        // With native keys the file is the lock's, too: a Qt program that has made the lock takes both at its end.
        Set::of_key_file(&old).expect("it is the lock").remove();
        fs::remove_file(&old).unwrap();
        let segment = Segment::create(format!("qt:systemv:{}", new.display()), 32).unwrap();
        assert_eq!((held.len(), segment.len()), (64, 32));
        segment.detach().unwrap();
        held.detach().unwrap();
        assert!(!old.exists() && !new.exists(), "each takes its own away");
    }
}

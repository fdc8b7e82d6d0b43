//! Inodes that come back: some file systems give the inode of a deleted file to the next one at once, and ftok(3)
//! looks at nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::SystemSemaphore;
use testkit::agent;
use testkit::qt::QtKey;

use crate::minute;

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

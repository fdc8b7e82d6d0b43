//! The lock of `qt:` segments under a hostile hand: one semaphore, 1 = free.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Guard, Segment, SystemSemaphore};
use testkit::agent;
use testkit::qt::QtKey;

use crate::semaphores::{Set, lock_briefly};
use crate::{await_flag, child, minute};

/// The key is dropped last, and takes away what is left under it.
struct Victim {
    segment: Segment,
    key: QtKey,
}

impl Victim {
    fn new() -> Self {
        let key = QtKey::unique();
        let options = Segment::options().timeout(Duration::from_millis(50));
        let segment = options.create(format!("qt:{}", key.key()), 64).unwrap();
        Self { segment, key }
    }

    fn address(&self) -> String {
        self.segment.address().to_string()
    }

    fn key_file(&self) -> PathBuf {
        std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(self.key.key()))
    }

    fn set(&self) -> Set {
        Set::of_key_file(&self.key_file()).expect("the set is there")
    }

    fn attach(&self) -> Segment {
        Segment::options().timeout(Duration::from_secs(20)).attach(self.address()).unwrap()
    }
}

#[test]
fn odd_values_let_in_as_many_as_they_say_and_never_hang_a_timed_wait() {
    let _watchdog = minute();
    for value in [0, 1, 2, 32767] {
        let victim = Victim::new();
        victim.set().put(0, value);
        let first = lock_briefly(&victim.segment);
        let second = victim.segment.try_lock().unwrap();
        // That is what the protocol says of a semaphore: the hostile hand has opened it.
        assert_eq!((first.is_ok(), second.is_some()), (value > 0, value > 1), "{value}");
        drop(second);
        let _ = first.map(|guard| guard.unlock().unwrap());
        victim.segment.write_at(0, b"still usable").unwrap();
        // Without the lock it cannot be seen who is the last; the memory is detached even so.
        let Victim { segment, key: _key } = victim;
        let result = segment.detach();
        assert_eq!(result.is_err_and(|error| error.kind() == ErrorKind::Timeout), value == 0);
    }
}

#[test]
fn odd_values_while_it_is_held_are_errors_or_do_no_harm() {
    let _watchdog = minute();
    for value in [0, 1, 2, 32767] {
        let victim = Victim::new();
        let guard = victim.segment.lock().unwrap();
        victim.set().put(0, value);
        match guard.unlock() {
            Ok(()) => assert_eq!(victim.set().get(0), value + 1),
            Err(error) => {
                assert_eq!((value, error.kind()), (32767, ErrorKind::LockError), "{error}");
                assert!(error.to_string().contains("would exceed 32767"), "{error}");
            }
        }
        for _ in 0..3 {
            drop(lock_briefly(&victim.segment));
        }
    }
}

#[test]
fn who_only_adds_is_told_what_the_kernel_cannot_undo_any_more() {
    let _watchdog = minute();
    let key = QtKey::unique();
    let producer = SystemSemaphore::open(key.key(), 0).unwrap();
    let mut consumer = child::command("take-all", key.key()).stdout(Stdio::null()).spawn().unwrap();
    producer.release(30_000).unwrap();
    let file = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()));
    let set = Set::of_key_file(&file).unwrap();
    set.await_waiter(0);
    let error = producer.release(3000).unwrap_err();
    assert_eq!((set.get(0), error.kind()), (0, ErrorKind::LockError), "it is empty");
    assert!(error.to_string().contains("undo"), "{error}");
    consumer.kill().unwrap();
    consumer.wait().unwrap();
}

/// Takes what is there, and waits for more.
pub(crate) fn take_all(key: &str) {
    let semaphore = SystemSemaphore::open(key, 0).unwrap();
    loop {
        semaphore.acquire().unwrap();
    }
}

#[test]
fn a_set_that_is_removed_while_it_is_held_is_told_and_the_next_lock_is_new() {
    let _watchdog = minute();
    let victim = Victim::new();
    let guard = victim.segment.lock().unwrap();
    victim.set().remove();
    assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::LockError);
    let other = victim.attach();
    let guard = lock_briefly(&victim.segment).unwrap();
    assert!(other.try_lock().unwrap().is_none());
    guard.unlock().unwrap();
    assert_eq!(victim.set().get(0), 1, "nothing was added that nobody took");
}

#[test]
fn a_set_that_is_removed_while_it_is_waited_for_is_made_anew() {
    let _watchdog = minute();
    let victim = Victim::new();
    let mut holder = agent::spawn();
    holder.ask(&format!("attach {}", victim.address())).expect_ok();
    holder.ask("lock").expect_ok();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| victim.segment.lock_timeout(Duration::from_secs(30)).map(Guard::unlock));
        victim.set().await_waiter(0);
        victim.set().remove();
        waiter.join().unwrap().expect("the wait goes on with the new set").unwrap();
    });
    holder.kill();
    assert_eq!(victim.set().get(0), 1);
}

#[test]
fn letting_go_of_a_set_that_is_gone_does_not_open_its_successor() {
    let _watchdog = minute();
    // One handle, two threads, as it may be used.
    let victim = Victim::new();
    let other = victim.attach();
    let first = victim.segment.lock().unwrap();
    victim.set().remove();
    let (locked, unlocked) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let second = victim.segment.lock_timeout(Duration::from_secs(20)).unwrap();
            locked.store(true, Ordering::Release);
            await_flag(&unlocked);
            let intruder = lock_briefly(&other).map(drop);
            let _ = second.unlock();
            assert_eq!(intruder.unwrap_err().kind(), ErrorKind::Timeout, "two have the lock");
        });
        await_flag(&locked);
        let result = first.unlock();
        unlocked.store(true, Ordering::Release);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::LockError, "the set was removed while it was held");
    });
    assert_eq!(victim.set().get(0), 1);
}

#[test]
fn a_key_file_that_is_swapped_costs_a_timed_wait_no_more_than_its_time() {
    let _watchdog = minute();
    let victim = Victim::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = testkit::Rng::new(9);
            while !over.load(Ordering::Relaxed) {
                match (rng.below(4), Set::of_key_file(&victim.key_file())) {
                    (0, Some(set)) => set.try_remove(),
                    (1, Some(set)) => set.try_put(0, 0),
                    (2, _) => drop(fs::write(victim.key_file(), "garbage")),
                    // The set first, or nobody could find it again to remove it.
                    (_, set) => {
                        set.iter().for_each(Set::try_remove);
                        let _ = fs::remove_file(victim.key_file());
                    }
                }
            }
        });
        let mut locked = 0;
        for _ in 0..400 {
            if let Ok(guard) = lock_briefly(&victim.segment) {
                locked += 1;
                drop(guard.unlock());
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(locked > 0, "it was never had at all");
    });
}

#[test]
fn a_system_semaphore_of_odd_values_times_out_or_tells() {
    let _watchdog = minute();
    let key = QtKey::unique();
    let semaphore = SystemSemaphore::open(key.key(), 1).unwrap();
    let set = || {
        Set::of_key_file(&std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()))).unwrap()
    };
    set().put(0, 32767);
    assert_eq!(semaphore.release(1).unwrap_err().kind(), ErrorKind::LockError);
    set().put(0, 0);
    let start = Instant::now();
    assert!(!semaphore.try_acquire().unwrap());
    assert!(start.elapsed() < Duration::from_secs(10));
    set().remove();
    semaphore.acquire().unwrap();
    semaphore.release(1).unwrap();
}

//! The lock of `qt:posix:` segments under a hostile hand: a semaphore that lies in a file.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Segment};
use testkit::names::ShmName;
use testkit::{Peer, Rng, watchdog};

use crate::semaphores::lock_briefly;
use crate::{child, minute};

fn segment() -> (ShmName, String, Segment) {
    let name = ShmName::unique("qt-hostile");
    let address = format!("qt:posix:{}", name.name());
    let segment = Segment::create(address.as_str(), 64).unwrap();
    (name, address, segment)
}

/// What a semaphore's file may hold: its value, and how many wait, are in the first two words of glibc's `sem_t`.
fn write(name: &ShmName, words: [u32; 8]) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    use std::os::unix::fs::FileExt;
    fs::File::options().write(true).open(name.semaphore_path()).unwrap().write_all_at(&bytes, 0).unwrap();
}

#[test]
fn any_contents_of_the_semaphore_cost_a_timeout_or_an_error() {
    let _watchdog = minute();
    let mut rng = Rng::new(7);
    for round in 0..200 {
        let (name, address, segment) = segment();
        let mut words = [0, 0, 128, 0, 0, 0, 0, 0];
        words[0] = *rng.choose(&[0, 1, 2, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, u32::MAX]);
        words[1] = *rng.choose(&[0, 1, u32::MAX]);
        if round % 2 == 0 {
            words = words.map(|word| if rng.one_in(2) { rng.next_u64() as u32 } else { word });
        }
        write(&name, words);
        for _ in 0..2 {
            if let Ok(guard) = lock_briefly(&segment) {
                guard.write_at(0, b"usable").unwrap();
                let _ = guard.unlock();
            }
        }
        if let Err(error) = Segment::options().break_lock_by_force(address.as_str()) {
            assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
        }
        let other = Segment::attach(address.as_str()).unwrap();
        assert_eq!(other.len(), 64);
        Segment::remove(address.as_str()).unwrap();
    }
}

#[test]
fn what_is_no_semaphore_is_an_error_for_the_lock_and_not_for_the_memory() {
    let _watchdog = minute();
    for what in ["a directory", "a link", "a FIFO", "an empty file", "a short file"] {
        let (name, address, segment) = segment();
        segment.write_at(0, b"bytes").unwrap();
        let path = name.semaphore_path();
        fs::remove_file(&path).unwrap();
        let innocent = name.path().with_extension("innocent");
        match what {
            "a directory" => fs::create_dir(&path).unwrap(),
            "a link" => {
                fs::write(&innocent, [1; 32]).unwrap();
                std::os::unix::fs::symlink(&innocent, &path).unwrap();
            }
            "a FIFO" => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
            "an empty file" => fs::write(&path, "").unwrap(),
            _ => fs::write(&path, "short").unwrap(),
        }
        let newcomer = Segment::attach(address.as_str()).unwrap();
        assert_eq!(newcomer.read_to_vec(..5).unwrap(), b"bytes");
        for segment in [&segment, &newcomer] {
            let start = Instant::now();
            let error = segment.try_lock().map(drop).expect_err(what);
            assert!(start.elapsed() < Duration::from_secs(10));
            let kinds =
                [ErrorKind::KeyError, ErrorKind::LockError, ErrorKind::Unknown, ErrorKind::InvalidSize];
            assert!(kinds.contains(&error.kind()), "{what}: {error}");
        }
        assert!(Segment::options().break_lock_by_force(address.as_str()).is_err(), "{what}");
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        if innocent.exists() {
            assert_eq!(fs::read(&innocent).unwrap(), [1; 32], "nothing follows the link");
            fs::remove_file(&innocent).unwrap();
        }
        Segment::remove(address.as_str()).unwrap();
    }
}

#[test]
fn a_semaphore_that_shrinks_under_a_holder_or_a_waiter_is_an_error() {
    let _watchdog = minute();
    let (name, address, segment) = segment();
    let other = Segment::attach(address.as_str()).unwrap();
    let guard = segment.lock().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| other.lock_timeout(Duration::from_secs(40)).map(drop));
        fs::File::options().write(true).open(name.semaphore_path()).unwrap().set_len(0).unwrap();
        let error = waiter.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    });
    assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::LockError);
}

#[test]
fn who_lets_go_of_a_lock_that_lost_its_name_or_was_broken_is_told() {
    let _watchdog = minute();
    let (name, address, segment) = segment();
    let guard = segment.lock().unwrap();
    fs::remove_file(name.semaphore_path()).unwrap();
    let newcomer = Segment::attach(address.as_str()).unwrap();
    // It cannot know of the old one.
    drop(newcomer.try_lock().unwrap().expect("the name is a new semaphore's"));
    assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::LockError);
    // From now on both know the new one.
    let guard = segment.lock().unwrap();
    assert!(newcomer.try_lock().unwrap().is_none());

    assert!(Segment::options().break_lock_by_force(address.as_str()).unwrap());
    assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::LockError);
    let guard = segment.try_lock().unwrap().expect("it is free");
    assert!(newcomer.try_lock().unwrap().is_none(), "and lets in one at a time");
    guard.unlock().unwrap();
    Segment::remove(address.as_str()).unwrap();
}

/// Whoever looks whether a semaphore is in use has a lease on it for a moment, in which nobody can open it.
#[test]
fn a_lease_is_waited_for() {
    let _watchdog = minute();
    let (name, address, segment) = segment();
    drop(segment);
    // A segment that has not opened it yet.
    let path = name.semaphore_path();
    fs::rename(&path, name.path().with_extension("aside")).unwrap();
    let segment = Segment::attach(address.as_str()).unwrap();
    fs::rename(name.path().with_extension("aside"), &path).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    let lease = |command: i32, argument: i32| {
        // SAFETY: the descriptor is borrowed, and these commands take a number.
        unsafe { libc::fcntl(file.as_raw_fd(), command, argument) }
    };
    // Whose signal ends nobody: F_SETSIG.
    assert_eq!(lease(10, libc::SIGURG), 0);
    assert_eq!(lease(libc::F_SETLEASE, libc::F_WRLCK), 0, "{}", std::io::Error::last_os_error());
    thread::scope(|scope| {
        let locker = scope.spawn(|| segment.lock().map(drop));
        // Until somebody wants to open it.
        while lease(libc::F_GETLEASE, 0) == libc::F_WRLCK {
            thread::yield_now();
        }
        assert_eq!(lease(libc::F_SETLEASE, libc::F_UNLCK), 0);
        locker.join().unwrap().unwrap();
    });
    drop(segment);
    Segment::remove(address.as_str()).unwrap();
}

/// Two that find it stuck, and one that uses it as soon as it is free.
#[test]
fn who_breaks_what_the_dead_have_left_takes_it_from_nobody_who_lives() {
    let _watchdog = minute();
    let (name, address, segment) = segment();
    drop(segment);
    for _ in 0..300 {
        write(&name, [0, 0, 128, 0, 0, 0, 0, 0]);
        let mut overlap = false;
        thread::scope(|scope| {
            let breakers = [1, 2].map(|_| scope.spawn(|| Segment::options().break_lock(address.as_str())));
            while !breakers.iter().all(thread::ScopedJoinHandle::is_finished) {
                let segment = Segment::attach(address.as_str()).unwrap();
                if let Some(guard) = segment.try_lock().unwrap() {
                    overlap |= Segment::attach(address.as_str()).unwrap().try_lock().unwrap().is_some();
                    guard.unlock().expect("nobody has broken it while it was held");
                }
            }
            for breaker in breakers {
                if let Err(error) = breaker.join().unwrap() {
                    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
                }
            }
        });
        assert!(!overlap, "two had it");
        let _ = Segment::options().break_lock(address.as_str()).unwrap();
        drop(Segment::attach(address.as_str()).unwrap().try_lock().unwrap().expect("it is free in the end"));
    }
    Segment::remove(address.as_str()).unwrap();
}

#[test]
fn thousands_of_attacks_on_the_semaphore_in_use_cost_errors_and_no_life() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let (name, address, first) = segment();
    drop(first);
    let path = name.semaphore_path().display().to_string();
    let mut attacker = Peer::spawn(child::command("attack", &path));
    attacker.set_patience(Duration::from_secs(60));
    let end = Instant::now() + Duration::from_secs(6);
    let tallies = thread::scope(|scope| {
        let users = [1, 2].map(|_| {
            let address = &address;
            scope.spawn(move || {
                let mut tally = BTreeMap::<String, u32>::new();
                while Instant::now() < end {
                    let Ok(segment) = Segment::attach(address.as_str()) else { continue };
                    for _ in 0..50 {
                        let outcome = match lock_briefly(&segment).map(cenote::Guard::unlock) {
                            Ok(Ok(())) => "locked".to_owned(),
                            Ok(Err(error)) | Err(error) => format!("{:?}", error.kind()),
                        };
                        *tally.entry(outcome).or_default() += 1;
                    }
                }
                tally
            })
        });
        users.map(|user| user.join().unwrap())
    });
    println!("{tallies:?}");
    assert!(tallies.iter().all(|tally| tally.values().sum::<u32>() > 100), "{tallies:?}");
    attacker.wait_for_reply().expect_ok();
    attacker.finish();
    let _ = fs::remove_file(name.semaphore_path());
    Segment::remove(address.as_str()).unwrap();
}

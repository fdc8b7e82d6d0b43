//! Whose set is it? Locks that are not the segment's own, told apart by what the kernel knows of them.

use std::fs::OpenOptions;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Segment, SystemSemaphore};
use testkit::names::ShmName;
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;
use testkit::{agent, peers};

use crate::minute;
use crate::semaphores::Set;

#[test]
fn a_set_of_ours_follows_its_own_rules_also_as_a_lock_from_elsewhere() {
    let _watchdog = minute();
    let (key, name) = (SysvKey::unique(), ShmName::unique("elsewhere"));
    let owner = Segment::create(format!("sysv:{:#x}", key.key()), 64).unwrap();
    drop(owner.lock().unwrap());
    let set = Set::find(key.key()).expect("the lock has made it");
    let posix = format!("posix:{}", name.name());
    drop(Segment::create(&posix, 64).unwrap());
    for lock in [format!("sysv:{:#x}", key.key()), format!("sysv:id={}", set.id())] {
        let other = Segment::options().lock_with(&lock).unwrap().attach(&posix).unwrap();
        let guard = owner.lock().unwrap();
        assert!(other.try_lock().unwrap().is_none(), "{lock}: it is held");
        drop(guard);
        let guard = other.try_lock().unwrap().expect("it is free");
        assert!(owner.try_lock().unwrap().is_none(), "{lock}: it is held by the other");
        drop(guard);
    }
}

#[test]
fn another_programs_set_is_not_signed_even_if_it_looks_like_a_new_one_of_ours() {
    let _watchdog = minute();
    let key = SysvKey::unique();
    let address = format!("sysv:{:#x}", key.key());
    let set = Set::make(key.key(), 3);
    let segment = Segment::create(&address, 64).unwrap();
    let error = segment.lock().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    assert_eq!([set.get(0), set.get(1), set.get(2)], [0; 3], "whoever waits on one of them is let through");
    Segment::remove(&address).unwrap();
    assert!(Set::find(key.key()).is_some(), "and it stays");
}

#[test]
fn an_event_that_nobody_has_fired_is_not_taken_for_a_stillborn_lock() {
    let _watchdog = minute();
    let Some(mut qt) = peers::qt5() else { return };
    let key = QtKey::unique();
    qt.ask(&format!("sem-open {} 0", key.key())).expect_ok();
    let waiter = SystemSemaphore::open(key.key(), 1).unwrap();
    let start = Instant::now();
    // A set that its maker left without a value is given one after five seconds.
    let error = waiter.acquire_timeout(Duration::from_millis(6500)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "after {:?}", start.elapsed());
    qt.finish();
}

#[test]
fn a_lock_whose_maker_died_before_it_had_a_value_is_brought_to_life() {
    let _watchdog = minute();
    let key = QtKey::unique();
    let address = format!("qt:{}", key.key());
    drop(Segment::options().keep().create(&address, 64).unwrap());
    let path = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()));
    let set = Set::of_key_file(&path).expect("it is the lock");
    set.remove();
    Set::make_at_key_file(&path);
    // For the kernel, who ends has used what it waited for. In another PID namespace that cannot be told from a use.
    if testkit::system::in_first_pid_namespace() {
        let mut impatient = agent::spawn();
        impatient.ask(&format!("attach {address} 10")).expect_error("Timeout");
        impatient.finish();
    }
    let start = Instant::now();
    let segment = Segment::options().timeout(Duration::from_secs(20)).attach(&address).unwrap();
    assert!(start.elapsed() > Duration::from_secs(4), "not before it is sure");
    let mut other = agent::spawn();
    other.ask(&format!("attach {address}")).expect_ok();
    let guard = segment.lock().unwrap();
    other.ask("try-lock").expect_error("Timeout");
    drop(guard);
    other.finish();
    Segment::remove(&address).unwrap();
}

#[test]
fn qt_programs_that_wait_for_a_lock_without_a_value_go_on_with_the_first_of_ours() {
    let _watchdog = minute();
    let key = QtKey::unique();
    let address = format!("qt:{}", key.key());
    drop(Segment::options().keep().create(&address, 64).unwrap());
    let path = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()));
    Set::of_key_file(&path).expect("it is the lock").remove();
    // What Qt makes if the set that it has seen is removed before it opens it. It waits for it, and so do others.
    let set = Set::make_at_key_file(&path);
    let mut qts: Vec<_> = [peers::qt5(), peers::qt6()].into_iter().flatten().collect();
    for (number, qt) in (1..).zip(&mut qts) {
        qt.tell(&format!("attach {}", key.key()));
        set.await_waiters(0, number);
    }
    // A wait of just five seconds is enough.
    let segment = Segment::options().timeout(Duration::from_secs(5)).attach(&address).unwrap();
    for mut qt in qts {
        qt.wait_for_reply().expect_ok();
        qt.finish();
    }
    assert_eq!(set.get(0), 1);
    Segment::remove(&address).unwrap();
    drop(segment);
}

#[test]
fn a_named_semaphore_whose_file_is_shrunk_costs_an_error() {
    let _watchdog = minute();
    let Some(mut peer) = peers::posix() else { return };
    let name = ShmName::unique("shrunk");
    let address = format!("posix:{}", name.name());
    let segment = Segment::create(&address, 64).unwrap();
    peer.ask(&format!("attach {}", name.name())).expect_ok();
    peer.ask(&format!("lock-with semaphore {}", name.name())).expect_ok();
    let locked = Segment::options().lock_with(&address).unwrap().attach(&address).unwrap();
    drop(locked.try_lock().unwrap().expect("it is free"));
    OpenOptions::new().write(true).open(name.semaphore_path()).unwrap().set_len(0).unwrap();
    let error = locked.lock_timeout(Duration::from_secs(5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
    // Also one that finds it so.
    let late = Segment::options().lock_with(&address).unwrap().attach(&address);
    let error = late.and_then(|late| late.lock().map(drop)).unwrap_err();
    assert!(error.to_string().contains("lock"), "{error}");
    drop(segment);
}

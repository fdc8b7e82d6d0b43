//! What a segment has by name: locks, locks with readers, semaphores, events, condition variables, in processes that die.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::{Abandoned, ErrorKind, NamedLock, Segment};
use testkit::{Peer, agent};

use super::{Name, minute};

const SOON: Duration = Duration::from_secs(20);

fn other(name: &Name) -> Peer {
    let mut other = agent::spawn();
    other.ask(&format!("attach {}", name.address())).expect_ok();
    other
}

#[test]
fn named_locks_are_apart_and_recover() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let (left, right) = (segment.named_lock("left").unwrap(), segment.named_lock("right").unwrap());
    let mut holder = other(&name);
    holder.ask("named-lock left").expect_ok();
    assert!(left.try_lock().unwrap().is_none());
    drop((right.try_lock().unwrap().unwrap(), segment.try_lock().unwrap().unwrap()));
    let late = left.lock_timeout(Duration::from_millis(30)).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    holder.kill();
    assert_eq!(left.lock_timeout(SOON).unwrap().abandoned(), Abandoned::Yes);
    assert_eq!(left.lock_timeout(SOON).unwrap().abandoned(), Abandoned::No);
}

/// By both ends at once, many times: there is one of each name.
#[test]
fn a_name_is_made_once() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let others: Vec<Segment> = (0..4).map(|_| Segment::attach(name.address()).unwrap()).collect();
    for round in 0..16 {
        let lock = format!("lock {round}");
        thread::scope(|scope| {
            for other in &others {
                scope.spawn(|| other.named_lock(&lock).map(|_| ()).unwrap());
            }
        });
        let guard = segment.named_lock(&lock).unwrap().lock().unwrap();
        assert!(others.iter().all(|other| other.named_lock(&lock).unwrap().try_lock().unwrap().is_none()));
        drop(guard);
    }
    let error = segment.named_lock("one more").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::OutOfResources, "{error}");
}

/// By threads of one handle at the same moment, each with a name of its own.
#[test]
fn threads_of_one_handle_make_different_locks() {
    let (_watchdog, name) = (minute(), Name::unique());
    for _ in 0..300 {
        let segment = Segment::create(name.address(), 64).unwrap();
        let here = AtomicU32::new(0);
        let make = |first: &str| -> Vec<NamedLock<'_>> {
            let one = |pair: u32| {
                here.fetch_add(1, Ordering::AcqRel);
                while here.load(Ordering::Acquire) < 2 * (pair + 1) {
                    thread::yield_now();
                }
                segment.named_lock(&format!("{first} {pair}")).unwrap()
            };
            (0..8_u32).map(one).collect()
        };
        let (left, right) = thread::scope(|scope| {
            let left = scope.spawn(|| make("left"));
            let right = make("right");
            (left.join().unwrap(), right)
        });
        for (left, right) in left.iter().zip(&right) {
            let _left = left.lock().unwrap();
            assert!(right.try_lock().unwrap().is_some(), "two names, and one lock");
        }
    }
}

#[test]
fn a_name_is_one_thing() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    segment.semaphore("cards", 4).unwrap();
    let kinds = [
        segment.named_lock("cards").err().unwrap(),
        segment.semaphore("cards", 5).err().unwrap(),
        segment.event("cards").err().unwrap(),
    ];
    for error in &kinds {
        assert_eq!(error.kind(), ErrorKind::Incompatible);
        assert!(error.to_string().contains("a semaphore of 4"), "{error}");
    }
    for odd in ["", "a\0b", &"x".repeat(41)] {
        assert_eq!(segment.event(odd).err().unwrap().kind(), ErrorKind::KeyError);
    }
    let event = segment.event(&"x".repeat(40)).unwrap();
    let late = event.wait_timeout(Duration::ZERO).unwrap_err();
    assert!(!late.hint().contains("holds it"), "nobody holds an event: {}", late.hint());
    let none = segment.semaphore("none", 0).err().unwrap();
    assert!(none.kind() == ErrorKind::InvalidSize && none.hint().contains("1 or more"), "{none:?}");
    let reader = Segment::options().read_only().attach(name.address()).unwrap();
    assert_eq!(reader.named_lock("left").err().unwrap().kind(), ErrorKind::PermissionDenied);
    let posix = testkit::names::ShmName::unique("named");
    let plain = Segment::create(format!("posix:{}", posix.name()), 64).unwrap();
    assert_eq!(plain.named_lock("left").err().unwrap().kind(), ErrorKind::Unsupported);
}

#[test]
fn readers_share_and_a_dead_one_keeps_no_writer_out() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let map = segment.rw_lock("map").unwrap();
    let mut reader = other(&name);
    reader.ask("read-lock map").expect_ok();
    let ours = map.try_read().unwrap().expect("readers share");
    assert!(map.try_write().unwrap().is_none());
    ours.unlock().unwrap();
    assert!(map.try_write().unwrap().is_none());
    let started = Instant::now();
    assert_eq!(map.write_timeout(Duration::from_millis(50)).unwrap_err().kind(), ErrorKind::Timeout);
    assert!(started.elapsed() >= Duration::from_millis(50));
    thread::scope(|scope| {
        let writer = scope.spawn(|| map.write_timeout(SOON).unwrap().abandoned());
        reader.kill();
        assert_eq!(writer.join().unwrap(), Abandoned::No, "who reads leaves nothing half-written");
    });
    drop(map.read_timeout(SOON).unwrap());
}

#[test]
fn of_a_dead_writer_all_are_told_until_somebody_has_written() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let map = segment.rw_lock("map").unwrap();
    let mut writer = other(&name);
    writer.ask("write-lock map").expect_ok();
    assert!(map.try_read().unwrap().is_none());
    writer.kill();
    assert_eq!(map.read_timeout(SOON).unwrap().abandoned(), Abandoned::Yes);
    assert_eq!(map.read_timeout(SOON).unwrap().abandoned(), Abandoned::Yes);
    assert_eq!(map.write_timeout(SOON).unwrap().abandoned(), Abandoned::Yes);
    assert_eq!(map.read_timeout(SOON).unwrap().abandoned(), Abandoned::No);
}

/// Who comes while a writer waits queues behind it.
#[test]
fn readers_that_come_and_go_do_not_starve_a_writer() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let map = segment.rw_lock("map").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (done, address) = (&done, name.address());
            scope.spawn(move || {
                let segment = Segment::attach(address).unwrap();
                let map = segment.rw_lock("map").unwrap();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    // Always one of them has it.
                    let first = map.read_timeout(SOON).unwrap();
                    drop(first);
                }
            });
        }
        for _ in 0..200 {
            drop(map.write_timeout(SOON).unwrap());
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn permits_come_back_from_the_dead() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let cards = segment.semaphore("cards", 2).unwrap();
    let mut one = other(&name);
    one.ask("acquire cards 2").expect_ok();
    let ours = cards.try_acquire().unwrap().expect("two can");
    assert!(cards.try_acquire().unwrap().is_none());
    assert_eq!(cards.available().unwrap(), 0);
    assert_eq!(cards.acquire_timeout(Duration::from_millis(30)).err().unwrap().kind(), ErrorKind::Timeout);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| drop(cards.acquire_timeout(SOON).unwrap()));
        one.kill();
        waiter.join().unwrap();
    });
    ours.release().unwrap();
    assert_eq!(cards.available().unwrap(), 2);
}

#[test]
fn an_attachment_can_have_255_shares_and_no_more() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let map = segment.rw_lock("map").unwrap();
    let all: Vec<_> = (0..255).map(|_| map.read().unwrap()).collect();
    assert_eq!(map.read().err().unwrap().kind(), ErrorKind::OutOfResources);
    let neighbour = segment.rw_lock("its neighbour").unwrap();
    drop(neighbour.try_write().unwrap().expect("its count is its own"));
    drop(all);
    drop(map.try_write().unwrap().expect("all have left"));
}

#[test]
fn events_wake_who_waits_and_are_taken_once() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let ready = segment.event("ready").unwrap();
    assert_eq!(ready.wait_timeout(Duration::from_millis(30)).unwrap_err().kind(), ErrorKind::Timeout);
    let mut setter = other(&name);
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..3).map(|_| scope.spawn(|| ready.wait_timeout(SOON).unwrap())).collect();
        setter.ask("event-set ready").expect_ok();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
    // It stays set when who has set it dies.
    setter.kill();
    assert!(ready.is_set().unwrap() && !ready.set().unwrap());
    ready.take_timeout(SOON).unwrap();
    assert!(!ready.is_set().unwrap() && !ready.reset().unwrap());
    let mut takers = [other(&name), other(&name)];
    for _ in 0..50 {
        for taker in &mut takers {
            taker.tell("event-take ready 20000");
        }
        // Each time that it is set, one goes on.
        for _ in 0..2 {
            ready.set().unwrap();
            while ready.is_set().unwrap() {
                thread::yield_now();
            }
        }
        for taker in &mut takers {
            taker.wait_for_reply().expect_ok();
        }
    }
}

#[test]
fn a_condition_variable_gives_the_lock_back_and_again() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let changed = segment.condvar("changed").unwrap();
    let (map, left) = (segment.rw_lock("map").unwrap(), segment.named_lock("left").unwrap());
    let (guard, came) = changed.wait(segment.lock().unwrap(), Duration::from_millis(20)).unwrap();
    assert!(!came && segment.try_lock().unwrap().is_none(), "nobody has notified, and it is held again");
    drop(guard);
    // With each kind of lock: one waits, another changes and notifies.
    for with in 0..3 {
        let take = || match with {
            0 => segment.lock().unwrap(),
            1 => left.lock().unwrap(),
            _ => map.write().unwrap(),
        };
        segment.write_value(0, &0_u64).unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut guard = take();
                while guard.read_value::<u64>(0).unwrap() == 0 {
                    guard = changed.wait(guard, SOON).unwrap().0;
                }
            });
            let guard = take();
            guard.write_value(0, &1_u64).unwrap();
            drop(guard);
            changed.notify_all().unwrap();
            waiter.join().unwrap();
        });
    }
    assert!(map.try_write().unwrap().is_some() && left.try_lock().unwrap().is_some());
}

/// A forked child has nothing of its parent's.
#[test]
fn what_a_parent_has_a_forked_child_does_not_give_back() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 64).unwrap();
    let mut parent = other(&name);
    for held in ["named-lock left", "write-lock map", "read-lock map"] {
        parent.ask(held).expect_ok();
        assert_eq!(parent.ask("fork unlock").expect_ok(), "yes");
        let (left, map) = (segment.named_lock("left").unwrap(), segment.rw_lock("map").unwrap());
        let free = left.try_lock().unwrap().is_some() && map.try_write().unwrap().is_some();
        assert!(!free, "{held}");
        parent.ask("unlock").expect_ok();
    }
}

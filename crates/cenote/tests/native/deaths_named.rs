//! A death at every step of what has a name: others get what the dead had, and nothing stays stuck.

use cenote::{Abandoned, Segment};
use testkit::kill_points::{Child, Operation};
use testkit::watchdog;

use super::deaths::{MINUTES, SOON, each};

pub(crate) const OPERATIONS: [(&str, Operation); 9] = [
    ("make a place", |child| {
        with(child, |segment| {
            assert_eq!(segment.semaphore("cards", 2).unwrap().permits(), 2);
        });
    }),
    ("named lock", |child| {
        let left = attached(child).named_lock("left").unwrap();
        child.steps(|| left.lock().unwrap().unlock().unwrap());
    }),
    ("write lock", |child| {
        let map = attached(child).rw_lock("map").unwrap();
        child.steps(|| {
            let guard = map.write().unwrap();
            guard.write_at(0, b"written").unwrap();
            guard.unlock().unwrap();
        });
    }),
    ("read lock", |child| {
        let map = attached(child).rw_lock("map").unwrap();
        child.steps(|| map.read().unwrap().unlock().unwrap());
    }),
    // In the place of one that has died writing: by the slow way.
    ("read lock taken over", |child| {
        let map = attached(child).rw_lock("map").unwrap();
        child.steps(|| map.read().unwrap().unlock().unwrap());
    }),
    ("permit", |child| {
        let cards = attached(child).semaphore("cards", 1).unwrap();
        child.steps(|| cards.acquire().unwrap().release().unwrap());
    }),
    ("set", |child| {
        let ready = attached(child).event("ready").unwrap();
        child.steps(|| assert!(ready.set().unwrap()));
    }),
    ("take", |child| {
        let ready = attached(child).event("ready").unwrap();
        child.steps(|| ready.take().unwrap());
    }),
    ("notify", |child| {
        let segment = attached(child);
        let changed = segment.condvar("changed").unwrap();
        child.steps(|| {
            segment.lock().unwrap().write_value(0, &1_u64).unwrap();
            changed.notify_all().unwrap();
        });
    }),
];

/// For as long as the child lives.
fn attached(child: &Child) -> &'static Segment {
    Box::leak(Box::new(Segment::attach(child.word(0)).unwrap()))
}

fn with(child: &Child, work: impl FnOnce(&Segment)) {
    let segment = attached(child);
    child.steps(|| work(segment));
}

#[test]
fn of_who_makes_a_place() {
    let _watchdog = watchdog(MINUTES);
    each("make a place", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let end = round.child(&[&name.address()]);
        let other = Segment::attach(name.address()).unwrap();
        // Whole or not there: then it can be another thing. Its place is not lost.
        let another = other.event("cards");
        let same = segment.semaphore("cards", 2);
        assert!(another.is_err() == same.is_ok(), "{:?} {:?}", another.err(), same.err());
        assert!(!end.is_completed() || another.is_err());
        for at in 1..16 {
            segment.named_lock(&at.to_string()).unwrap();
        }
        segment.detach().unwrap();
    });
}

#[test]
fn of_who_has_a_named_lock() {
    let _watchdog = watchdog(MINUTES);
    let mut told = 0;
    each("named lock", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let left = segment.named_lock("left").unwrap();
        round.child(&[&name.address()]);
        let guard = left.lock_timeout(SOON).expect("no death keeps it");
        told += usize::from(guard.abandoned() == Abandoned::Yes);
        drop(guard);
        assert_eq!(left.lock_timeout(SOON).unwrap().abandoned(), Abandoned::No);
        segment.detach().unwrap();
    });
    assert!(told > 0);
}

#[test]
fn of_who_has_a_lock_with_readers() {
    let _watchdog = watchdog(MINUTES);
    for operation in ["write lock", "read lock", "read lock taken over"] {
        each(operation, |name, round| {
            let segment = Segment::create(name.address(), 64).unwrap();
            let map = segment.rw_lock("map").unwrap();
            if operation == "read lock taken over" {
                let dead = Segment::attach(name.address()).unwrap();
                std::mem::forget(dead.rw_lock("map").unwrap().write().unwrap());
                dead.detach().unwrap();
            }
            let end = round.child(&[&name.address()]);
            let told = map.read_timeout(SOON).expect("no death keeps readers out").abandoned();
            assert!(!end.is_completed() || operation != "write lock" || told == Abandoned::No);
            assert!(operation != "read lock taken over" || told == Abandoned::Yes);
            let guard = map.write_timeout(SOON).expect("no death keeps writers out");
            assert_eq!(guard.abandoned(), told, "told until somebody writes");
            drop(guard);
            assert_eq!(map.read_timeout(SOON).unwrap().abandoned(), Abandoned::No);
            segment.detach().unwrap();
        });
    }
}

#[test]
fn of_who_has_a_permit() {
    let _watchdog = watchdog(MINUTES);
    each("permit", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let cards = segment.semaphore("cards", 1).unwrap();
        round.child(&[&name.address()]);
        let permit = cards.acquire_timeout(SOON).expect("no death keeps it");
        assert!(cards.try_acquire().unwrap().is_none(), "no death makes one");
        drop(permit);
        assert_eq!(cards.available().unwrap(), 1);
        segment.detach().unwrap();
    });
}

#[test]
fn of_who_sets_or_takes_an_event() {
    let _watchdog = watchdog(MINUTES);
    let mut set = 0;
    each("set", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let ready = segment.event("ready").unwrap();
        let waited = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| ready.wait_timeout(SOON));
            let end = round.child(&[&name.address()]);
            let is_set = ready.is_set().unwrap();
            assert!(!end.is_completed() || is_set);
            set += usize::from(is_set);
            // Whoever waits goes on, also if nobody was there to wake it.
            let _ = ready.set().unwrap();
            waiter.join().unwrap()
        });
        waited.unwrap();
        segment.detach().unwrap();
    });
    assert!(set >= 2, "{set}");
    each("take", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let ready = segment.event("ready").unwrap();
        ready.set().unwrap();
        let end = round.child(&[&name.address()]);
        assert!(!end.is_completed() || !ready.is_set().unwrap());
        let _ = ready.set().unwrap();
        ready.take_timeout(SOON).unwrap();
        segment.detach().unwrap();
    });
}

#[test]
fn of_who_notifies() {
    let _watchdog = watchdog(MINUTES);
    each("notify", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let changed = segment.condvar("changed").unwrap();
        round.child(&[&name.address()]);
        // Whoever comes after that waits and is woken as ever.
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut guard = segment.lock_timeout(SOON).unwrap();
                while guard.read_value::<u64>(0).unwrap() < 2 {
                    guard = changed.wait(guard, SOON).unwrap().0;
                }
            });
            segment.lock_timeout(SOON).unwrap().write_value(0, &2_u64).unwrap();
            changed.notify_all().unwrap();
            waiter.join().unwrap();
        });
        segment.detach().unwrap();
    });
}

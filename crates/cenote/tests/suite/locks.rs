//! The lock of every kind.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use cenote::{Abandoned, ErrorKind, Segment};
use testkit::agent;

use super::Place;

pub(crate) fn the_lock_excludes_other_processes(place: &Place) {
    let segment = Segment::create(place.address(), 64).unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("attach {}", place.address())).expect_ok();

    let guard = segment.lock().unwrap();
    assert_ne!(guard.abandoned(), Abandoned::Yes);
    other.ask("try-lock").expect_error("Timeout");
    other.tell("lock");
    assert!(other.reply(Duration::from_millis(100)).is_none(), "it waits");
    guard.unlock().unwrap();
    other.wait_for_reply().expect_ok();

    assert!(segment.try_lock().unwrap().is_none());
    other.ask("unlock").expect_ok();
    drop(segment.try_lock().unwrap().expect("it is free"));

    // A read-only attachment's lock keeps writers out.
    let reader = Segment::options().read_only().attach(place.address()).unwrap();
    let second = Segment::options().read_only().attach(place.address()).unwrap();
    if place.native {
        assert_eq!(reader.lock().unwrap_err().kind(), ErrorKind::PermissionDenied);
        return drop(Segment::remove(place.address()));
    }
    let guard = reader.lock().unwrap();
    other.ask("try-lock").expect_error("Timeout");
    assert_eq!(second.try_lock().unwrap().is_some(), place.shared_when_read_only, "readers and readers");
    drop(guard);
    let _ = Segment::remove(place.address());
}

pub(crate) fn the_lock_excludes_other_handles_and_threads_of_this_process(place: &Place) {
    let segment = Segment::create(place.address(), 64).unwrap();
    let handle = Segment::attach(place.address()).unwrap();
    let guard = segment.lock().unwrap();
    assert!(handle.try_lock().unwrap().is_none(), "two handles in one process");
    thread::scope(|scope| {
        scope.spawn(|| assert!(segment.try_lock().unwrap().is_none(), "two threads on one handle"));
    });
    drop(guard);
    thread::scope(|scope| {
        scope.spawn(|| {
            let guard = segment.lock().unwrap();
            assert!(handle.try_lock().unwrap().is_none());
            drop(guard);
        });
    });
    assert!(handle.try_lock().unwrap().is_some());
    let _ = Segment::remove(place.address());
}

pub(crate) fn a_timed_lock_waits_that_long_and_no_longer(place: &Place) {
    let segment = Segment::create(place.address(), 64).unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("attach {}", place.address())).expect_ok();
    other.ask("lock").expect_ok();

    let start = Instant::now();
    let error = segment.lock_timeout(Duration::from_millis(200)).unwrap_err();
    let waited = start.elapsed();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(waited >= Duration::from_millis(200), "{waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    let at_once = segment.lock_timeout(Duration::ZERO).unwrap_err();
    assert_eq!(at_once.kind(), ErrorKind::Timeout);

    // It gets the lock as soon as it is free, well before the time is over.
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let start = Instant::now();
            segment.lock_timeout(Duration::from_secs(50)).map(drop).unwrap();
            start.elapsed()
        });
        other.ask("unlock").expect_ok();
        assert!(waiter.join().unwrap() < Duration::from_secs(25));
    });
    let _ = Segment::remove(place.address());
}

pub(crate) fn a_killed_holder_frees_the_lock_or_it_can_be_broken(place: &Place) {
    if !place.frees_at_death {
        return a_killed_holder_leaves_a_lock_to_break(place);
    }
    let segment = Segment::create(place.address(), 64).unwrap();
    for round in 0..10 {
        let mut holder = agent::spawn();
        holder.ask(&format!("attach {}", place.address())).expect_ok();
        holder.ask("lock").expect_ok();
        if round % 2 == 0 {
            holder.kill();
        } else {
            thread::scope(|scope| {
                scope.spawn(|| holder.kill());
                drop(segment.lock_timeout(Duration::from_secs(30)).unwrap());
            });
            continue;
        }
        let guard = segment.lock_timeout(Duration::from_secs(30)).unwrap();
        let expected = if place.tells_abandoned { Abandoned::Yes } else { Abandoned::Unknown };
        assert_eq!(guard.abandoned(), expected);
        guard.unlock().unwrap();
        let guard = segment.lock().unwrap();
        assert_ne!(guard.abandoned(), Abandoned::Yes, "said once, to whoever came next");
    }
    let _ = Segment::remove(place.address());
}

fn a_killed_holder_leaves_a_lock_to_break(place: &Place) {
    let segment = Segment::create(place.address(), 64).unwrap();
    for _ in 0..3 {
        let mut holder = agent::spawn();
        holder.ask(&format!("attach {}", place.address())).expect_ok();
        holder.ask("lock").expect_ok();
        holder.kill();
        let error = segment.lock_timeout(Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.hint().contains("--break"), "{}", error.hint());
        // The memory can be had without it.
        Segment::attach(place.address()).unwrap().read_to_vec(..).unwrap();
        assert!(Segment::options().break_lock_by_force(place.address()).unwrap(), "it was stuck");
        assert!(!Segment::options().break_lock_by_force(place.address()).unwrap(), "it is free");
        let guard = segment.lock_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(guard.abandoned(), Abandoned::Unknown);
        assert!(Segment::attach(place.address()).unwrap().try_lock().unwrap().is_none(), "freed once");
        guard.unlock().unwrap();
    }
    place.end(segment);
}

pub(crate) fn no_count_is_lost_among_processes_and_threads(place: &Place) {
    const TIMES: u64 = 300;
    let segment = Segment::create(place.address(), 64).unwrap();
    let mut others: Vec<_> = (0..2).map(|_| agent::spawn()).collect();
    for other in &mut others {
        other.ask(&format!("attach {}", place.address())).expect_ok();
        other.tell(&format!("increment 8 {TIMES}"));
    }
    let start = Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..TIMES {
                    let guard = segment.lock().unwrap();
                    let value: u64 = guard.read_value(8).unwrap();
                    guard.write_value(8, &(value + 1)).unwrap();
                }
            });
        }
    });
    for other in &mut others {
        other.wait_for_reply().expect_ok();
    }
    assert_eq!(segment.read_value::<u64>(8).unwrap(), 5 * TIMES);
    let _ = Segment::remove(place.address());
}

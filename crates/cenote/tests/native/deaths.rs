//! A death at every step: before and after each store to shared memory and each system call, others go on, and nothing
//! is left behind.

use std::time::Duration;

use cenote::{Abandoned, ErrorKind, Segment};
use testkit::kill_points::{self, Child, Operation, Report, Round};
use testkit::watchdog;

use super::{Name, deaths_named};

pub(crate) const SOON: Duration = Duration::from_secs(5);
pub(crate) const MINUTES: Duration = Duration::from_secs(300);

pub(crate) fn serve_if_asked() {
    let all: Vec<_> = OPERATIONS.iter().chain(&deaths_named::OPERATIONS).copied().collect();
    kill_points::serve_if_asked(&all);
}

const OPERATIONS: [(&str, Operation); 10] = [
    ("create", |child| child.steps(|| std::mem::forget(Segment::create(child.word(0), 64).unwrap()))),
    ("create kept", |child| {
        child.steps(|| drop(Segment::options().keep().create(child.word(0), 64).unwrap()));
    }),
    ("create and leave", |child| child.steps(|| drop(Segment::create(child.word(0), 64).unwrap()))),
    ("create anew", |child| child.steps(|| drop(Segment::create(child.word(0), 32).unwrap()))),
    ("attach and leave", |child| child.steps(|| drop(Segment::attach(child.word(0)).unwrap()))),
    ("read and leave", |child| {
        child.steps(|| drop(Segment::options().read_only().attach(child.word(0)).unwrap()));
    }),
    ("remove", |child| child.steps(|| Segment::remove(child.word(0)).unwrap())),
    ("lock", lock),
    ("take over", lock),
    ("break", |child| {
        child.steps(|| assert!(Segment::options().break_lock_by_force(child.word(0)).unwrap()));
    }),
];

fn lock(child: &Child) {
    let segment = Segment::attach(child.word(0)).unwrap();
    child.steps(|| {
        let guard = segment.lock().unwrap();
        guard.write_at(0, b"written").unwrap();
        guard.unlock().unwrap();
    });
}

/// Kills the operation at each step, with the address as its word.
pub(crate) fn each(operation: &str, mut round: impl FnMut(&Name, &mut Round<'_>)) -> Report {
    let report = kill_points::each(operation, |one| {
        let name = Name::unique();
        round(&name, one);
        assert!(!name.is_there(), "something is left");
    });
    println!("{report}");
    report
}

/// Somebody makes it, whatever is there, uses it, and leaves nothing.
fn is_free_for_others(name: &Name) {
    let made = Segment::create(name.address(), 100).unwrap();
    assert_eq!(made.read_to_vec(..).unwrap(), [0; 100]);
    drop(made.lock_timeout(SOON).unwrap());
    made.detach().unwrap();
}

#[test]
fn of_who_creates() {
    let _watchdog = watchdog(MINUTES);
    for operation in ["create", "create and leave"] {
        let report = each(operation, |name, round| {
            round.child(&[&name.address()]);
            match Segment::attach(name.address()) {
                Ok(_) => panic!("its only holder is dead"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
            }
            is_free_for_others(name);
        });
        assert!(report.steps().len() > 10);
    }
    each("create kept", |name, round| {
        let end = round.child(&[&name.address()]);
        match Segment::attach(name.address()) {
            Ok(kept) => assert_eq!(kept.read_to_vec(..).unwrap(), [0; 64]),
            Err(error) => assert!(error.kind() == ErrorKind::NotFound && !end.is_completed(), "{error}"),
        }
        let _ = Segment::remove(name.address());
        is_free_for_others(name);
    });
}

/// In the place of one that all holders have died of.
#[test]
fn of_who_replaces_what_is_stale() {
    let _watchdog = watchdog(MINUTES);
    each("create anew", |name, round| {
        let made = Segment::create(name.address(), 64).unwrap();
        let reader = Segment::options().read_only().attach(name.address()).unwrap();
        drop((made, reader));
        assert!(name.is_there(), "a reader leaves it stale");
        round.child(&[&name.address()]);
        is_free_for_others(name);
    });
}

#[test]
fn of_who_comes_and_goes_beside_others() {
    let _watchdog = watchdog(MINUTES);
    for operation in ["attach and leave", "read and leave"] {
        each(operation, |name, round| {
            let segment = Segment::create(name.address(), 64).unwrap();
            segment.write_at(0, b"ours").unwrap();
            round.child(&[&name.address()]);
            let other = Segment::attach(name.address()).expect("it lives");
            assert_eq!(other.read_to_vec(..4).unwrap(), b"ours");
            drop(other.lock_timeout(SOON).unwrap());
            other.detach().unwrap();
            segment.detach().unwrap();
        });
    }
}

#[test]
fn of_who_removes() {
    let _watchdog = watchdog(MINUTES);
    each("remove", |name, round| {
        let segment = Segment::options().keep().create(name.address(), 64).unwrap();
        let end = round.child(&[&name.address()]);
        assert!(!end.is_completed() || !name.is_there());
        segment.write_at(0, b"who holds it keeps it").unwrap();
        let _ = Segment::remove(name.address());
        is_free_for_others(name);
    });
}

#[test]
fn of_who_has_the_lock_or_wants_it() {
    let _watchdog = watchdog(MINUTES);
    let mut told = 0;
    each("lock", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let end = round.child(&[&name.address()]);
        let guard = segment.lock_timeout(SOON).expect("no death keeps it");
        told += usize::from(guard.abandoned() == Abandoned::Yes);
        assert!(!end.is_completed() || guard.abandoned() == Abandoned::No);
        guard.unlock().unwrap();
        assert_eq!(segment.lock_timeout(SOON).unwrap().abandoned(), Abandoned::No, "told once");
        segment.detach().unwrap();
    });
    // With the lock: before and after the text is written, and before it is given back.
    assert!(told >= 2, "{told}");
}

/// Whoever takes over from the dead may die in turn.
#[test]
fn of_who_takes_over_and_of_who_breaks() {
    let _watchdog = watchdog(MINUTES);
    each("take over", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let dead = Segment::attach(name.address()).unwrap();
        // A holder that is gone without giving back, as a killed one.
        std::mem::forget(dead.lock().unwrap());
        dead.detach().unwrap();
        round.child(&[&name.address()]);
        drop(segment.lock_timeout(SOON).expect("no death keeps it"));
        segment.detach().unwrap();
    });
    each("break", |name, round| {
        let segment = Segment::create(name.address(), 64).unwrap();
        let stuck = Segment::attach(name.address()).unwrap();
        std::mem::forget(stuck.lock().unwrap());
        round.child(&[&name.address()]);
        let _ = Segment::options().break_lock_by_force(name.address()).unwrap();
        drop(segment.lock_timeout(SOON).unwrap());
        drop(stuck);
        segment.detach().unwrap();
    });
}

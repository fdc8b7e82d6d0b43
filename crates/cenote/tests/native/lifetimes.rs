//! How long a segment lasts: to its last holder, or until it is removed; and what a `kill -9` changes.

use std::time::Duration;

use cenote::catalog::{self, Verdict};
use cenote::{ErrorKind, Segment};
use testkit::agent;

use super::{Name, minute};

fn verdict(name: &Name) -> Verdict {
    catalog::look(&name.address().parse().unwrap()).unwrap().verdict
}

#[test]
fn it_goes_with_its_last_holder() {
    let (_watchdog, name) = (minute(), Name::unique());
    let first = Segment::create(name.address(), 100).unwrap();
    let second = Segment::attach(name.address()).unwrap();
    first.write_at(96, b"last").unwrap();
    first.detach().unwrap();
    assert!(name.is_there());
    assert_eq!(second.read_to_vec(96..).unwrap(), b"last");
    drop(second);
    assert!(!name.is_there());
    assert_eq!(Segment::attach(name.address()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_is_kept_stays_until_it_is_removed() {
    let (_watchdog, name) = (minute(), Name::unique());
    let made = Segment::options().keep().create(name.address(), 100).unwrap();
    made.write_at(0, b"still here").unwrap();
    drop(made);
    assert_eq!(verdict(&name), Verdict::Kept);
    let mut killed = agent::spawn();
    killed.ask(&format!("attach {}", name.address())).expect_ok();
    assert_eq!(verdict(&name), Verdict::Live);
    killed.kill();
    killed.wait_until_gone();
    assert_eq!(verdict(&name), Verdict::Kept);
    let late = Segment::attach(name.address()).unwrap();
    assert_eq!(late.read_to_vec(..10).unwrap(), b"still here");
    Segment::remove(name.address()).unwrap();
    assert!(!name.is_there());
    assert_eq!(late.read_to_vec(..10).unwrap(), b"still here", "who holds it keeps it");
    assert!(late.stat().unwrap().removed);
}

/// All holders killed: nobody can attach what they left, and whoever creates makes a new one.
#[test]
fn what_the_killed_leave_is_stale_and_in_nobodys_way() {
    let (_watchdog, name) = (minute(), Name::unique());
    for next_creates in [true, false] {
        let mut holders = [agent::spawn(), agent::spawn()];
        holders[0].ask(&format!("create {} 100", name.address())).expect_ok();
        holders[1].ask(&format!("attach {}", name.address())).expect_ok();
        holders[1].ask("write 0 2a").expect_ok();
        for holder in &mut holders {
            holder.kill();
            holder.wait_until_gone();
        }
        assert_eq!(verdict(&name), Verdict::Stale);
        if next_creates {
            let new = Segment::create(name.address(), 50).unwrap();
            assert_eq!((new.len(), new.read_value::<u8>(0).unwrap()), (50, 0));
        } else {
            assert_eq!(Segment::attach(name.address()).unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert!(!name.is_there());
    }
}

/// A reader may not remove it. The next one that may does.
#[test]
fn a_reader_that_is_last_leaves_it_stale() {
    let (_watchdog, name) = (minute(), Name::unique());
    let made = Segment::create(name.address(), 100).unwrap();
    let reader = Segment::options().read_only().attach(name.address()).unwrap();
    drop(made);
    assert_eq!(verdict(&name), Verdict::Live);
    let joined = Segment::attach(name.address()).expect("a reader is a holder");
    drop(joined);
    assert!(name.is_there());
    drop(reader);
    assert_eq!(verdict(&name), Verdict::Stale);
    let late = Segment::options().read_only().attach(name.address()).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound, "{late}");
    drop(Segment::create(name.address(), 10).unwrap());
    assert!(!name.is_there());
}

/// A process that is stopped while it attaches or leaves keeps others waiting, and no longer than they like.
#[test]
fn a_stopped_process_at_the_door_is_waited_for_no_longer_than_allowed() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::create(name.address(), 100).unwrap();
    let _door = Door::lock(&name);
    let error = Segment::options().timeout(Duration::from_millis(50)).attach(name.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let reader = Segment::options().read_only().timeout(Duration::from_millis(50)).attach(name.address());
    assert_eq!(reader.unwrap_err().kind(), ErrorKind::Timeout);
    segment.write_at(0, b"who is in works on").unwrap();
    drop(segment.lock().unwrap());
}

/// The byte that the page calls the door, locked as any program can.
struct Door(#[expect(dead_code, reason = "kept for its drop")] std::fs::File);

impl Door {
    fn lock(name: &Name) -> Self {
        let file = std::fs::File::options().read(true).write(true).open(name.path()).unwrap();
        testkit::system::lock_byte(&file, (1 << 62) - 1);
        Self(file)
    }
}

/// Who shrinks the file and makes it large again has put zeros in the place of data: those who come are told.
#[test]
fn what_was_found_cut_is_attached_by_nobody_any_more() {
    let (_watchdog, name) = (minute(), Name::unique());
    let segment = Segment::options().keep().create(name.address(), 64 << 10).unwrap();
    let file = std::fs::File::options().write(true).open(name.path()).unwrap();
    let whole = file.metadata().unwrap().len();
    file.set_len(16 << 10).unwrap();
    assert_eq!(segment.read_to_vec(..).unwrap_err().kind(), ErrorKind::Corrupt);
    file.set_len(whole).unwrap();
    drop(Segment::attach(name.address()).unwrap());
    segment.detach().unwrap();
    for options in [Segment::options(), Segment::options().read_only()] {
        let error = options.attach(name.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    Segment::remove(name.address()).unwrap();
}

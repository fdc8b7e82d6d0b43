//! Who holds a segment: as many as there are slots, and any number that only reads.

use cenote::catalog;
use cenote::{ErrorKind, Segment};
use testkit::agent;

use super::{Name, minute};

#[test]
fn there_is_room_for_256_and_the_next_one_is_told() {
    let (_watchdog, name) = (minute(), Name::unique());
    let first = Segment::create(name.address(), 8).unwrap();
    let mut all: Vec<Segment> = (1..256).map(|_| Segment::attach(name.address()).unwrap()).collect();
    let error = Segment::attach(name.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfResources, "{error}");
    assert!(error.hint().contains("read-only"), "{}", error.hint());
    let readers: Vec<Segment> =
        (0..1000).map(|_| Segment::options().read_only().attach(name.address()).unwrap()).collect();
    first.write_at(0, &[0x2a]).unwrap();
    assert!(readers.iter().all(|reader| reader.read_value::<u8>(0).unwrap() == 0x2a));
    // A place that is free is given away again.
    drop(all.swap_remove(100));
    let again = Segment::attach(name.address()).unwrap();
    assert_eq!(Segment::attach(name.address()).unwrap_err().kind(), ErrorKind::OutOfResources);
    drop((again, all, first));
    assert!(name.is_there(), "the readers hold it");
    drop(readers);
}

#[test]
fn holders_are_named_and_the_dead_are_not() {
    let (_watchdog, name) = (minute(), Name::unique());
    let _segment = Segment::create(name.address(), 8).unwrap();
    let mut other = agent::spawn();
    other.ask(&format!("attach-ro {}", name.address())).expect_ok();
    let look = || catalog::look(&name.address().parse().unwrap()).unwrap();
    let entry = look();
    let find = |pid: u32| entry.holders.iter().find(|holder| holder.pid == pid).expect("it is a holder");
    assert!(find(std::process::id()).writable && !find(other.pid()).writable);
    assert_eq!(entry.stat.creator, Some(std::process::id()));
    other.kill();
    other.wait_until_gone();
    // Other tests of this program start children, which have its mappings for a moment.
    assert!(look().holders.iter().all(|holder| holder.pid != other.pid()));
    let listed = catalog::list(Some(cenote::Kind::Cenote)).unwrap();
    assert!(listed.iter().any(|entry| entry.address.to_string() == name.address()));
    let posix = catalog::list(Some(cenote::Kind::Posix)).unwrap();
    assert!(posix.iter().all(|entry| !entry.address.to_string().contains(&name.0)), "it is listed once");
}

/// Two creators at a time, many times: one makes it, and nothing is left.
#[test]
fn of_many_who_create_and_leave_at_once_none_is_left_out_and_nothing_stays() {
    let (_watchdog, name) = (minute(), Name::unique());
    let mut all: Vec<_> = (0..4).map(|_| agent::spawn()).collect();
    for _ in 0..200 {
        for process in &mut all {
            process.tell(&format!("open-or-create {} 64", name.address()));
        }
        for process in &mut all {
            process.wait_for_reply().expect_ok();
        }
        for process in &mut all {
            process.tell("detach");
        }
        for process in &mut all {
            process.wait_for_reply().expect_ok();
        }
        assert!(!name.is_there());
    }
}

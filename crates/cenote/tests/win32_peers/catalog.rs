//! What is on the machine, and who has it open.

use cenote::catalog::{self, Verdict};
use cenote::{Kind, Segment};
use testkit::agent;

use super::{at, minute, peer, unique};

#[test]
fn their_mappings_are_listed_with_all_who_have_them_open() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("create {name} 70000")).expect_ok();
    let mut reader = agent::spawn();
    reader.ask(&format!("attach-ro {}", at(&name))).expect_ok();

    let listed = catalog::list(Some(Kind::Windows)).unwrap();
    let entry = listed.iter().find(|entry| entry.address.to_string() == at(&name)).expect("it is listed");
    assert_eq!(entry.stat.size, 73728);
    assert_eq!(entry.stat.attached, Some(2), "{entry:?}");
    assert_eq!(entry.verdict, Verdict::Live);
    let find = |pid: u32| entry.holders.iter().find(|holder| holder.pid == pid).expect("it is a holder");
    let theirs = find(peer.pid());
    assert!(theirs.writable && theirs.command.contains("win32"), "{theirs:?}");
    assert!(!theirs.user.is_empty(), "{theirs:?}");
    assert!(!find(reader.pid()).writable);
    assert_eq!(entry.holders.len(), 2, "looking makes nobody a holder");

    // Also under the name that means the same.
    let bare = name.strip_prefix(r"Local\").unwrap();
    let looked = catalog::look(&at(bare).parse().unwrap()).unwrap();
    assert_eq!((looked.holders.len(), looked.stat.attached), (2, Some(2)));

    reader.kill();
    reader.wait_until_gone();
    let looked = catalog::look(&at(&name).parse().unwrap()).unwrap();
    assert_eq!((looked.holders.len(), looked.stat.attached), (1, Some(1)));
    peer.finish();
    let listed = catalog::list(None).unwrap();
    assert!(
        listed.iter().all(|entry| entry.address.to_string() != at(&name)),
        "it went with its last handle"
    );
}

/// Wine remembers an owner only where access was given to others, and then it is a group.
#[test]
fn the_owner_is_told_by_name() {
    let (_watchdog, name) = (minute(), unique());
    let _segment = Segment::options().mode(0o666).create(at(&name), 64).unwrap();
    let entry = catalog::look(&at(&name).parse().unwrap()).unwrap();
    assert!(entry.owner.as_ref().is_some_and(|owner| !owner.is_empty()), "{entry:?}");
    assert_eq!(entry.holders[0].user, std::env::var("USERNAME").unwrap(), "{entry:?}");
}

#[test]
fn events_and_mutexes_are_no_segments() {
    let _watchdog = minute();
    let (Some(mut peer), name) = (peer(), unique()) else { return };
    peer.ask(&format!("make-event {name}")).expect_ok();
    let lock = unique();
    let segment = Segment::create(at(&lock), 64).unwrap();
    drop(segment.lock().unwrap());
    let listed = catalog::list(None).unwrap();
    let of = |name: &str| listed.iter().filter(|entry| entry.address.to_string().contains(name)).count();
    assert_eq!((of(&name), of(&lock)), (0, 1));
}

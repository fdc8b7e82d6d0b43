//! Kinds that this version or this system lacks: said so, and never a missing name.

use cenote::{ErrorKind, Segment};

use super::{Place, Says, minute};

const LATER: Says = Says {
    kind: ErrorKind::Unsupported,
    reason: &["this version", "yet"],
    hint: &["posix:", "file:", "sysv:", "qt:"],
};

#[test]
fn windows_mappings_are_unsupported_here_for_good() {
    let _watchdog = minute();
    let says = Says { reason: &["this system has no Windows"], hint: &["posix:"], ..LATER };
    for address in ["windows:Name", r"windows:Local\Name", r"windows:Global\Name", "qt:windows:name"] {
        says.check("create", address, Segment::create(address, 64));
        says.check("attach", address, Segment::attach(address));
        says.check("remove", address, Segment::remove(address));
    }
}

#[test]
fn locks_of_those_kinds_are_unsupported_too() {
    let _watchdog = minute();
    let place = Place::posix();
    let segment = Segment::create(place.address(), 64).unwrap();
    let lock_with = |lock: &str| Segment::options().lock_with(lock).unwrap().attach(place.address());
    for lock in ["cenote:camera", "memfd:scratch", "memfd:1/3"] {
        LATER.check("lock with", lock, lock_with(lock));
    }
    let says = Says { reason: &["no Windows mutexes"], hint: &[], ..LATER };
    says.check("lock with", r"windows:Local\Name", lock_with(r"windows:Local\Name"));
    drop(segment);
    Segment::remove(place.address()).unwrap();
}

//! `cenote lock --break`: a lock that a dead holder has left locked, and those that it must leave alone.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use testkit::names::ShmName;

use crate::support::{Place, Running, cenote, run, until};

/// A `qt:posix:` segment of its own.
struct QtPosix(ShmName);

impl QtPosix {
    fn new() -> Self {
        let this = Self(ShmName::unique("break"));
        run(["create", &this.address(), "--size", "64"]).ok();
        this
    }

    fn address(&self) -> String {
        format!("qt:posix:{}", self.0.name())
    }

    /// Leaves the lock locked: its holder is killed.
    fn abandon(&self) {
        // Killed when it is dropped.
        drop(self.holder());
    }

    fn holder(&self) -> Running {
        let mut holder = Running::start(
            cenote(["lock", &self.address(), "--", "sh", "-c", "echo mine; exec cat"]).stdin(Stdio::piped()),
        );
        assert_eq!(holder.line(), "mine");
        holder
    }
}

#[test]
fn a_dead_holders_lock_is_seen_named_and_freed() {
    let place = QtPosix::new();
    let at = &place.address();
    place.abandon();
    let stuck = run(["write", at, "text", "--timeout", "100ms"]);
    assert!(stuck.failed(3).contains("cenote lock --break"), "{stuck:?}");
    let shown = run(["show", at]);
    assert!(shown.ok().contains("by nobody that can be seen"), "{shown:?}");
    assert_eq!(run(["show", at, "--json"]).json()["lock"]["state"], "held");

    let broken = run(["lock", "--break", at]);
    assert_eq!(broken.ok(), format!("broke the lock of {at}\n"));
    assert!(broken.stderr.contains("no process had it open: "), "{broken:?}");
    run(["write", at, "text", "--timeout", "10s"]).ok();
    assert_eq!(run(["lock", "--break", at]).ok(), format!("nobody has the lock of {at}\n"));
    run(["rm", at]).ok();
}

#[test]
fn a_lock_that_the_living_may_hold_is_broken_by_force_alone() {
    let place = QtPosix::new();
    let at = &place.address();
    let holder = place.holder();
    let refused = run(["lock", "--break", at]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let named = format!("it may be held by process {} ", holder.pid());
    assert!(refused.stderr.contains(&named), "{refused:?}");
    assert!(refused.stderr.contains("`--force`"), "{refused:?}");
    run(["lock", at, "--timeout", "0", "--", "true"]).failed(3);
    let shown = run(["show", at, "--json"]).json();
    assert_eq!(shown["lock"]["users"][0]["pid"], holder.pid());

    // A waiter has it open as well: nobody can tell the two apart.
    let mut waiter = Running::start(&mut cenote(["lock", at, "--", "echo", "next"]));
    until("the waiter has it open", || {
        let users = &run(["show", at, "--json"]).json()["lock"]["users"];
        users.as_array().is_some_and(|users| users.len() == 2)
    });
    run(["lock", "--break", "--force", at]).ok();
    assert_eq!(waiter.line(), "next", "the waiter has it now");
    assert_eq!(waiter.end().code, 0);
    drop(holder);
    run(["rm", at]).ok();
}

#[test]
fn a_named_semaphore_beside_a_segment_is_broken_in_the_same_way() {
    let (place, semaphore) = (Place::posix(), QtPosix::new());
    let at = place.address.as_str();
    run(["write", at, "text", "--create"]).ok();
    semaphore.abandon();
    let lock = format!("posix:{}", semaphore.0.name());
    run(["read", at, "--lock-with", &lock, "--timeout", "0"]).failed(3);
    run(["lock", "--break", at, "--lock-with", &lock]).ok();
    assert_eq!(run(["read", at, "--lock-with", &lock, "--timeout", "10s"]).ok(), "text\n");
}

#[test]
fn locks_of_the_kernel_are_not_broken() {
    // A native segment's lies in it: see `native`.
    for place in Place::all().into_iter().filter(|place| !place.address.starts_with("cenote:")) {
        let at = place.address.as_str();
        run(["write", at, "text", "--create"]).ok();
        let refused = run(["lock", "--break", at]);
        assert!(refused.failed(1).contains("belongs to the kernel"), "{refused:?}");
        let refused = run(["lock", "--break", "--force", at]);
        refused.failed(1);
        run(["rm", at]).ok();
        let missing = run(["lock", "--break", at]);
        missing.failed(1);
    }
    run(["lock", "--force", "posix:/cenote-none", "--", "true"]).failed(2);
}

/// Looks at a lock that others take and give back all the time, and must not take it from them in between.
#[test]
fn a_lock_in_use_is_not_broken_between_two_looks() {
    let place = QtPosix::new();
    let at = &place.address();
    let busy = AtomicBool::new(true);
    let counted = thread::scope(|scope| {
        let users = [1, 2].map(|_| {
            scope.spawn(|| {
                let segment = cenote::Segment::attach(at.as_str()).unwrap();
                let mut count = 0_u64;
                while busy.load(Ordering::Relaxed) {
                    let guard = segment.lock_timeout(Duration::from_secs(20)).unwrap();
                    let seen: u64 = guard.read_value(0).unwrap();
                    thread::yield_now();
                    guard.write_value(0, &(seen + 1)).unwrap();
                    guard.unlock().unwrap();
                    count += 1;
                }
                count
            })
        });
        let ended = (0..100).map(|_| run(["lock", "--break", at]));
        let broke: Vec<_> =
            ended.filter(|ended| ended.code == 0 && ended.stdout().starts_with("broke")).collect();
        busy.store(false, Ordering::Relaxed);
        let counted = users.map(|user| user.join().unwrap()).iter().sum::<u64>();
        assert!(broke.is_empty(), "{broke:?}");
        counted
    });
    let segment = cenote::Segment::attach(at.as_str()).unwrap();
    assert_eq!(segment.read_value::<u64>(0).unwrap(), counted, "two had the lock");
    run(["rm", at]).ok();
}

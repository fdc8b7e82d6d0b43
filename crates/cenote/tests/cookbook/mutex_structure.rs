//! Recipe `mutex-structure`.

use testkit::names::ShmName;

use crate::programs::{Program, classic, pairings, two};
use crate::{WellKnown, is_in_shm, minutes};

const MENDED: &str = "somebody died while changing the accounts: mended, ";

#[track_caller]
fn work_and_die(one: &Program, other: &Program, arguments: &[&str]) {
    let with = |role| [&[role], arguments].concat();
    assert_eq!(one.run(&with("begin")), "begin: 1000 and 0\n");
    let (first, second) = (one.start(&with("work")), other.start(&with("work")));
    assert_eq!(first.finish(), "work: moved 1000 times\n");
    assert_eq!(second.finish(), "work: moved 1000 times\n");

    let mut holder = one.start(&with("hold"));
    holder.until("hold: has the lock");
    let waiting = other.start(&with("work"));
    holder.kill();
    let said = waiting.finish();
    assert_eq!(said, format!("{MENDED}-1001 and 2001\nwork: moved 1000 times\n"), "{one:?}, {other:?}");
    assert_eq!(one.run(&with("work")), "work: moved 1000 times\n");
    assert_eq!(other.run(&with("end")), "end: -3001 and 4001 after 4000 moves\n");
}

#[test]
fn both_go_on_after_a_killed_holder_and_nothing_is_lost() {
    let _watchdog = minutes();
    for (one, other) in pairings("mutex-structure", &["mutex-structure"]) {
        let name = ShmName::unique("mutex");
        work_and_die(&one, &other, &[name.name()]);
        assert!(!name.path().exists());
    }
}

#[test]
fn the_well_known_name_is_the_default() {
    let _watchdog = minutes();
    if is_in_shm("/mutex-structure") {
        return testkit::skipped("somebody uses the name /mutex-structure");
    }
    let _cleaner = WellKnown("posix:/mutex-structure");
    let (ours, classic) = two("mutex-structure");
    work_and_die(&ours, &classic, &[]);
}

#[test]
fn a_robust_mutex_tells_of_its_dead_owner() {
    let _watchdog = minutes();
    let Some(classic) = classic("mutex-structure") else { return };
    assert_eq!(classic.run(&["robust"]), "robust: the owner died; mended, 999 and 1\n");
}

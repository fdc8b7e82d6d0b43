//! Recipe `lockf-children`.

use testkit::names::ShmName;

use crate::programs::{Program, ours, pairings, two};
use crate::{WellKnown, is_in_shm, minutes};

#[track_caller]
fn count(one: &Program, other: &Program, arguments: &[&str]) {
    let with = |role| [&[role], arguments].concat();
    assert_eq!(one.run(&with("begin")), "begin: the counter is 0\n");
    let (first, second) = (one.start(&with("count")), other.start(&with("count")));
    for counting in [first, second] {
        assert_eq!(counting.finish(), "count: 4 children have added 1000 each\n");
    }
    assert_eq!(other.run(&with("end")), "end: the counter is 8000\n", "{one:?}, {other:?}");
}

#[test]
fn nothing_is_lost_between_the_children_of_any_two() {
    let _watchdog = minutes();
    for (one, other) in pairings("lockf-children", &["lockf-children"]) {
        let name = ShmName::unique("lockf");
        count(&one, &other, &[name.name()]);
        assert!(!name.path().exists());
    }
}

#[test]
fn the_well_known_name_is_the_default() {
    let _watchdog = minutes();
    if is_in_shm("/lockf-children") {
        return testkit::skipped("somebody uses the name /lockf-children");
    }
    let _cleaner = WellKnown("posix:/lockf-children");
    let (ours, classic) = two("lockf-children");
    count(&ours, &classic, &[]);
}

#[test]
fn without_a_segment_there_is_nothing_to_count_and_that_is_said() {
    let _watchdog = minutes();
    let name = ShmName::unique("lockf");
    let said = ours("lockf-children").run_refused(&["count", name.name()]);
    assert!(said.contains(&format!("cannot attach posix:{}", name.name())), "{said}");
    assert!(said.contains("\n  hint: ") && said.contains("a child failed"), "{said}");
}

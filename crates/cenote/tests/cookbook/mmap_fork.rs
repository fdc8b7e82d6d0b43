//! Recipe `mmap-fork`.

use crate::minutes;
use crate::programs::{classic, ours};

const SAID: &str = "child: read \"from the parent\"\nparent: read \"from the child\"\n";

#[test]
fn a_parent_and_its_child_share_memory_without_a_name() {
    let _watchdog = minutes();
    assert_eq!(ours("mmap-fork").run(&["parent"]), SAID);
    let Some(classic) = classic("mmap-fork") else { return };
    assert_eq!(classic.run(&["parent"]), SAID);
}

#[test]
fn a_c_program_is_a_child_of_ours() {
    let _watchdog = minutes();
    let Some(classic) = classic("mmap-fork") else { return };
    assert_eq!(ours("mmap-fork").run(&["parent", classic.0.to_str().unwrap()]), SAID);
}

#[test]
fn a_child_that_fails_or_never_takes_the_memory_is_an_error() {
    let _watchdog = minutes();
    let ours = ours("mmap-fork");
    assert!(ours.run_refused(&["parent", "/bin/false"]).contains("the child failed"));
    // Without a parent there is no connection, but what the test gives it: nothing.
    ours.run_refused(&["child"]);
    let Some(classic) = classic("mmap-fork") else { return };
    classic.run_refused(&["child"]);
}

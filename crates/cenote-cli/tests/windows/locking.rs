//! `cenote lock`: the command's status is passed on, and it goes when we go.

use std::process::Stdio;

use cenote::{Abandoned, Segment};
use testkit::names::TempDir;

use crate::support::{PATIENCE, Running, address, cenote, minute, run, wait_until};

const COMMAND: &str = env!("CARGO_BIN_EXE_cenote");

#[test]
fn the_status_is_that_of_the_command() {
    let _watchdog = minute();
    let address = address();
    let _segment = Segment::create(&*address, 64).unwrap();
    for status in [0, 7, 255, 256, 300] {
        let outcome = run(&["lock", &address, "--", "cmd", "/c", &format!("exit {status}")]);
        assert_eq!(outcome.code, Some(status), "{outcome:?}");
    }
    run(&["lock", &address, "--", "no-such-program-anywhere"]).failed(127);
}

#[test]
fn the_lock_is_held_while_the_command_runs() {
    let (_watchdog, folder) = (minute(), TempDir::new());
    let (address, other) = (address(), format!("file:{}", folder.join("other").display()));
    let segment = Segment::create(&*address, 64).unwrap();
    let _other = Segment::create(&*other, 64).unwrap();
    // The command reads until its input ends.
    let words = ["lock", &address, "--", COMMAND, "write", &other, "-"];
    let mut locked = Running::start(cenote(&words).stdin(Stdio::piped()));
    wait_until("the lock", || segment.try_lock().unwrap().is_none());
    run(&["read", &address, "--timeout", "50ms"]).failed(3);
    drop(locked.child.stdin.take());
    assert_eq!(locked.end(), 0);
    assert_eq!(segment.lock().unwrap().abandoned(), Abandoned::No);
}

/// The command is another `cenote lock`: that its lock is free again shows that it has ended.
#[test]
fn a_killed_lock_takes_its_command_down_and_frees_the_lock() {
    let (_watchdog, folder) = (minute(), TempDir::new());
    let (address, inner_address) = (address(), format!("file:{}", folder.join("inner").display()));
    let other = format!("file:{}", folder.join("other").display());
    let segment = Segment::create(&*address, 64).unwrap();
    let inner = Segment::create(&*inner_address, 64).unwrap();
    let _other = Segment::create(&*other, 64).unwrap();
    let words =
        ["lock", &address, "--", COMMAND, "lock", &inner_address, "--", COMMAND, "write", &other, "-"];
    let mut locked = Running::start(cenote(&words).stdin(Stdio::piped()));
    wait_until("both locks", || inner.try_lock().unwrap().is_none());
    assert!(segment.try_lock().unwrap().is_none());
    locked.child.kill().unwrap();
    wait_until("the end of the inner command", || inner.try_lock().unwrap().is_some());
    let guard = segment.lock_timeout(PATIENCE).unwrap();
    assert_eq!(guard.abandoned(), Abandoned::Yes);
}

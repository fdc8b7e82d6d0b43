//! Member by member what Qt's classes do, and what ours do instead: the tests that the table of `docs/qt.md` names.
//!
//! Each asks every Qt there is, and ours beside it. Where Qt's versions differ, the test says so.
#![cfg(target_os = "linux")]

mod errors;
mod native_ipc_key;
#[path = "../errors/other_user.rs"]
mod other_user;
mod semaphore_errors;
mod shared_memory;
mod system_semaphore;
mod table;

use std::fmt::Debug;
use std::process::Command;
use std::time::Duration;

use cenote::{ErrorKind, Result};
use testkit::qt::QtKey;
use testkit::{Peer, Reply, peers, watchdog};

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

/// Runs a test with each Qt there is, and a key of its own.
fn with_each_qt(test: impl Fn(&mut Peer, &QtKey)) {
    let _watchdog = watchdog(Duration::from_secs(120));
    for mut qt in peers::each_qt() {
        let key = QtKey::unique();
        test(&mut qt, &key);
        qt.finish();
    }
}

/// Runs a test with a Qt that has native keys.
fn with_native_keys(test: impl Fn(&mut Peer)) {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(mut qt) = peers::pyside() else { return };
    test(&mut qt);
    qt.finish();
}

/// Whether it is of the versions that have native keys.
fn has_native_keys(qt: &mut Peer) -> bool {
    let version = qt.ask("version").expect_ok().to_owned();
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    numbers[..2] >= [6, 6][..]
}

fn address(key: &QtKey) -> String {
    format!("qt:{}", key.text())
}

/// Makes sure that both sides refuse it, and for the same reason.
#[track_caller]
fn same_error<T: Debug>(theirs: &Reply, ours: Result<T>) {
    let ours = ours.expect_err("ours must refuse it, too");
    theirs.expect_error(&ours.kind().to_string());
}

#[track_caller]
fn refused<T: Debug>(ours: Result<T>, kind: ErrorKind) {
    let error = ours.expect_err("it must be refused");
    assert_eq!(error.kind(), kind, "{error}");
}

/// The command in an IPC namespace of its own, where a limit of the kernel's has another value. Only root can.
fn where_the_kernel_says(command: &Command, limit: &str, value: &str) -> Command {
    let mut limited = Command::new("unshare");
    let script = format!("echo {value} > /proc/sys/kernel/{limit} && exec \"$0\" \"$@\"");
    limited.args(["--ipc", "sh", "-c", &script]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    limited
}

/// The commands that start each Qt there is.
fn each_command() -> impl Iterator<Item = Command> {
    ["qt5", "qt6", "pyside"].into_iter().filter_map(peers::command)
}

/// What the kernel lets a process do with the System V segment `id` that it has attached: `rw-s`, `r--s`.
fn rights(pid: u32, id: i32) -> String {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let is_segment =
        |line: &&str| line.contains("/SYSV") && line.split_whitespace().nth(4) == Some(&id.to_string());
    let line = maps.lines().find(is_segment).unwrap_or_else(|| panic!("{id} is not mapped:\n{maps}"));
    line.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

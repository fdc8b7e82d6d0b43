//! `QSystemSemaphore::SystemSemaphoreError`, error by error: what provokes it in Qt, provoked in ours.

use std::process::Command;
use std::time::Duration;

use cenote::qt::NativeKey;
use cenote::{ErrorKind, SystemSemaphore};
use testkit::qt::QtKey;
use testkit::words::{decode, encode};
use testkit::{Peer, agent, system, watchdog};

use super::other_user::other_user;
use super::{each_command, refused, same_error, where_the_kernel_says, with_each_qt, with_native_keys};

#[test]
fn no_error() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        assert_eq!(qt.ask("sem-error").expect_ok(), "0");
        assert_eq!(qt.ask("sem-error-string").expect_ok(), "");
        drop(SystemSemaphore::open(key.key(), 1).unwrap());
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn permission_denied() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(mut our_stranger) = other_user() else { return };
    for mut command in each_command() {
        let key = QtKey::unique();
        let mut qt = Peer::spawn_from(Command::new(command.get_program()).args(command.get_args()));
        let mut stranger = Peer::spawn_from(system::as_other_user(&mut command));
        let open = format!("sem-open {} 1", key.key());
        qt.ask(&open).expect_ok();
        for what in ["open", "create"] {
            stranger.ask(&format!("sem-{what} {} 1", key.key())).expect_error("PermissionDenied");
            assert_eq!(stranger.ask("sem-error").expect_ok(), "1");
        }
        our_stranger.agent.ask(&open).expect_error("PermissionDenied");
        qt.finish();
        let ours = SystemSemaphore::open(key.key(), 1).unwrap();
        stranger.ask(&open).expect_error("PermissionDenied");
        our_stranger.agent.ask(&open).expect_error("PermissionDenied");
        drop(ours);
        stranger.finish();
    }
}

#[test]
fn key_error() {
    with_each_qt(|qt, _| {
        // Qt says so when it is first used, ours at once.
        qt.ask("sem-open  1").expect_ok();
        let theirs = qt.ask("sem-acquire");
        assert_eq!(qt.ask("sem-error").expect_ok(), "2");
        same_error(&theirs, SystemSemaphore::open("", 1));
        same_error(&theirs, SystemSemaphore::create("", 1));
    });
}

#[test]
fn key_error_of_native_keys() {
    with_native_keys(|qt| {
        for (text, kind) in
            [("windows:x", ErrorKind::Unsupported), ("systemv:/no/such/folder", ErrorKind::KeyError)]
        {
            qt.ask(&format!("sem-open native:{} 1", encode(text))).expect_error("KeyError");
            refused(SystemSemaphore::open(text.parse::<NativeKey>().unwrap(), 1), kind);
        }
    });
}

#[test]
fn already_exists_and_not_found_are_never_said() {
    with_each_qt(|qt, key| {
        // One that is there is opened, and one that is not is made: in both modes, on both sides.
        for there in [false, true] {
            for what in ["sem-open", "sem-create"] {
                qt.ask(&format!("{what} {} 1", key.key())).expect_ok();
                assert_eq!(qt.ask("sem-error").expect_ok(), "0");
                let ours = if what == "sem-open" { SystemSemaphore::open } else { SystemSemaphore::create };
                drop(ours(key.key(), 1).unwrap());
                if !there {
                    qt.ask("sem-close").expect_ok();
                }
            }
        }
        qt.ask("sem-close").expect_ok();
        // Only what Qt cannot do, taking one away by its key, can miss it.
        let _ = SystemSemaphore::remove(key.key());
        refused(SystemSemaphore::remove(key.key()), ErrorKind::NotFound);
    });
}

#[test]
fn out_of_resources() {
    let _watchdog = watchdog(Duration::from_secs(60));
    if !system::has_root() {
        return;
    }
    for command in each_command() {
        let key = QtKey::unique();
        let none = "250 32000 32 0";
        let mut qt = Peer::spawn(where_the_kernel_says(&command, "sem", none));
        let mut ours = Peer::spawn(where_the_kernel_says(&agent::command(), "sem", none));
        let open = format!("sem-open {} 1", key.key());
        qt.ask(&open).expect_error("OutOfResources");
        assert_eq!(qt.ask("sem-error").expect_ok(), "5");
        ours.ask(&open).expect_error("OutOfResources");
        qt.finish();
        ours.finish();
    }
}

#[test]
fn a_value_beyond_the_systems_is_out_of_resources_in_qt() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("sem-open {} 40000", key.key())).expect_error("OutOfResources");
        qt.ask("sem-close").expect_ok();
        refused(SystemSemaphore::open(key.key(), 40000), ErrorKind::InvalidSize);
        let ours = SystemSemaphore::open(key.key(), 32767).unwrap();
        qt.ask(&format!("sem-open {} 1", key.key())).expect_ok();
        qt.ask("sem-release 1").expect_error("OutOfResources");
        refused(ours.release(1), ErrorKind::LockError);
        qt.ask("sem-close").expect_ok();
        // A negative one is 0 in Qt, and cannot be written in ours.
        drop(ours);
        qt.ask(&format!("sem-open {} -1", key.key())).expect_ok();
        let ours = SystemSemaphore::open(key.key(), 9).unwrap();
        assert!(!ours.try_acquire().unwrap());
        qt.ask("sem-close").expect_ok();
    });
}

#[test]
fn unknown_error() {
    with_native_keys(|qt| {
        qt.ask("sem-open native:posix:/a/b 1").expect_error("Unknown");
        assert_eq!(qt.ask("sem-error").expect_ok(), "6");
        refused(SystemSemaphore::open("posix:/a/b".parse::<NativeKey>().unwrap(), 1), ErrorKind::KeyError);
    });
}

#[test]
fn an_error_has_a_text() {
    with_each_qt(|qt, _| {
        qt.ask("sem-open  1").expect_ok();
        qt.ask("sem-acquire").expect_error("KeyError");
        let theirs = decode(qt.ask("sem-error-string").expect_ok());
        assert!(theirs.starts_with("QSystemSemaphore::") && theirs.contains("key is empty"), "{theirs}");
        let ours = SystemSemaphore::open("", 1).unwrap_err().to_string();
        assert!(ours.contains("the key is empty"), "{ours}");
    });
}

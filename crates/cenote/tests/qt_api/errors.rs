//! `QSharedMemory::SharedMemoryError`, error by error: what provokes it in Qt, provoked in ours.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;
use testkit::qt::{PROJECT, QtKey};
use testkit::words::{decode, encode};
use testkit::{Peer, agent, system, watchdog};

use super::other_user::other_user;
use super::{
    address, each_command, refused, same_error, where_the_kernel_says, with_each_qt, with_native_keys,
};

const SIGBUS: i32 = 7;

#[test]
fn no_error() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        assert_eq!(qt.ask("error").expect_ok(), "0");
        assert_eq!(qt.ask("error-string").expect_ok(), "");
        Segment::attach(address(key)).unwrap();
    });
}

#[test]
fn permission_denied() {
    let _watchdog = watchdog(Duration::from_secs(120));
    if !system::has_root() {
        return;
    }
    let Some(mut our_stranger) = other_user() else { return };
    for mut command in each_command() {
        let key = QtKey::unique();
        let mut qt = Peer::spawn_from(Command::new(command.get_program()).args(command.get_args()));
        let mut stranger = Peer::spawn_from(system::as_other_user(&mut command));
        for ours_made_it in [false, true] {
            let mut ours = None;
            if ours_made_it {
                ours = Some(Segment::create(address(&key), 64).unwrap());
            } else {
                qt.ask(&format!("create {} 64", key.key())).expect_ok();
            }
            for what in ["attach", "attach-ro"] {
                stranger.ask(&format!("{what} {}", key.key())).expect_error("PermissionDenied");
                assert_eq!(stranger.ask("error").expect_ok(), "1");
                our_stranger.agent.ask(&format!("{what} {}", address(&key))).expect_error("PermissionDenied");
            }
            // The lock is the owner's, whoever asks for what.
            stranger.ask(&format!("create {} 64", key.key())).expect_error("PermissionDenied");
            our_stranger.agent.ask(&format!("create {} 64", address(&key))).expect_error("PermissionDenied");
            our_stranger.agent.ask(&format!("remove {}", address(&key))).expect_error("PermissionDenied");
            if ours.is_none() {
                qt.ask("detach").expect_ok();
            }
        }
        stranger.finish();
        qt.finish();
    }
}

#[test]
fn invalid_size() {
    with_each_qt(|qt, key| {
        let theirs = qt.ask(&format!("create {} 0", key.key()));
        assert_eq!(qt.ask("error").expect_ok(), "2");
        same_error(&theirs, Segment::create(address(key), 0));
        // Ours takes no negative number.
        qt.ask(&format!("create {} -1", key.key())).expect_error("InvalidSize");
        refused(Segment::create(address(key), u64::MAX), ErrorKind::InvalidSize);
    });
}

#[test]
fn invalid_size_by_the_limit_of_the_system() {
    both_where_the_kernel_says("shmmax", "4096", "InvalidSize");
}

#[test]
fn key_error() {
    with_each_qt(|qt, _| {
        qt.ask("set-key ").expect_ok();
        qt.ask("create  64").expect_error("KeyError");
        let theirs = qt.ask("attach ");
        assert_eq!(qt.ask("error").expect_ok(), "3");
        same_error(&theirs, Segment::attach("qt:"));
        refused(Segment::create("qt:", 64), ErrorKind::KeyError);
    });
}

#[test]
fn key_error_of_native_keys() {
    with_native_keys(|qt| {
        for text in ["posix:", "nonsense", "systemv:", "systemv-0:/x", "posix:/x?other=1"] {
            let theirs = qt.ask(&format!("create native:{} 64", encode(text)));
            theirs.expect_error("KeyError");
            assert!(text.parse::<cenote::qt::NativeKey>().is_err(), "{text}");
        }
        // Where there is no folder for the key file. Nobody can have a segment there: ours says so, when asked to join.
        qt.ask("create native:systemv:/no/such/folder 64").expect_error("KeyError");
        qt.ask("attach native:systemv:/no/such/folder").expect_error("KeyError");
        refused(Segment::attach("qt:systemv:/no/such/folder"), ErrorKind::NotFound);
        refused(Segment::create("qt:systemv:/no/such/folder", 64), ErrorKind::KeyError);
        // A type that this system does not have.
        qt.ask("create native:windows:x 64").expect_error("KeyError");
        refused(Segment::create("qt:windows:x", 64), ErrorKind::Unsupported);
        // Project ids whose System V keys are negative: Qt says what an earlier call had failed with.
        let folder = TempDir::new();
        let key = QtKey::systemv(folder.path(), 200);
        qt.ask(&format!("create {} 64", key.word())).expect_error("AlreadyExists");
        refused(Segment::create(address(&key), 64), ErrorKind::KeyError);
    });
}

#[test]
fn already_exists() {
    with_each_qt(|qt, key| {
        let ours = Segment::create(address(key), 64).unwrap();
        let theirs = qt.ask(&format!("create {} 64", key.key()));
        assert_eq!(qt.ask("error").expect_ok(), "4");
        same_error(&theirs, Segment::create(address(key), 64));
        drop(ours);
    });
}

#[test]
fn not_found() {
    with_each_qt(|qt, key| {
        refused(Segment::remove(address(key)), ErrorKind::NotFound);
        let theirs = qt.ask(&format!("attach {}", key.key()));
        assert_eq!(qt.ask("error").expect_ok(), "5");
        same_error(&theirs, Segment::attach(address(key)));
        same_error(&theirs, Segment::stat_of(address(key)));
        // The key file alone is no segment.
        fs::write(std::env::temp_dir().join(cenote::qt::legacy_segment_name(key.key())), "").unwrap();
        same_error(&qt.ask(&format!("attach {}", key.key())), Segment::attach(address(key)));
        Segment::remove(address(key)).unwrap();
    });
}

#[test]
fn lock_error() {
    with_each_qt(|qt, key| {
        // In Qt the object was never attached, so that it has no lock; ours is attached, or there is none.
        qt.ask(&format!("set-key {}", key.key())).expect_ok();
        qt.ask("lock").expect_error("LockError");
        assert_eq!(qt.ask("error").expect_ok(), "6");
        qt.ask("unlock").expect_error("LockError");
        // In ours somebody has removed the lock while it was held, which Qt makes nothing of.
        let ours = Segment::create(address(key), 64).unwrap();
        qt.ask(&format!("attach {}", key.key())).expect_ok();
        let guard = ours.lock().unwrap();
        remove_semaphore(key);
        refused(guard.unlock(), ErrorKind::LockError);
        qt.ask("lock").expect_ok();
        remove_semaphore(key);
        qt.ask("unlock").expect_ok();
        qt.ask("detach").expect_ok();
        drop(ours);
        let _ = Segment::remove(address(key));
        let _ = cenote::SystemSemaphore::remove(key.key());
    });
}

/// Removes the set behind the lock of a legacy key, as `ipcrm` does, and leaves the key file.
fn remove_semaphore(key: &QtKey) {
    let file = std::env::temp_dir().join(cenote::qt::legacy_semaphore_name(key.key()));
    let facts = fs::metadata(&file).unwrap();
    // As ftok(3) makes it.
    let key = u32::from(PROJECT) << 24 | (facts.dev() as u32 & 0xff) << 16 | facts.ino() as u32 & 0xffff;
    let removed = Command::new("ipcrm").args(["-S", &format!("{key:#x}")]).status().unwrap();
    assert!(removed.success(), "{removed}");
}

#[test]
fn out_of_resources() {
    // No page of System V memory; no semaphore for the lock.
    both_where_the_kernel_says("shmall", "1", "OutOfResources");
    both_where_the_kernel_says("sem", "250 32000 32 0", "OutOfResources");
}

/// Asks both for a segment of 10000 bytes under a limit of the kernel's.
fn both_where_the_kernel_says(limit: &str, value: &str, kind: &str) {
    let _watchdog = watchdog(Duration::from_secs(60));
    if !system::has_root() {
        return;
    }
    for command in each_command() {
        let key = QtKey::unique();
        let mut qt = Peer::spawn(where_the_kernel_says(&command, limit, value));
        let mut ours = Peer::spawn(where_the_kernel_says(&agent::command(), limit, value));
        qt.ask(&format!("create {} 10000", key.key())).expect_error(kind);
        assert_eq!(qt.ask("error").expect_ok(), if kind == "InvalidSize" { "2" } else { "7" });
        ours.ask(&format!("create {} 10000", address(&key))).expect_error(kind);
        qt.finish();
        ours.finish();
    }
}

#[test]
fn out_of_resources_where_dev_shm_is_full() {
    let _watchdog = watchdog(Duration::from_secs(60));
    if !system::has_root() {
        return;
    }
    let Some(mut command) = testkit::peers::command("pyside") else { return };
    let mut qt = Peer::spawn_from(system::in_small_shm(&mut command, 1 << 20));
    // Qt reserves nothing, and the kernel has no other way to say so.
    qt.ask("create native:posix:/large 8388608").expect_ok();
    qt.tell(&format!("write 0 {}", "5a".repeat(3 << 19)));
    assert_eq!(qt.wait_until_gone().signal(), Some(SIGBUS));
    let mut ours = Peer::spawn_from(system::in_small_shm(&mut agent::command(), 1 << 20));
    ours.ask("create qt:posix:/large 8388608").expect_error("OutOfResources");
    ours.ask("create-sparse qt:posix:/large 8388608").expect_ok();
    ours.finish();
}

#[test]
fn unknown_error() {
    with_native_keys(|qt| {
        // What Qt has no word for is a name that cannot be, and an object without a size.
        qt.ask("create native:posix:/a/b 64").expect_error("Unknown");
        assert_eq!(qt.ask("error").expect_ok(), "8");
        refused(Segment::create("qt:posix:/a/b", 64), ErrorKind::KeyError);
        let key = QtKey::posix();
        fs::write(key.posix_path(), "").unwrap();
        qt.ask(&format!("attach {}", key.word())).expect_error("Unknown");
        refused(Segment::attach(address(&key)), ErrorKind::InvalidSize);
    });
}

#[test]
fn an_error_is_the_objects_in_qt_and_the_calls_in_ours() {
    with_each_qt(|qt, key| {
        assert_eq!(qt.ask(&format!("create {} 64", key.key())).ok(), Some(""));
        qt.ask(&format!("create {} 64", key.key())).expect_error("AlreadyExists");
        qt.ask("detach").expect_ok();
        assert_eq!(qt.ask("error").expect_ok(), "4", "it outlives a call that went well");
        qt.ask(&format!("create {} 64", key.key())).expect_ok();
        assert_eq!(qt.ask("error").expect_ok(), "0");
        let error = Segment::create(address(key), 64).unwrap_err();
        Segment::attach(address(key)).unwrap();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    });
}

#[test]
fn an_error_has_a_text() {
    with_each_qt(|qt, key| {
        qt.ask(&format!("attach {}", key.key())).expect_error("NotFound");
        let theirs = decode(qt.ask("error-string").expect_ok());
        assert!(theirs.starts_with("QSharedMemory::") && theirs.contains("doesn't exist"), "{theirs}");
        let ours = Segment::attach(address(key)).unwrap_err();
        let line = ours.to_string();
        // Which operation on what, why, and what to do.
        assert!(line.starts_with(&format!("cannot attach {}: ", address(key))), "{line}");
        assert!(ours.hint().contains("cenote ls"), "{}", ours.hint());
    });
}

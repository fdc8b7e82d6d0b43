//! What somebody else may not do, and what the mode lets them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use cenote::{ErrorKind, Segment};
use testkit::names::{ShmName, TempDir};
use testkit::{Peer, agent, system};

use super::other_user::other_user;
use super::{Place, Says, minute, places};

const DENIED: Says = Says { kind: ErrorKind::PermissionDenied, reason: &["ermi"], hint: &["owner"] };

/// A file that anybody can reach, but not change.
fn open_place() -> [Place; 5] {
    let places = places();
    for place in &places {
        if let Some(path) = place.address().strip_prefix("file:") {
            let folder = std::path::Path::new(path).parent().unwrap();
            fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        }
    }
    places
}

#[test]
fn somebody_elses_segment_is_denied_by_its_mode_and_never_removed() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    for place in &open_place() {
        let address = place.address();
        for mode in [0o600, 0o640, 0o444] {
            let segment = Segment::options().mode(mode).create(address, 64).unwrap();
            segment.write_at(0, b"mine").unwrap();
            DENIED.check_in(&mut other.agent, "attach", address, &format!("attach {address}"));
            if mode != 0o444 {
                DENIED.check_in(&mut other.agent, "attach", address, &format!("attach-ro {address}"));
            }
            DENIED.check_in(&mut other.agent, "remove", address, &format!("remove {address}"));
            let operation = "attach or create";
            DENIED.check_in(&mut other.agent, operation, address, &format!("open-or-create {address} 64"));
            assert_eq!(segment.read_to_vec(..4).unwrap(), b"mine");
            assert!(!segment.stat().unwrap().removed, "{address}, mode {mode:o}");
            drop(segment);
            let _ = Segment::remove(address);
        }
    }
}

#[test]
fn what_anybody_may_read_can_be_read_and_locked_and_not_written() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    // Not Qt: its semaphores are for their owner alone, and attaching takes one.
    for place in open_place().iter().filter(|place| !place.address().starts_with("qt:")) {
        let address = place.address();
        let segment = Segment::options().mode(0o444).create(address, 64).unwrap();
        segment.write_at(0, b"read").unwrap();
        drop(segment.lock().unwrap());
        other.agent.ask(&format!("attach-ro {address}")).expect_ok();
        assert_eq!(other.agent.ask("read 0 4").expect_ok(), "72656164");
        other.agent.ask("lock 1000").expect_ok();
        assert!(segment.try_lock().unwrap().is_none(), "{address}");
        other.agent.ask("unlock").expect_ok();
        let says = Says { reason: &["read-only"], hint: &["read-write"], ..DENIED };
        says.check_in(&mut other.agent, "write", address, "write 0 00");
        let _ = Segment::remove(address);
    }
}

#[test]
fn qt_segments_of_another_user_say_that_their_lock_is_his() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    let place = Place::qt();
    let _segment = Segment::options().mode(0o666).create(place.address(), 64).unwrap();
    let says = Says { reason: &["Permission denied", "semget"], ..DENIED };
    says.check_in(&mut other.agent, "attach", place.address(), &format!("attach {}", place.address()));
}

#[test]
fn a_lock_whose_file_has_changed_hands_says_what_may_have_happened() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    let name = ShmName::unique("hands");
    let address = format!("posix:{}", name.name());
    other.agent.ask(&format!("create {address} 64")).expect_ok();
    chown(name.path(), Some(0), Some(0)).unwrap();
    let says = Says {
        kind: ErrorKind::LockError,
        reason: &["opened once more", "Permission denied"],
        hint: &["mode changed"],
    };
    says.check_in(&mut other.agent, "lock", &address, "lock");
    other.agent.ask("write 0 2a").expect_ok();
}

#[test]
fn a_semaphore_set_of_another_user_under_the_key_is_denied() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    let place = Place::sysv_key();
    let address = place.address();
    // The lock first, by its owner alone; then the segment, for all.
    let first = Segment::create(address, 64).unwrap();
    drop(first.lock().unwrap());
    let key = i32::from_str_radix(address.trim_start_matches("sysv:0x"), 16).unwrap();
    let remover = Command::new("ipcrm").args(["-M", &format!("{key:#x}")]).status().unwrap();
    assert!(remover.success());
    let _second = Segment::options().mode(0o666).create(address, 64).unwrap();
    other.agent.ask(&format!("attach {address}")).expect_ok();
    DENIED.check_in(&mut other.agent, "lock", address, "lock 1000");
}

#[test]
fn a_folder_that_may_not_be_written_is_denied() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    let folder = TempDir::new();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let address = format!("file:{}", folder.join("segment").display());
    let says = Says { reason: &["Permission denied"], hint: &[], ..DENIED };
    says.check_in(&mut other.agent, "create", &address, &format!("create {address} 64"));
    // One that may not even be searched hides what is in it.
    fs::write(folder.join("segment"), "there").unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    says.check_in(&mut other.agent, "attach", &address, &format!("attach {address}"));
    says.check_in(&mut other.agent, "create", &address, &format!("create {address} 64"));
    assert_eq!(fs::read(folder.join("segment")).unwrap(), b"there");
}

/// An agent whose /dev/shm is read-only, with a file in it.
fn agent_on_read_only_shm() -> Option<Peer> {
    if !system::has_root() {
        return None;
    }
    let script = "mount -t tmpfs tmpfs /dev/shm && echo there > /dev/shm/there && mount -o remount,ro /dev/shm \
                  && exec \"$0\" \"$@\"";
    let ours = agent::command();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(ours.get_program()).args(ours.get_args());
    for (name, value) in ours.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Some(Peer::spawn(command))
}

#[test]
fn a_read_only_file_system_is_denied_and_can_be_read() {
    let _watchdog = minute();
    let Some(mut agent) = agent_on_read_only_shm() else { return };
    let says = Says { reason: &["Read-only file system"], hint: &[], ..DENIED };
    for (there, missing) in [("posix:/there", "posix:/new"), ("file:/dev/shm/there", "file:/dev/shm/new")] {
        says.check_in(&mut agent, "create", missing, &format!("create {missing} 64"));
        says.check_in(&mut agent, "attach or create", missing, &format!("open-or-create {missing} 64"));
        says.check_in(&mut agent, "attach", there, &format!("attach {there}"));
        says.check_in(&mut agent, "remove", there, &format!("remove {there}"));
        agent.ask(&format!("attach-ro {there}")).expect_ok();
        assert_eq!(agent.ask("read 0 5").expect_ok(), "7468657265");
        agent.ask("lock 1000").expect_ok();
        agent.ask("unlock").expect_ok();
    }
    agent.finish();
}

#[test]
fn a_last_detach_that_may_not_remove_the_segment_lets_go_of_qts_lock_all_the_same() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    let place = Place::qt();
    let address = place.address();
    // The lock is the other user's, and the segment becomes ours.
    other.agent.ask(&format!("create-kept {address} 64")).expect_ok();
    other.agent.ask("detach").expect_ok();
    let id = Segment::stat_of(address).unwrap().id.expect("System V has an id");
    assert!(Command::new("ipcrm").args(["-m", &id.to_string()]).status().unwrap().success());
    let ours = Segment::options().mode(0o666).create(address, 64).unwrap();
    other.agent.ask(&format!("attach {address}")).expect_ok();
    ours.detach().unwrap();
    other.agent.ask("detach").expect_error("PermissionDenied");
    // Still in its process, which the kernel would undo the lock of if it ended.
    let again = Segment::options().timeout(std::time::Duration::from_secs(10)).attach(address).unwrap();
    drop(again.try_lock().unwrap().expect("the lock is free"));
    other.agent.finish();
    Segment::remove(address).unwrap();
}

#[test]
fn a_last_detach_that_may_not_remove_a_system_v_lock_lets_go_of_it() {
    let _watchdog = minute();
    let Some(mut other) = other_user() else { return };
    let place = Place::sysv_key();
    let address = place.address();
    let ours = Segment::options().mode(0o666).create(address, 64).unwrap();
    drop(ours.lock().unwrap());
    other.agent.ask(&format!("attach {address}")).expect_ok();
    Segment::remove(address).unwrap();
    ours.detach().unwrap();
    // The last holder of a removed segment, which would remove its lock.
    other.agent.ask("detach").expect_ok();
    let again = Segment::options().mode(0o666).create(address, 64).unwrap();
    drop(again.try_lock().unwrap().expect("the lock is free"));
    other.agent.finish();
    Segment::remove(address).unwrap();
}

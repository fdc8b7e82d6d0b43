//! What Qt itself does with native keys, without Cenote: the calls it makes show in what is there after each.
//!
//! Much of it is not what anybody would wish for. It is here so that a version that does better is noticed.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use testkit::names::TempDir;
use testkit::qt::{PROJECT, QtKey};
use testkit::words::encode;
use testkit::{Peer, peers, system, sysv, watchdog};

const MINUTE: Duration = Duration::from_secs(60);

/// As many peers on Qt >= 6.6; nothing if there is none.
fn several<const N: usize>() -> Option<[Peer; N]> {
    let peers: Option<Vec<Peer>> = (0..N).map(|_| peers::pyside()).collect();
    peers.map(|peers| peers.try_into().expect("as many as asked for"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The value of a POSIX semaphore of glibc's: its first word.
fn value(path: &Path) -> u32 {
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len(), 32, "a sem_t");
    u32::from_ne_bytes(bytes[..4].try_into().unwrap())
}

#[test]
fn a_posix_segment_stays_and_its_semaphore_goes_with_whoever_made_it() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut maker, mut other]) = several() else { return };
    let key = QtKey::posix();
    let name = key.word();
    maker.ask(&format!("create {name} 4097")).expect_ok();
    assert_eq!((mode(&key.posix_path()), mode(&key.posix_semaphore_path())), (0o600, 0o600));
    assert_eq!(fs::metadata(key.posix_path()).unwrap().len(), 4097);
    other.ask(&format!("attach {name}")).expect_ok();
    assert_eq!(other.ask("size").expect_ok(), "4097");
    assert_eq!(other.ask("key").expect_ok(), "", "a native key has no legacy one");
    assert_eq!(other.ask("native-key-now").expect_ok(), key.text());
    maker.ask("write 0 2a").expect_ok();
    assert_eq!(other.ask("read 0 1").expect_ok(), "2a");
    maker.ask("lock").expect_ok();
    assert_eq!(value(&key.posix_semaphore_path()), 0);
    other.tell("lock");
    assert!(other.reply(Duration::from_millis(100)).is_none(), "both have the lock");
    maker.ask("unlock").expect_ok();
    other.wait_for_reply().expect_ok();
    other.ask("unlock").expect_ok();
    maker.ask("detach").expect_ok();
    assert_eq!(key.files().len(), 2, "detach() takes no name away");
    maker.finish();
    assert_eq!(key.files(), [key.posix_path()], "the maker's end takes the semaphore's");
    other.ask("lock").expect_ok();
    other.finish();
    assert_eq!(key.files(), [key.posix_path()], "nobody ever removes the segment");
}

#[test]
fn a_posix_create_that_fails_puts_a_second_lock_in_place() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut holder, mut clumsy, mut late]) = several() else { return };
    let key = QtKey::posix();
    let name = key.word();
    holder.ask(&format!("create {name} 64")).expect_ok();
    holder.ask("lock").expect_ok();
    let before = fs::metadata(key.posix_semaphore_path()).unwrap().ino();
    clumsy.ask(&format!("create {name} 64")).expect_error("AlreadyExists");
    assert_ne!(fs::metadata(key.posix_semaphore_path()).unwrap().ino(), before, "unlinked and made anew");
    late.ask(&format!("attach {name}")).expect_ok();
    late.ask("lock").expect_ok();
    assert_eq!(value(&key.posix_semaphore_path()), 0, "two have the lock: each its own");
    holder.ask("unlock").expect_ok();
    assert_eq!(value(&key.posix_semaphore_path()), 0, "and the first gives back its own");
    late.ask("unlock").expect_ok();
}

#[test]
fn a_posix_lock_whose_holder_was_killed_is_lost() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut holder, mut waiter, mut maker]) = several() else { return };
    let key = QtKey::posix();
    holder.ask(&format!("create {} 64", key.word())).expect_ok();
    holder.ask("lock").expect_ok();
    holder.kill();
    waiter.tell(&format!("attach {}", key.word()));
    assert!(waiter.reply(Duration::from_millis(300)).is_none(), "attach() takes the lock");
    assert_eq!(value(&key.posix_semaphore_path()), 0);
    // Only create() gets past it: it makes another semaphore.
    maker.ask(&format!("create {} 64", key.word())).expect_error("AlreadyExists");
    maker.ask(&format!("attach {}", key.word())).expect_ok();
    assert!(waiter.reply(Duration::from_millis(100)).is_none(), "it still waits for the old one");
}

#[test]
fn a_posix_segment_that_is_not_ready_or_not_ones_own_is_refused() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut qt]) = several() else { return };
    let key = QtKey::posix();
    fs::write(key.posix_path(), "").unwrap();
    for attach in ["attach", "attach-ro"] {
        // mmap(2) of nothing: EINVAL.
        qt.ask(&format!("{attach} {}", key.word())).expect_error("Unknown");
    }
    fs::write(key.posix_path(), [1; 10]).unwrap();
    qt.ask(&format!("attach {}", key.word())).expect_ok();
    assert_eq!(qt.ask("size").expect_ok(), "10", "whoever made it, the size is the file's");
    let Some(mut command) = peers::command("pyside").filter(|_| system::has_root()) else { return };
    let mut stranger = Peer::spawn_from(system::as_other_user(&mut command));
    qt.ask("detach").expect_ok();
    fs::set_permissions(key.posix_path(), fs::Permissions::from_mode(0o600)).unwrap();
    stranger.ask(&format!("attach {}", key.word())).expect_error("PermissionDenied");
    stranger.finish();
    qt.finish();
}

#[test]
fn a_system_v_key_names_segment_and_semaphore_at_once() {
    let _watchdog = watchdog(MINUTE);
    for project in [1, 7, PROJECT, 127] {
        let Some([mut maker, mut other, mut late]) = several() else { return };
        let folder = TempDir::new();
        let key = QtKey::systemv(folder.path(), project);
        maker.ask(&format!("create {} 100", key.word())).expect_ok();
        assert_eq!(key.files(), [key.key_file()], "one file for both");
        assert_eq!(mode(&key.key_file()), 0o640);
        assert_eq!(sysv::semaphore_value(&key.key_file(), project), Some(1));
        other.ask(&format!("attach {}", key.word())).expect_ok();
        assert_eq!(other.ask("native-key-now").expect_ok(), key.text());
        other.ask("lock").expect_ok();
        assert_eq!(sysv::semaphore_value(&key.key_file(), project), Some(0));
        other.kill();
        assert_eq!(sysv::semaphore_value(&key.key_file(), project), Some(1), "SEM_UNDO");
        // A failed create() makes its object an owner too.
        late.ask(&format!("create {} 100", key.word())).expect_error("AlreadyExists");
        late.finish();
        assert!(!key.key_file().exists(), "an owner's end takes the file, and so the segment's name");
        maker.ask("write 0 2a").expect_ok();
        maker.ask("detach").expect_ok();
        maker.finish();
        assert!(key.files().is_empty());
    }
}

#[test]
fn a_high_project_id_makes_a_semaphore_and_no_segment() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut qt]) = several() else { return };
    let folder = TempDir::new();
    for project in [128, 255] {
        let key = QtKey::systemv(folder.path(), project);
        // ftok(3) gives a negative number, which Qt takes for a failure; the error is of an earlier call.
        qt.ask(&format!("create {} 100", key.word())).expect_error("AlreadyExists");
        qt.ask(&format!("sem-open {} 3", key.word())).expect_ok();
        qt.ask("sem-acquire").expect_ok();
        qt.ask("sem-close").expect_ok();
    }
    qt.finish();
}

#[test]
fn a_file_that_serves_as_a_key_is_deleted_whatever_it_holds() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut qt]) = several() else { return };
    let folder = TempDir::new();
    let key = QtKey::systemv(folder.path(), PROJECT);
    fs::write(key.key_file(), "precious").unwrap();
    qt.ask(&format!("create {} 100", key.word())).expect_ok();
    qt.ask("detach").expect_ok();
    assert!(!key.key_file().exists());
    qt.finish();
}

#[test]
fn a_posix_semaphore_is_made_anew_by_mode_create() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut one, mut other]) = several() else { return };
    let key = QtKey::posix();
    let path = key.posix_semaphore_path();
    one.ask(&format!("sem-open {} 2", key.word())).expect_ok();
    other.ask(&format!("sem-open {} 5", key.word())).expect_ok();
    assert_eq!(value(&path), 2, "the first decides");
    other.ask("sem-acquire").expect_ok();
    other.ask("sem-release 3").expect_ok();
    assert_eq!(value(&path), 4);
    other.ask("sem-close").expect_ok();
    assert_eq!(value(&path), 4, "no undo, and only its maker removes it");
    other.ask(&format!("sem-create {} 7", key.word())).expect_ok();
    one.ask("sem-acquire").expect_ok();
    assert_eq!(value(&path), 7, "the first still has the old one");
    one.ask("sem-close").expect_ok();
    assert!(!path.exists(), "and removes the new one's name when it goes");
    one.finish();
    other.finish();
}

#[test]
fn names_that_the_system_cannot_have_are_refused() {
    let _watchdog = watchdog(MINUTE);
    let Some([mut qt]) = several() else { return };
    let cases = [
        ("posix:/a/b".to_owned(), "Unknown"),
        // With `sem.` in front it is past the 255 bytes of a name; a longer one the C library refuses itself.
        (format!("posix:/{}", "x".repeat(252)), "KeyError"),
        (format!("posix:/{}", "x".repeat(256)), "Unknown"),
        ("posix:".to_owned(), "KeyError"),
        ("windows:x".to_owned(), "KeyError"),
        ("nonsense".to_owned(), "KeyError"),
        ("systemv:/no/such/folder".to_owned(), "KeyError"),
    ];
    for (text, kind) in cases {
        qt.ask(&format!("create native:{} 10", encode(&text))).expect_error(kind);
    }
    qt.finish();
}

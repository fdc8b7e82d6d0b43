//! The peers among themselves, without Cenote: what the other suites take for granted about them.

use std::time::Duration;

use testkit::names::{ShmName, TempDir};
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;
use testkit::{Peer, peers, watchdog};

const MINUTE: Duration = Duration::from_secs(60);

/// Both count in the same word under their lock; no count may be lost.
fn count_together(one: &mut Peer, other: &mut Peer, times: u32) {
    one.ask("write 8 0000000000000000").expect_ok();
    one.tell(&format!("increment 8 {times}"));
    other.tell(&format!("increment 8 {times}"));
    one.wait_for_reply().expect_ok();
    other.wait_for_reply().expect_ok();
    let expected: String =
        u64::from(2 * times).to_ne_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(one.ask("read 8 8").expect_ok(), expected);
}

/// Every two versions of Qt that there are.
fn pairs_of_qt() -> Vec<(Peer, Peer)> {
    let versions = [peers::qt5, peers::qt6, peers::pyside];
    let pairs = [(0, 1), (0, 2), (1, 2), (2, 2)];
    pairs.into_iter().filter_map(|(one, other)| Some((versions[one]()?, versions[other]()?))).collect()
}

#[test]
fn two_versions_of_qt_share_bytes_and_lock() {
    let _watchdog = watchdog(MINUTE);
    for (mut one, mut other) in pairs_of_qt() {
        let key = QtKey::unique();
        one.ask(&format!("create {} 100", key.key())).expect_ok();
        other.ask(&format!("create {} 100", key.key())).expect_error("AlreadyExists");
        other.ask(&format!("attach {}", key.key())).expect_ok();
        one.ask("write 5 686921").expect_ok();
        assert_eq!(other.ask("read 4 5").expect_ok(), "0068692100");
        count_together(&mut one, &mut other, 5000);
        other.ask("lock").expect_ok();
        one.tell("lock");
        assert!(one.reply(Duration::from_millis(100)).is_none(), "both have the lock");
        other.ask("unlock").expect_ok();
        one.wait_for_reply().expect_ok();
        one.ask("unlock").expect_ok();
        one.finish();
        other.finish();
    }
}

#[test]
fn two_versions_of_qt_show_each_other_pictures() {
    let _watchdog = watchdog(MINUTE);
    for (mut one, mut other) in pairs_of_qt() {
        let key = QtKey::unique();
        let folder = TempDir::new();
        let file = folder.join("picture.png").display().to_string();
        one.ask(&format!("create {} 400000", key.key())).expect_ok();
        other.ask(&format!("attach {}", key.key())).expect_ok();
        let formats =
            ["Mono", "Indexed8", "RGB32", "ARGB32", "Grayscale8", "Grayscale16", "RGBA64", "RGB888"];
        for format in formats {
            let made = one.ask(&format!("image-random 7 67 45 {format}"));
            let made = made.expect_ok();
            assert_eq!(other.ask("image-dump").expect_ok(), made, "{format}");
            assert_eq!(other.ask(&format!("image-get {file}")).expect_ok(), made, "{format}");
            assert_eq!(other.ask(&format!("image-put {file}")).expect_ok(), made, "{format}");
            assert_eq!(one.ask("image-dump").expect_ok(), made, "{format}");
        }
        one.finish();
        other.finish();
    }
}

#[test]
fn qt_semaphores_hand_over() {
    let _watchdog = watchdog(MINUTE);
    for (mut one, mut other) in pairs_of_qt() {
        let key = QtKey::unique();
        one.ask(&format!("sem-create {} 1", key.key())).expect_ok();
        other.ask(&format!("sem-open {} 9", key.key())).expect_ok();
        other.ask("sem-acquire").expect_ok();
        one.tell("sem-acquire");
        assert!(one.reply(Duration::from_millis(100)).is_none(), "both have the semaphore");
        other.ask("sem-release 1").expect_ok();
        one.wait_for_reply().expect_ok();
        one.ask("sem-release 1").expect_ok();
        other.finish();
        one.finish();
    }
}

#[test]
fn c_and_python_share_bytes_and_lock() {
    let _watchdog = watchdog(MINUTE);
    let (Some(mut c), Some(mut python)) = (peers::posix(), peers::python()) else { return };
    let name = ShmName::unique("together");
    python.ask(&format!("create {} 4097", name.name())).expect_ok();
    c.ask(&format!("attach {}", name.name())).expect_ok();
    assert_eq!(c.ask("size").expect_ok(), "4097");
    count_together(&mut c, &mut python, 5000);
    python.ask("lock").expect_ok();
    c.ask("try-lock").expect_error("Timeout");
    python.ask("unlock").expect_ok();
    c.ask("try-lock").expect_ok();
    python.finish();
    // Python's departure removes nothing.
    c.ask(&format!("attach-ro {}", name.name())).expect_ok();
    c.ask("write 0 00").expect_error("PermissionDenied");
    c.ask("unlink").expect_ok();
    c.finish();
}

#[test]
fn a_named_semaphore_locks_posix_segments_too() {
    let _watchdog = watchdog(MINUTE);
    let (Some(mut one), Some(mut other)) = (peers::posix(), peers::posix()) else { return };
    let name = ShmName::unique("semaphore");
    one.ask(&format!("create {} 64", name.name())).expect_ok();
    other.ask(&format!("attach {}", name.name())).expect_ok();
    for peer in [&mut one, &mut other] {
        peer.ask(&format!("lock-with semaphore {}", name.name())).expect_ok();
    }
    count_together(&mut one, &mut other, 5000);
    one.ask("lock").expect_ok();
    other.ask("try-lock").expect_error("Timeout");
    one.ask(&format!("lock-unlink {}", name.name())).expect_ok();
    one.ask("unlink").expect_ok();
}

#[test]
fn system_v_gives_the_lock_back_at_death() {
    let _watchdog = watchdog(MINUTE);
    let (Some(mut one), Some(mut other)) = (peers::sysv(), peers::sysv()) else { return };
    let (segment, set) = (SysvKey::unique(), SysvKey::unique());
    one.ask(&format!("create {} 64", segment.key())).expect_ok();
    other.ask(&format!("attach {}", segment.key())).expect_ok();
    other.ask("lock").expect_error("LockError");
    for peer in [&mut one, &mut other] {
        peer.ask(&format!("lock-with {}", set.key())).expect_ok();
    }
    count_together(&mut one, &mut other, 5000);
    one.ask("lock").expect_ok();
    other.ask("try-lock").expect_error("Timeout");
    one.kill();
    other.ask("lock").expect_ok();
    assert_eq!(other.ask("lock-value").expect_ok(), "0");
}

//! The command and a program on a real Qt for Windows, on one key.

use std::process::Stdio;
use std::time::Duration;

use cenote::Segment;
use testkit::names::TempDir;
use testkit::{Peer, peers};

use crate::support::{Running, cenote, minute, run, wait_until};

const COMMAND: &str = env!("CARGO_BIN_EXE_cenote");
const PICTURE: &[u8] = include_bytes!("../../assets/cenote.png");

/// The program on Qt.
fn peer() -> Option<Peer> {
    peers::command("qt-windows").map(Peer::spawn)
}

/// A key and its address.
fn key() -> (String, String) {
    let key = testkit::names::unique("qt");
    (format!("qt:{key}"), key)
}

#[test]
fn a_segment_is_held_for_qt_until_the_input_ends() {
    let (_watchdog, (address, key)) = (minute(), key());
    let Some(mut qt) = peer() else { return };
    let error = run(&["create", &address, "--size", "64"]);
    assert!(error.failed(2).contains("--hold"), "{error:?}");

    let words = ["write", &address, "Hello, Qt!", "--create", "--hold"];
    let mut held = Running::start(cenote(&words).stdin(Stdio::piped()));
    assert_eq!(held.complaint(), format!("cenote: holding {address} until interrupted"));
    qt.ask(&format!("attach {key}")).expect_ok();
    assert_eq!(qt.ask("read 0 11").expect_ok(), "48656c6c6f2c2051742100");
    qt.ask("write 7 796f75").expect_ok();
    assert_eq!(run(&["read", &address]).ok(), "Hello, you\n");
    drop(held.child.stdin.take());
    assert_eq!(held.end(), 0);
    assert_eq!(run(&["read", &address]).ok(), "Hello, you\n", "Qt has it still");
    qt.ask("detach").expect_ok();
    run(&["read", &address]).failed(1);
}

#[test]
fn what_qt_made_is_read_written_shown_and_locked() {
    let (_watchdog, (_, key)) = (minute(), key());
    let Some(mut qt) = peer() else { return };
    let address = format!("qt:windows:shm_{key}");
    qt.ask(&format!("create native:windows:shm_{key} 100")).expect_ok();
    run(&["write", &address, "from the command"]).ok();
    assert_eq!(qt.ask("read 0 4").expect_ok(), "66726f6d");
    let shown = run(&["show", &address]);
    assert!(shown.ok().contains("4KiB (4096 bytes, 4096 mapped)"), "{shown:?}");
    assert_eq!(run(&["lock", &address, "--", "cmd", "/c", "exit 7"]).code, Some(7));
    let error = run(&["rm", &address]);
    assert!(error.failed(1).contains("with its last handle"), "{error:?}");

    qt.ask("lock").expect_ok();
    run(&["read", &address, "--timeout", "50ms"]).failed(3);
    run(&["write", &address, "no", "--timeout", "50ms"]).failed(3);
    assert_eq!(run(&["read", &address, "--no-lock"]).ok(), "from the command\n");
    qt.ask("unlock").expect_ok();

    // The command reads until its input ends.
    let folder = TempDir::new();
    let other = format!("file:{}", folder.join("other").display());
    let _other = Segment::create(&*other, 64).unwrap();
    let words = ["lock", &address, "--", COMMAND, "write", &other, "-"];
    let mut locked = Running::start(cenote(&words).stdin(Stdio::piped()));
    let segment = Segment::attach(&*address).unwrap();
    wait_until("the lock", || segment.try_lock().unwrap().is_none());
    qt.tell("lock");
    assert!(qt.reply(Duration::from_millis(150)).is_none());
    drop(locked.child.stdin.take());
    assert_eq!(locked.end(), 0);
    qt.wait_for_reply().expect_ok();
    qt.finish();
}

#[test]
fn a_lock_that_a_dead_holder_left_is_broken_by_force() {
    let (_watchdog, (address, key)) = (minute(), key());
    let (Some(mut qt), Some(mut dead)) = (peer(), peer()) else { return };
    qt.ask(&format!("create {key} 64")).expect_ok();
    dead.ask(&format!("attach {key}")).expect_ok();
    dead.ask("lock").expect_ok();
    dead.kill();
    let error = run(&["read", &address, "--timeout", "50ms"]);
    assert!(error.failed(3).contains("--break --force"), "{error:?}");
    let error = run(&["lock", "--break", &address]);
    assert_eq!(error.code, Some(1), "{error:?}");
    // Whoever has it open may be its holder.
    for words in [&format!("it may be held by process {} of", qt.pid()), "did not break the lock", "--force"]
    {
        assert!(error.stderr.contains(words), "{words} is missing: {error:?}");
    }
    assert_eq!(run(&["lock", "--break", "--force", &address]).ok(), format!("broke the lock of {address}\n"));
    qt.ask("lock").expect_ok();
    qt.ask("unlock").expect_ok();
    assert_eq!(run(&["lock", "--break", &address]).ok(), format!("nobody has the lock of {address}\n"));
    qt.finish();
}

#[test]
fn pictures_go_to_qt_and_come_from_it() {
    let (_watchdog, (address, key), folder) = (minute(), key(), TempDir::new());
    let Some(mut qt) = peer() else { return };
    let [original, seen, copy] =
        ["original.png", "seen.png", "copy.png"].map(|name| folder.join(name).display().to_string());
    std::fs::write(&original, PICTURE).unwrap();
    let words = ["image", "put", &address, &original, "--hold"];
    let mut held = Running::start(cenote(&words).stdin(Stdio::piped()));
    assert_eq!(held.complaint(), format!("cenote: holding {address} until interrupted"));
    qt.ask(&format!("attach {key}")).expect_ok();
    assert_eq!(qt.ask(&format!("image-get {seen}")).expect_ok(), "320 200");
    drop(held.child.stdin.take());
    assert_eq!(held.end(), 0);

    qt.ask("detach").expect_ok();
    qt.ask(&format!("create {key} 1000000")).expect_ok();
    qt.ask(&format!("image-put {seen}")).expect_ok();
    run(&["image", "get", &address, "-o", &copy]).ok();
    let pixels = |file: &str| image::open(file).unwrap().to_rgba16();
    assert!(pixels(&copy) == pixels(&original), "other pixels");
    qt.finish();
}

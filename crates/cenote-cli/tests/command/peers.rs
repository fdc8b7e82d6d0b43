//! The command and programs that know nothing of it.

use testkit::names::TempDir;
use testkit::sysv::SysvKey;
use testkit::{Peer, peers};

use crate::support::{Place, Running, cenote, run};

fn name(place: &Place) -> &str {
    place.address.split_once(':').expect("it has a kind").1
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// A peer that holds its segment's lock is waited for, and the other way round.
fn locks_exclude(peer: &mut Peer, at: &str, lock_with: &[&str]) {
    peer.ask("lock").expect_ok();
    let refused = [&["lock", at, "--timeout", "200ms"], lock_with, &["--", "true"]].concat();
    run(&refused).failed(3);
    run([&["read", at, "--timeout", "200ms"], lock_with].concat()).failed(3);
    peer.ask("unlock").expect_ok();
    let mut command = cenote([&["lock", at], lock_with, &["--", "sh", "-c", "echo mine; exec cat"]].concat());
    let mut holder = Running::start(command.stdin(std::process::Stdio::piped()));
    assert_eq!(holder.line(), "mine");
    peer.tell("lock");
    drop(holder);
    peer.wait_for_reply().expect_ok();
    peer.ask("unlock").expect_ok();
}

fn with_qt(peer: Option<Peer>) {
    let Some(mut peer) = peer else { return };
    let place = Place::qt();
    let (at, folder) = (place.address.as_str(), TempDir::new());
    peer.ask(&format!("create {} 65536", name(&place))).expect_ok();
    peer.ask(&format!("write 0 {}00", hex("Hello, Client!"))).expect_ok();
    assert_eq!(run(["read", at]).ok(), "Hello, Client!\n");
    locks_exclude(&mut peer, at, &[]);

    peer.ask("image-random 1 40 30 ARGB32").expect_ok();
    let path = |name| folder.join(name).to_str().unwrap().to_owned();
    run(["image", "get", at, "-o", &path("ours.png")]).ok();
    peer.ask(&format!("image-get {}", path("theirs.png"))).expect_ok();
    let pixels = |file| image::open(path(file)).unwrap().into_rgba8();
    assert_eq!(pixels("ours.png"), pixels("theirs.png"));
    run(["image", "put", at, &path("ours.png")]).ok();
    peer.ask(&format!("image-get {}", path("back.png"))).expect_ok();
    assert_eq!(pixels("back.png"), pixels("ours.png"));

    let shown = run(["show", at, "--json"]).json();
    assert_eq!(shown["holders"][0]["pid"], peer.pid());
    peer.ask("detach").expect_ok();
    run(["read", at]).failed(1);

    // The other way round: what the command makes is there for Qt.
    run(["write", at, "kept", "--create", "--size", "64"]).ok();
    peer.ask(&format!("attach {}", name(&place))).expect_ok();
    assert_eq!(peer.ask("read 0 5").expect_ok(), "6b65707400");
    peer.finish();
    run(["read", at]).failed(1);
}

#[test]
fn qt5() {
    with_qt(peers::qt5());
}

#[test]
fn qt6() {
    with_qt(peers::qt6());
}

#[test]
fn qt_newer_than_debian_has() {
    with_qt(peers::pyside());
}

fn with_shm_open(peer: Option<Peer>) {
    let Some(mut peer) = peer else { return };
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "4096"]).ok();
    peer.ask(&format!("attach {}", name(&place))).expect_ok();
    peer.ask(&format!("write 0 {}", hex("there"))).expect_ok();
    assert_eq!(run(["read", at]).ok(), "there\n");
    run(["write", at, "back"]).ok();
    assert_eq!(peer.ask("read 0 5").expect_ok(), "6261636b00");
    locks_exclude(&mut peer, at, &[]);
}

#[test]
fn c_with_posix_segments() {
    with_shm_open(peers::posix());
}

#[test]
fn python() {
    with_shm_open(peers::python());
}

#[test]
fn c_with_system_v_segments() {
    let Some(mut peer) = peers::sysv() else { return };
    let (place, set) = (Place::sysv(), SysvKey::unique());
    let at = place.address.as_str();
    peer.ask(&format!("create {} 4096", name(&place))).expect_ok();
    peer.ask(&format!("write 0 {}", hex("there"))).expect_ok();
    assert_eq!(run(["read", at]).ok(), "there\n");
    peer.ask(&format!("lock-with {:#x}", set.key())).expect_ok();
    locks_exclude(&mut peer, at, &["--lock-with", &format!("sysv:{:#x}", set.key())]);
    // Under the segment's own key it is in our place, and not ours.
    peer.ask(&format!("lock-with {}", name(&place))).expect_ok();
    assert!(run(["read", at]).failed(1).contains("--lock-with sysv:KEY"));
    assert_eq!(run(["read", at, "--no-lock"]).ok(), "there\n");
    locks_exclude(&mut peer, at, &["--lock-with", at]);
}

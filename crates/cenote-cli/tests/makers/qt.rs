//! Qt's `QSharedMemory`: with a key, and with native keys of both types.

use testkit::names::TempDir;
use testkit::qt::{PROJECT, QtKey};
use testkit::{Peer, peers};

use crate::program::Program;
use crate::room::{Room, in_a_room};
use crate::trial::Trial;

/// It writes and reads under Qt's lock.
pub(crate) fn goes_on(program: &mut Program) {
    program.ask("lock").expect_ok();
    super::c::goes_on(program);
    program.ask("unlock").expect_ok();
}

fn try_keys(room: &Room, start: fn() -> Option<Peer>, keys: &[QtKey; 2], maker: Option<&str>, pattern: &str) {
    let start = |key: &QtKey| {
        let mut program = Program::from(start()?);
        program.ask(&format!("create {} 8192", key.word())).expect_ok();
        Some(program)
    };
    let [Some(lives), Some(dies)] = keys.each_ref().map(start) else { return };
    Trial { maker, patterns: &[pattern], goes_on }.run(room, lives, dies);
}

fn legacy(start: fn() -> Option<Peer>) -> impl FnOnce(&Room) {
    move |room| try_keys(room, start, &[QtKey::unique(), QtKey::unique()], Some("Qt"), "qt:*")
}

#[test]
fn qt5_with_a_key() {
    in_a_room(|room| legacy(peers::qt5)(room));
}

#[test]
fn qt6_with_a_key() {
    in_a_room(|room| legacy(peers::qt6)(room));
}

#[test]
fn pyside_with_a_key() {
    in_a_room(|room| legacy(peers::pyside)(room));
}

/// A POSIX segment by the name that its user gives: nothing tells that it is Qt's.
#[test]
fn pyside_with_a_native_key_of_posix() {
    in_a_room(|room| try_keys(room, peers::pyside, &[QtKey::posix(), QtKey::posix()], None, "posix:/*"));
}

/// A System V segment under the key of a file that its user gives: nothing tells that it is Qt's.
#[test]
fn pyside_with_a_native_key_of_system_v() {
    in_a_room(|room| {
        let folder = TempDir::new();
        let keys = [(); 2].map(|()| QtKey::systemv(folder.path(), PROJECT));
        try_keys(room, peers::pyside, &keys, None, "sysv:*");
    });
}

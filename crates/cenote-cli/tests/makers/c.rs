//! C programs, on `shm_open` and on `shmget`.

use std::process::Command;

use testkit::names::ShmName;
use testkit::sysv::SysvKey;
use testkit::{peers, skipped, system};

use crate::program::Program;
use crate::room::{Room, in_a_room};
use crate::trial::Trial;

/// What the line protocol's peers have in common.
pub(crate) fn goes_on(program: &mut Program) {
    let before = program.ask("read 0 1").expect_ok().to_owned();
    let after = if before == "2a" { "2b" } else { "2a" };
    program.ask(&format!("write 0 {after}")).expect_ok();
    assert_eq!(program.ask("read 0 1").expect_ok(), after);
}

#[test]
fn a_segment_of_shm_open() {
    in_a_room(|room| {
        let names = [ShmName::unique("maker"), ShmName::unique("maker")];
        let start = |name: &ShmName| {
            let mut program = Program::from(peers::posix()?);
            program.ask(&format!("create {} 8192", name.name())).expect_ok();
            Some(program)
        };
        let [Some(lives), Some(dies)] = names.each_ref().map(start) else { return };
        Trial { maker: None, patterns: &["posix:/cenote-test-maker-*"], goes_on }.run(room, lives, dies);
    });
}

#[test]
fn a_segment_of_shmget() {
    in_a_room(|room| {
        let keys = [SysvKey::unique(), SysvKey::unique()];
        let start = |key: &SysvKey| {
            let mut program = Program::from(peers::sysv()?);
            program.ask(&format!("create {:#x} 8192", key.key())).expect_ok();
            Some(program)
        };
        let [Some(lives), Some(dies)] = keys.each_ref().map(start) else { return };
        Trial { maker: None, patterns: &["sysv:0x7e*"], goes_on }.run(room, lives, dies);
    });
}

/// Another IPC namespace counts from 0 as ours does.
#[test]
fn of_another_ipc_namespace_nobody_holds_a_segment_of_ours() {
    in_a_room(|room: &Room| {
        if !system::has_root() {
            return;
        }
        let (ours, theirs) = (SysvKey::unique(), SysvKey::unique());
        let start = |command: &mut Command, key: &SysvKey| {
            let mut program = Program::start(command);
            program.ask(&format!("create {:#x} 8192", key.key())).expect_ok();
            let id = program.ask("id").expect_ok().to_owned();
            (program, id)
        };
        let (Some(mut inside), Some(mut elsewhere)) = (peers::command("sysv"), peers::command("sysv")) else {
            return;
        };
        let (holder, id) = start(&mut inside, &ours);
        let (_other, same_id) = start(system::in_own_ipc(&mut elsewhere), &theirs);
        if !room.is_own || id != same_id {
            return skipped("namespaces cannot be made here");
        }
        let entry = room.find(&format!("sysv:{:#010x}", ours.key())).unwrap();
        assert_eq!(entry.holders, holder.pids());
    });
}

/// What was marked for removal has no key, and goes with its last holder.
#[test]
fn what_shmctl_has_removed_goes_with_its_holder() {
    in_a_room(|room: &Room| {
        let key = SysvKey::unique();
        let Some(mut program) = peers::sysv().map(Program::from) else { return };
        program.ask(&format!("create {:#x} 8192", key.key())).expect_ok();
        program.ask("unlink").expect_ok();
        let held = room.held_by(&program.pids());
        let [only] = &held[..] else { panic!("{held:?}") };
        assert!(only.address.starts_with("sysv:id=") && only.verdict == "live", "{only:?}");
        goes_on(&mut program);
        program.kill();
        room.until_gone(&only.address);
    });
}

//! Boost.Interprocess: on Linux its segments are POSIX ones, with the names that its users give.

use testkit::names::{ShmName, TempDir};
use testkit::peers;

use crate::program::Program;
use crate::room::{Entry, Room, Said, cenote, in_a_room};
use crate::trial::Trial;

/// Of each segment it counts one on, under the mutex that lies there.
pub(crate) fn goes_on(program: &mut Program) {
    let mut counts = || -> Vec<u64> {
        let said = program.ask("count");
        said.expect_ok().split(' ').map(|count| count.parse().unwrap()).collect()
    };
    let (before, after) = (counts(), counts());
    assert!(before.iter().zip(&after).all(|(before, after)| before + 1 == *after), "{before:?} {after:?}");
}

#[test]
fn objects_and_managed_segments() {
    in_a_room(|room| {
        let names: [[ShmName; 2]; 2] =
            [(); 2].map(|()| ["object", "managed"].map(|kind| ShmName::unique(&format!("boost-{kind}"))));
        let start = |[object, managed]: &[ShmName; 2]| {
            let mut program = Program::from(peers::boost()?);
            program.ask(&format!("create {} 8192", &object.name()[1..])).expect_ok();
            program.ask(&format!("create-managed {} 65536", &managed.name()[1..])).expect_ok();
            Some(program)
        };
        let [Some(lives), Some(dies)] = names.each_ref().map(start) else { return };
        let patterns = &["posix:/cenote-test-boost-object-*", "posix:/cenote-test-boost-managed-*"];
        Trial { maker: None, patterns, goes_on }.run(room, lives, dies);
    });
}

#[test]
fn a_mapped_file_is_kept() {
    in_a_room(|_: &Room| {
        let folder = TempDir::new();
        let address = format!("file:{}", folder.join("boost").display());
        let look = || Entry::of(&Said::of(&mut cenote(&["show", "--json", &address])).json());
        let Some(mut program) = peers::boost().map(Program::from) else { return };
        program.ask(&format!("create-file {} 65536", folder.join("boost").display())).expect_ok();
        let seen = look();
        assert_eq!((seen.verdict.as_str(), seen.holders), ("live", program.pids()));
        goes_on(&mut program);
        program.kill();
        let seen = look();
        assert_eq!(seen.verdict, "kept", "{seen:?}");
    });
}

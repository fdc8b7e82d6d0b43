//! iceoryx2: a publisher and a subscriber of one service, in one process.

use std::process::{Command, Stdio};

use testkit::names::TempDir;
use testkit::peers;

use crate::program::Program;
use crate::room::{Room, in_a_room, sorted};
use crate::trial::Trial;

/// What all nodes count themselves in: they map it for a moment only.
const COMMON: &str = ".global_mgmt";

const MAKER: Trial<'_> = Trial { maker: Some("iceoryx2"), patterns: &["posix:/iox2_*"], goes_on };

pub(crate) fn start(folder: &TempDir, service: &str) -> Option<Program> {
    let mut command: Command = peers::command("iceoryx2")?;
    let mut program = Program::start(command.arg(folder.join("iceoryx2")).stderr(Stdio::null()));
    program.ask(&format!("open {service}")).expect_ok();
    Some(program)
}

pub(crate) fn goes_on(program: &mut Program) {
    for number in ["41", "42"] {
        program.ask(&format!("send {number}")).expect_ok();
        assert_eq!(program.ask("receive").expect_ok(), number);
    }
}

#[test]
fn of_one_that_was_killed_all_goes_but_what_the_others_share() {
    in_a_room(|room: &Room| {
        let folder = TempDir::new();
        let [Some(mut lives), Some(mut dies)] = ["lives", "dies"].map(|name| start(&folder, name)) else {
            return;
        };
        let (stay, go) = (MAKER.made(room, &lives), MAKER.made(room, &dies));
        for held in [&stay, &go] {
            for end in [".data", ".dynamic", ".connection"] {
                assert!(held.iter().any(|address| address.ends_with(end)), "{end}: {held:?}");
            }
        }
        let common = room.list().into_iter().find(|entry| entry.address.ends_with(COMMON)).unwrap();
        assert_eq!(
            (common.maker.as_deref(), common.verdict.as_str()),
            (Some("iceoryx2"), "unknown"),
            "{common:?}"
        );
        let all = sorted(stay.iter().chain(&go).chain([&common.address]).cloned());
        let patterns = room.patterns(MAKER.patterns, &all);
        assert!(room.reap(&[], &patterns).is_empty());
        dies.kill();
        for address in &go {
            room.until(address, "stale");
        }
        room.reaps(&patterns, &go);
        goes_on(&mut lives);
        assert_eq!(room.find(&common.address).unwrap().verdict, "unknown");
        assert_eq!(MAKER.made(room, &lives), stay);
        // With the last of them, nobody shares it.
        lives.kill();
        room.until(&common.address, "stale");
        let rest = sorted(stay.into_iter().chain([common.address]));
        room.reaps(&patterns, &rest);
        // And whoever comes then begins anew.
        let mut next = start(&folder, "lives").unwrap();
        goes_on(&mut next);
        next.finish();
    });
}

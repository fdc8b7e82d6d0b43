//! Native segments: live, kept and stale.

use testkit::agent;
use testkit::names::unique;

use crate::program::Program;
use crate::room::{Room, in_a_room};
use crate::trial::Trial;

const MAKER: Trial<'_> =
    Trial { maker: Some("Cenote"), patterns: &["cenote:cenote-test-*"], goes_on: super::c::goes_on };

/// What a failed test may have left.
struct Left(Vec<String>);

impl Drop for Left {
    fn drop(&mut self) {
        for address in &self.0 {
            let _ = cenote::Segment::remove(&**address);
        }
    }
}

fn start(command: &str, address: &str) -> Program {
    let mut program = Program::from(agent::spawn());
    program.ask(&format!("{command} {address} 8192")).expect_ok();
    program
}

#[test]
fn a_killed_programs_goes_and_a_kept_one_stays() {
    in_a_room(|room: &Room| {
        let addresses = Left((0..3).map(|_| format!("cenote:{}", unique("maker"))).collect());
        let [lives, dies, kept] = &addresses.0[..] else { unreachable!() };
        start("create-kept", kept).kill();
        MAKER.run(room, start("create", lives), start("create", dies));
        // What was reaped there fits it too.
        let entry = room.find(kept).unwrap();
        assert_eq!((entry.verdict.as_str(), entry.maker.as_deref()), ("kept", Some("Cenote")), "{entry:?}");
        assert_eq!(start("attach", kept).ask("read 0 1").expect_ok(), "00");
    });
}

//! Two users with a group in common send to each other, whoever of them made the queue; a third one gets nothing of it.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;

use testkit::others::Program;

use super::{Name, minute};

const OWNER: u32 = 60_001;
const SECOND: u32 = 60_002;
const THIRD: u32 = 60_003;
/// Of the owner and the second one: the file gets it from the test.
const GROUP: u32 = 60_010;

/// What a failed test leaves.
struct Leftover(PathBuf);

impl Drop for Leftover {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn users_of_a_group_send_to_each_other() {
    let _watchdog = minute();
    let Some(program) = Program::within_reach() else { return };
    let name = Name::unique("queue");
    let file = Leftover(format!("/dev/shm/cenote.{OWNER}.{}", name.address()).into());
    let address = format!("cenote:@{OWNER}/{}", name.address());
    let mut owner = program.agent(OWNER, OWNER);
    owner.ask(&format!("create {} 660", name.address())).expect_ok();
    chown(&file.0, None, Some(GROUP)).unwrap();
    let mut second = program.agent(SECOND, GROUP);
    for what in ["sender", "receiver"] {
        owner.ask(&format!("{what} {address}")).expect_ok();
        second.ask(&format!("{what} {address}")).expect_ok();
        program.agent(THIRD, THIRD).ask(&format!("{what} {address}")).expect_error("PermissionDenied");
    }
    // Each is woken by the other.
    for _ in 0..10 {
        second.tell("receive");
        owner.ask("send-long there").expect_ok();
        assert!(second.wait_for_reply().expect_ok().starts_with("there"));
        owner.tell("receive");
        second.ask("send back").expect_ok();
        assert_eq!(owner.wait_for_reply().expect_ok(), "back");
    }
    // Each sees that the other has died: with a message in hand, and with a chunk.
    owner.ask("send 1").expect_ok();
    assert_eq!(second.ask("borrow").expect_ok(), "1");
    second.ask("loan a").expect_ok();
    second.kill();
    assert_eq!(owner.ask("receive 20000").expect_ok(), "1");
    for number in 0..4 {
        owner.ask(&format!("send-long {number}")).expect_ok();
    }
    let mut late = program.agent(SECOND, GROUP);
    late.ask(&format!("receiver {address}")).expect_ok();
    owner.kill();
    for number in 0..4 {
        assert_eq!(late.ask("receive 20000").expect_ok(), format!("{number}").repeat(20));
    }
}

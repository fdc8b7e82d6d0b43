//! Users with a group in common publish and subscribe, whoever of them made the topic; where all may read, a third one reads,
//! and cannot do more.

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
fn users_of_a_group_publish_to_each_other() {
    let _watchdog = minute();
    let Some(program) = Program::within_reach() else { return };
    let name = Name::unique("topic");
    let file = Leftover(format!("/dev/shm/cenote.{OWNER}.{}", name.address()).into());
    let address = format!("cenote:@{OWNER}/{}", name.address());
    let mut owner = program.agent(OWNER, OWNER);
    owner.ask(&format!("create {} 660", name.address())).expect_ok();
    chown(&file.0, None, Some(GROUP)).unwrap();
    let mut second = program.agent(SECOND, GROUP);
    for what in ["publisher", "subscriber"] {
        owner.ask(&format!("{what} {address}")).expect_ok();
        second.ask(&format!("{what} {address}")).expect_ok();
    }
    for what in ["publisher", "subscriber", "reader"] {
        program.agent(THIRD, THIRD).ask(&format!("{what} {address}")).expect_error("PermissionDenied");
    }
    // Each is woken by the other, and reads its own as well.
    for _ in 0..10 {
        second.tell("receive");
        owner.ask("publish-long there").expect_ok();
        assert!(second.wait_for_reply().expect_ok().starts_with("there"));
        assert!(owner.ask("receive").expect_ok().starts_with("there"));
        owner.tell("receive");
        second.ask("publish back").expect_ok();
        assert_eq!(owner.wait_for_reply().expect_ok(), "back");
        assert_eq!(second.ask("receive").expect_ok(), "back");
    }
    // Each sees that the other has died: with messages in hand, and with a chunk.
    for _ in 0..3 {
        owner.ask("publish-long a").expect_ok();
        second.ask("borrow").expect_ok();
    }
    second.ask("loan b").expect_ok();
    second.kill();
    for number in 0..20 {
        owner.ask(&format!("publish-long {}", number % 10)).expect_ok();
    }
    owner.ask("loan c").expect_ok();
    owner.ask("send-loan").expect_ok();
    owner.kill();
}

#[test]
fn where_all_may_read_others_subscribe() {
    let _watchdog = minute();
    let Some(program) = Program::within_reach() else { return };
    let name = Name::unique("topic");
    let _file = Leftover(format!("/dev/shm/cenote.{OWNER}.{}", name.address()).into());
    let address = format!("cenote:@{OWNER}/{}", name.address());
    let mut owner = program.agent(OWNER, OWNER);
    owner.ask(&format!("create {} 644", name.address())).expect_ok();
    owner.ask(&format!("publisher {address}")).expect_ok();
    let mut third = program.agent(THIRD, THIRD);
    for what in ["publisher", "subscriber"] {
        third.ask(&format!("{what} {address}")).expect_error("PermissionDenied");
    }
    third.ask(&format!("reader {address}")).expect_ok();
    for what in ["publish", "publish-long"] {
        third.tell("receive");
        owner.ask(&format!("{what} a")).expect_ok();
        assert!(third.wait_for_reply().expect_ok().starts_with('a'));
        owner.ask(&format!("{what} b")).expect_ok();
        assert!(third.ask("borrow").expect_ok().starts_with('b'));
    }
    // What it holds up is nothing: its sample is a copy.
    for _ in 0..20 {
        owner.ask("publish-long c").expect_ok();
    }
    assert_eq!(third.ask("look").expect_ok(), format!("b {}", "b".repeat(20)));
    // And it sees that the one who publishes has died, and another goes on.
    third.ask("drop").expect_ok();
    while third.ask("receive 1").ok().is_some() {}
    let mut another = program.agent(OWNER, OWNER);
    another.ask(&format!("publisher {address}")).expect_ok();
    owner.kill();
    another.ask("publish d").expect_ok();
    assert_eq!(third.ask("receive 20000").expect_ok(), "d");
    another.kill();
}

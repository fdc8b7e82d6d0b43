//! Two users with a group in common share a segment, and a third one, who is not of the group, can do nothing about it.
//! They have real uids, and nobody is known under them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use cenote::catalog::{self, Verdict};
use cenote::{ErrorKind, Segment};
use testkit::others::Program;
use testkit::{Peer, agent};

use super::{Name, minute};

const OWNER: u32 = 60_001;
const SECOND: u32 = 60_002;
const THIRD: u32 = 60_003;
/// Of the owner and the second one. The owner's own first group is another: the file gets this one from the test.
const GROUP: u32 = 60_010;

/// A name of the owner's. What a failed test leaves is removed with it.
struct Shared {
    program: Program,
    name: Name,
}

impl Shared {
    /// If this process is root, and so can be all of them.
    fn new() -> Option<Self> {
        Some(Self { program: Program::within_reach()?, name: Name::unique() })
    }

    /// As the others say it; the owner may, too.
    fn address(&self) -> String {
        format!("cenote:@{OWNER}/{}", self.name.0)
    }

    fn path(&self) -> PathBuf {
        format!("/dev/shm/cenote.{OWNER}.{}", self.name.0).into()
    }

    fn is_there(&self) -> bool {
        self.path().symlink_metadata().is_ok()
    }

    fn verdict(&self) -> Verdict {
        catalog::look(&self.address().parse().unwrap()).unwrap().verdict
    }

    /// The owner, who has made it for the group.
    fn owner(&self) -> Peer {
        let mut owner = self.program.agent(OWNER, OWNER);
        owner.ask(&format!("create {} 64 660", self.name.address())).expect_ok();
        let file = fs::metadata(self.path()).unwrap();
        assert_eq!((file.uid(), file.mode() & 0o7777), (OWNER, 0o660));
        chown(self.path(), None, Some(GROUP)).unwrap();
        owner
    }

    /// The second one, who has it attached.
    fn second(&self) -> Peer {
        let mut second = self.program.agent(SECOND, GROUP);
        second.ask(&format!("attach {}", self.address())).expect_ok();
        second
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path());
    }
}

#[test]
fn they_share_bytes_and_the_lock() {
    let _watchdog = minute();
    let Some(shared) = Shared::new() else { return };
    let (mut owner, mut second) = (shared.owner(), shared.second());
    owner.ask("write 0 2a").expect_ok();
    assert_eq!(second.ask("read 0 1").expect_ok(), "2a");
    assert_eq!(second.ask("lock").expect_ok(), "no");
    owner.ask("try-lock").expect_error("Timeout");
    second.ask("write 1 2b").expect_ok();
    second.ask("unlock").expect_ok();
    assert_eq!(owner.ask("lock").expect_ok(), "no");
    assert_eq!(owner.ask("read 0 2").expect_ok(), "2a2b");
    second.ask("try-lock").expect_error("Timeout");
    owner.ask("unlock").expect_ok();
    for one in [&mut owner, &mut second] {
        one.tell("increment 8 5000");
    }
    for one in [&mut owner, &mut second] {
        one.wait_for_reply().expect_ok();
    }
    assert_eq!(owner.ask("read 8 8").expect_ok(), "1027000000000000", "10,000");
}

#[test]
fn either_takes_over_what_the_other_died_with() {
    let _watchdog = minute();
    let Some(shared) = Shared::new() else { return };
    let (mut owner, mut second) = (shared.owner(), shared.second());
    second.ask("lock").expect_ok();
    owner.tell("lock 20000");
    second.kill();
    assert_eq!(owner.wait_for_reply().expect_ok(), "yes");
    let mut second = shared.second();
    second.tell("lock 20000");
    owner.kill();
    assert_eq!(second.wait_for_reply().expect_ok(), "yes");
    second.ask("unlock").expect_ok();
    // It is the second one's as long as they stay, and others of the group still come.
    assert_eq!(shared.verdict(), Verdict::Live);
    let mut more = shared.second();
    assert_eq!(more.ask("lock").expect_ok(), "no");
}

#[test]
fn it_goes_with_the_owner_and_is_stale_after_the_other() {
    let _watchdog = minute();
    let Some(shared) = Shared::new() else { return };
    // The owner is last.
    let (mut owner, mut second) = (shared.owner(), shared.second());
    second.ask("detach").expect_ok();
    assert!(shared.is_there());
    owner.ask("detach").expect_ok();
    assert!(!shared.is_there());

    // The second one is last, and may not take a name away that is the owner's: no error, and not attached by anybody.
    for dies in [false, true] {
        let (mut owner, mut second) = (shared.owner(), shared.second());
        second.ask("write 0 2a").expect_ok();
        owner.ask("detach").expect_ok();
        assert!(shared.is_there());
        if dies {
            second.kill();
        } else {
            second.ask("detach").expect_ok();
        }
        assert_eq!(shared.verdict(), Verdict::Stale);
        let mut late = shared.program.agent(SECOND, GROUP);
        for attach in ["attach", "attach-ro"] {
            late.ask(&format!("{attach} {}", shared.address())).expect_error("NotFound");
        }
        late.ask(&format!("create {} 64", shared.address())).expect_error("PermissionDenied");
        assert!(shared.is_there());
        owner.ask(&format!("create {} 100", shared.name.address())).expect_ok();
        assert_eq!(owner.ask("size").expect_ok(), "100");
        assert_eq!(owner.ask("read 0 1").expect_ok(), "00", "it is a new one");
        owner.ask("detach").expect_ok();
        assert!(!shared.is_there());
    }
}

/// With 0640 those of the group read, and what they read lives.
#[test]
fn who_may_only_read_is_a_holder_and_no_more() {
    let _watchdog = minute();
    let Some(shared) = Shared::new() else { return };
    let mut owner = shared.owner();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o640)).unwrap();
    owner.ask("write 0 2a").expect_ok();
    let mut reader = shared.program.agent(SECOND, GROUP);
    reader.ask(&format!("attach {}", shared.address())).expect_error("PermissionDenied");
    reader.ask(&format!("attach-ro {}", shared.address())).expect_ok();
    assert_eq!(reader.ask("read 0 1").expect_ok(), "2a");
    for refused in ["lock", "write 0 2b"] {
        reader.ask(refused).expect_error("PermissionDenied");
    }
    owner.ask("lock").expect_ok();
    owner.kill();
    assert_eq!(shared.verdict(), Verdict::Live);
    let mut owner = shared.program.agent(OWNER, OWNER);
    owner.ask(&format!("attach {}", shared.name.address())).expect_ok();
    assert_eq!(owner.ask("lock").expect_ok(), "yes");
    reader.kill();
    owner.ask("unlock").expect_ok();
    owner.ask("detach").expect_ok();
    assert!(!shared.is_there());
}

#[test]
fn a_third_one_is_denied_and_changes_nothing() {
    let _watchdog = minute();
    let Some(shared) = Shared::new() else { return };
    let (mut owner, mut second) = (shared.owner(), shared.second());
    owner.ask("write 0 2a").expect_ok();
    owner.ask("lock").expect_ok();
    let mut third = shared.program.agent(THIRD, THIRD);
    let tries =
        ["attach", "attach-ro", "remove"].map(|operation| format!("{operation} {}", shared.address()));
    for refused in tries
        .into_iter()
        .chain([format!("create {} 64", shared.address()), format!("open-or-create {} 64", shared.address())])
    {
        third.ask(&refused).expect_error("PermissionDenied");
    }
    // Of their own they have what they like under that name.
    third.ask(&format!("create {} 64", shared.name.address())).expect_ok();
    third.ask("write 0 ff").expect_ok();
    third.ask("lock").expect_ok();
    third.kill();
    fs::remove_file(format!("/dev/shm/cenote.{THIRD}.{}", shared.name.0)).unwrap();
    owner.ask("unlock").expect_ok();
    assert_eq!(second.ask("lock").expect_ok(), "no");
    assert_eq!(second.ask("read 0 1").expect_ok(), "2a");
    second.ask("unlock").expect_ok();
    second.ask("detach").expect_ok();
    owner.ask("detach").expect_ok();
    assert!(!shared.is_there());
}

/// It would be there, and its owner could neither come in nor remove it.
#[test]
fn a_mode_that_keeps_its_owner_out_is_refused() {
    let (_watchdog, name) = (minute(), Name::unique());
    for mode in [0, 0o044, 0o200, 0o400, 0o444, 0o466] {
        let error = Segment::options().mode(mode).create(name.address(), 64).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{mode:o}: {error}");
        assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
    }
    drop(Segment::options().mode(0o644).create(name.address(), 64).unwrap());
}

/// Root is a user like the owner for it, and agents of root's are no part of the group.
#[test]
fn root_joins_by_the_owners_name() {
    let _watchdog = minute();
    let Some(shared) = Shared::new() else { return };
    let mut owner = shared.owner();
    let mut root = agent::spawn();
    root.ask(&format!("attach {}", shared.address())).expect_ok();
    root.ask("lock").expect_ok();
    owner.tell("lock 20000");
    root.kill();
    assert_eq!(owner.wait_for_reply().expect_ok(), "yes");
}

//! Native segments: made by one command, read by another one, and what `ls`, `show`, `lock` and `rm` say of them.

use std::process::Stdio;

use cenote::Segment;

use crate::support::{Place, Running, cenote, run, until};

#[test]
fn what_a_writer_leaves_is_there_for_who_comes_late() {
    let place = Place::native();
    let at = place.address.as_str();
    // A name without a kind is a native one.
    let name = at.strip_prefix("cenote:").unwrap();
    run(["write", name, "still here", "--create"]).ok();
    assert_eq!(run(["read", name, "--as", "text"]).ok(), "still here\n");
    let shown = run(["show", at]);
    for line in ["verdict     kept: nobody holds it", "lock        free", "holders     none to be seen"] {
        assert!(shown.ok().contains(line), "{line} is missing: {shown:?}");
    }
    let listed = run(["ls", "cenote:", "--json"]).json();
    let entry = listed.as_array().unwrap().iter().find(|entry| entry["address"] == at).expect("it is listed");
    assert_eq!((&entry["kind"], &entry["verdict"]), (&"cenote".into(), &"kept".into()));
    run(["rm", name]).ok();
    run(["read", name]).failed(1);
}

#[test]
fn a_stuck_lock_names_its_holder_and_is_broken_by_force() {
    let place = Place::native();
    let at = place.address.as_str();
    run(["create", at, "--size", "64"]).ok();
    let mut locked = Running::start(cenote(["lock", at, "--", "cat"]).stdin(Stdio::piped()));
    let segment = Segment::attach(at).unwrap();
    until("the lock", || segment.try_lock().unwrap().is_none());
    let pid = locked.pid();
    assert!(run(["show", at]).ok().contains(&format!("held by process {pid}")));
    let refused = run(["lock", "--break", at]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains(&format!("it may be held by process {pid}")), "{refused:?}");
    run(["lock", "--break", "--force", at]).ok();
    drop(segment.try_lock().unwrap().expect("it is free"));
    locked.input(b"it lives\n");
}

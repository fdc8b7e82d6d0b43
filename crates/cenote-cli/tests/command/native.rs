//! Native segments: made by one command, read by another one, and what `ls`, `show`, `lock` and `rm` say of them.

use std::process::Stdio;
use std::thread;

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

#[test]
fn what_has_a_name_is_shown_with_who_has_it_and_who_waits() {
    let place = Place::native();
    let at = place.address.as_str();
    run(["create", at, "--size", "64"]).ok();
    let segment = Segment::attach(at).unwrap();
    let (left, map) = (segment.named_lock("left").unwrap(), segment.rw_lock("map").unwrap());
    let (cards, ready) = (segment.semaphore("cards", 4).unwrap(), segment.event("ready").unwrap());
    let held = left.lock().unwrap();
    let reading = [map.read().unwrap(), map.read().unwrap()];
    let permit = cards.acquire().unwrap();
    ready.set().unwrap();
    let me = std::process::id();
    thread::scope(|scope| {
        // A waiter is one that sleeps: another attachment of this process.
        let other = Segment::attach(at).unwrap();
        scope.spawn(move || drop(other.named_lock("left").unwrap().lock().unwrap()));
        let waits = |shown: &str| {
            let line = shown.lines().find(|line| line.trim_start().starts_with("left")).map(str::to_owned);
            line.is_some_and(|line| {
                line.contains(&format!("held by {me}")) && line.ends_with(&format!(" {me}"))
            })
        };
        until("the waiter", || waits(run(["show", at]).ok()));
        let shown = run(["show", at]);
        let expected = [
            format!("read by {me} (x2)"),
            format!("3 of 4 free; {me} has the others"),
            "event      set".into(),
        ];
        for part in expected {
            assert!(shown.ok().contains(&part), "{part} is missing: {shown:?}");
        }
        let json = run(["show", at, "--json"]).json();
        let named = json["named"].as_array().unwrap();
        assert_eq!(named.len(), 4);
        assert_eq!((&named[0]["name"], &named[0]["held"]["pid"]), (&"left".into(), &me.into()));
        assert_eq!((&named[2]["permits"], &named[2]["shared"][0]["times"]), (&4.into(), &1.into()));
        drop(held);
    });
    drop((reading, permit));
}

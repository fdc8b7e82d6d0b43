//! `send` and `recv`: queues from the shell, in pipes and beside programs.

use std::process::Stdio;

use cenote::{Queue, Shared};
use serde_json::json;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::support::{Place, Running, cenote, run, run_with_input};

#[test]
fn what_is_sent_is_received_in_every_form() {
    let place = Place::native();
    let address = place.address.as_str();
    let said = run(["send", address, "one", "two words", "--create", "--tag", "7"]);
    assert_eq!(said.ok(), format!("sent 2 messages to {address}\n"));
    run_with_input(&["send", address, "-"], b"a line\nand another\n").ok();
    run_with_input(&["send", address, "-", "--as", "raw"], b"both\nlines\n").ok();
    run_with_input(&["send", address, "-", "--as", "json"], b"{\"tag\":9,\"hex\":\"00ff\"}\n{\"text\":\"\"}")
        .ok();
    run(["send", address, "--as", "hex", "c3 a9"]).ok();
    let shown = run(["show", address, "--json"]).json();
    assert_eq!(
        shown["queue"],
        json!({"capacity": 256, "longest": 4096, "depth": 8, "deepest": 8, "sent": 8, "received": 0, "dropped": 0, "skipped": 0})
    );
    assert!(
        run(["show", address]).ok().contains("messages    8 of 256, at most 8 at once; 8 sent, 0 received\n")
    );

    assert_eq!(run(["recv", address, "--count", "3"]).ok(), "one\ntwo words\na line\n");
    assert_eq!(run(["recv", address, "--as", "hex"]).ok(), "616e6420616e6f74686572\n");
    assert_eq!(run(["recv", address, "--as", "raw"]).ok(), "both\nlines\n");
    let lines = run(["recv", address, "--count", "2", "--json"]);
    assert_eq!(lines.ok(), "{\"tag\":9,\"len\":2,\"hex\":\"00ff\"}\n{\"tag\":0,\"len\":0,\"text\":\"\"}\n");
    assert_eq!(run(["recv", address]).ok(), "é\n");
    run(["recv", address, "--timeout", "0.05"]).failed(3);
}

#[test]
fn what_cannot_be_is_said() {
    let place = Place::native();
    let address = place.address.as_str();
    run(["send", address, "hello"]).failed(1);
    run(["recv", address, "--depth", "4"]).failed(2);
    run(["send", address, "12345678", "--create", "--longest", "8", "--depth", "2"]).ok();
    let said = run(["send", address, "123456789"]);
    assert!(said.failed(1).contains("--longest"), "{said:?}");
    run(["send", address, "b", "c", "--timeout", "0.05"]).failed(3);
    let said = run_with_input(&["send", address, "-", "--as", "hex"], b"0g\n");
    assert!(said.failed(1).contains("hex"), "{said:?}");
    assert_eq!(run(["recv", address, "--count", "2"]).ok(), "12345678\nb\n");
    // Another content is told.
    let other = Place::native();
    run(["create", &other.address, "--size", "4096"]).ok();
    let said = run(["recv", &other.address]);
    assert!(said.failed(1).contains("no queue"), "{said:?}");
}

#[derive(Shared, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Goal {
    x: f32,
    y: f32,
}

#[test]
fn the_messages_of_a_program_are_printed_by_their_type() {
    let place = Place::native();
    let tx = Queue::<Goal>::create(place.address.as_str()).unwrap().sender().unwrap();
    for number in 0..3_u16 {
        tx.send_tagged(number.into(), &Goal { x: number.into(), y: 0.5 }).unwrap();
    }
    let seen = run(["show", &place.address, "--json"]).json();
    assert_eq!(seen["type"], "Goal(8,4){x@0:f32,y@4:f32}");
    assert_eq!(seen["contents"], "queue of Goal, room for 256");
    let said = run(["recv", &place.address, "--json"]).json();
    assert_eq!(said, json!({"tag": 0, "len": 8, "value": {"x": 0.0, "y": 0.5}}));
    assert_eq!(run(["recv", &place.address]).ok(), "{\"x\":1.0,\"y\":0.5}\n");
    assert_eq!(run(["recv", &place.address, "--as", "hex"]).ok(), "000000400000003f\n");
}

#[test]
fn a_follower_prints_each_message_as_it_comes() {
    let place = Place::native();
    let mut command = cenote(["recv", &place.address, "--follow", "--create"]);
    command.stdin(Stdio::null());
    let mut follower = Running::start(&mut command);
    // It makes the queue.
    let tx = loop {
        if let Ok(queue) = Queue::<[u8]>::attach(place.address.as_str()) {
            break queue.sender().unwrap();
        }
        std::thread::yield_now();
    };
    for number in 0..100 {
        tx.send(format!("message {number}").as_bytes()).unwrap();
        assert_eq!(follower.line(), format!("message {number}"));
    }
}

#[test]
fn what_is_published_is_printed_by_all_who_subscribe() {
    let place = Place::native();
    let address = place.address.as_str();
    let said = run(["pub", address, "one", "two words", "--create", "--depth", "4", "--tag", "7"]);
    assert_eq!(said.ok(), format!("published 2 messages to {address}\n"));
    run_with_input(&["pub", address, "-", "--as", "json"], b"{\"tag\":9,\"hex\":\"00ff\"}\n").ok();
    let shown = run(["show", address, "--json"]).json();
    assert_eq!(
        shown["topic"],
        json!({"capacity": 4, "longest": 4096, "published": 3, "skipped": 0, "subscribers": []})
    );
    assert!(
        run(["show", address]).ok().contains("messages    3 published, room for the last 4\n"),
        "{shown:?}"
    );
    for _ in 0..2 {
        assert_eq!(run(["sub", address, "--last", "3", "--count", "2"]).ok(), "one\ntwo words\n");
    }
    let said = run(["sub", address, "--last", "1", "--json"]);
    assert_eq!(said.ok(), "{\"tag\":9,\"len\":2,\"hex\":\"00ff\"}\n");
    run(["sub", address, "--timeout", "0.05"]).failed(3);
    assert!(run(["recv", address]).failed(1).contains("no queue"));
    assert!(run(["ls"]).ok().contains("topic"));

    // Both of those who wait get it, and are seen meanwhile.
    let mut waiting = [(); 2].map(|()| {
        let mut command = cenote(["sub", address, "--count", "1"]);
        Running::start(command.stdout(Stdio::piped()))
    });
    let subscribed = || run(["show", address, "--json"]).json()["topic"]["subscribers"].clone();
    while subscribed().as_array().unwrap().len() < 2 {}
    let pids: Vec<u64> =
        subscribed().as_array().unwrap().iter().map(|one| one["pid"].as_u64().unwrap()).collect();
    assert!(waiting.iter().all(|one| pids.contains(&one.pid().into())), "{pids:?}");
    let text = run(["show", address]).ok().to_owned();
    assert!(text.contains("subscribers\n"), "{text}");
    run(["pub", address, "to both"]).ok();
    for one in &mut waiting {
        assert_eq!(one.line(), "to both");
    }
}

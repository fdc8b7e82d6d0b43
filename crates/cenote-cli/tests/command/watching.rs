//! `ls --watch`: what comes and goes is seen, and it ends when it is asked to.

use std::process::{Command, Stdio};

use crate::support::{Place, Running, cenote, run};

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

fn pattern(place: &Place) -> String {
    format!("{}*", place.address)
}

#[test]
fn what_comes_and_goes_is_seen_in_a_pipe() {
    let place = Place::posix();
    let mut watch = Running::start(&mut cenote(["ls", "--watch", "0.1", &pattern(&place)]));
    assert_eq!(watch.line(), "no segments");
    run(["create", &place.address, "--size", "1"]).ok();
    let mut line = String::new();
    while !line.starts_with("ADDRESS") {
        line = watch.line();
        assert!(line == "no segments" || line.starts_with("-- 2") || line.starts_with("ADDRESS"), "{line}");
    }
    assert!(watch.line().starts_with(&place.address));
    assert!(watch.line().starts_with("-- 2"));
    run(["rm", &place.address]).ok();
    while watch.line() != "no segments" {}
    watch.signal(SIGINT);
    assert_eq!(watch.end().code, 0);
}

#[test]
fn each_time_is_a_line_of_json() {
    let place = Place::posix();
    run(["create", &place.address, "--size", "1"]).ok();
    let mut watch = Running::start(&mut cenote(["ls", "--json", "--watch", "0.1", &pattern(&place)]));
    for _ in 0..3 {
        let list: serde_json::Value = serde_json::from_str(&watch.line()).expect("a line is JSON");
        assert_eq!(list[0]["address"], place.address.as_str());
    }
    watch.signal(SIGTERM);
    assert_eq!(watch.end().code, 0);
}

#[test]
fn it_ends_when_nobody_reads_on() {
    let place = Place::posix();
    let mut watch = Running::start(&mut cenote(["ls", "--watch", "0.1", &pattern(&place)]));
    assert_eq!(watch.line(), "no segments");
    let end = watch.close_stdout();
    assert_eq!((end.code, end.stderr.as_str()), (0, ""));
}

#[test]
fn on_a_terminal_it_stays_in_one_place() {
    let place = Place::posix();
    let command = format!(
        "stty rows 24 cols 300; exec {} ls --watch 0.1 '{}'",
        env!("CARGO_BIN_EXE_cenote"),
        pattern(&place)
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).stdin(Stdio::piped());
    if Command::new("script").arg("--version").output().is_err() {
        testkit::skipped("there is no script here, which makes a terminal");
        return;
    }
    let mut watch = Running::start(&mut script);
    assert_eq!(watch.line(), "\x1b[2J\x1b[Hno segments\x1b[K");
    run(["create", &place.address, "--size", "1"]).ok();
    let mut line = String::new();
    while !line.contains("ADDRESS") {
        line = watch.line();
    }
    // What was below is cleared, and then it goes on at the top.
    assert!(line.starts_with("\x1b[J\x1b[HADDRESS"), "{line:?}");
    assert!(watch.line().starts_with(&place.address));
    watch.input(b"\x03");
    assert_eq!(watch.end().code, 0);
}

#[test]
fn the_time_between_is_one() {
    run(["ls", "--watch", "posix:"]).failed(2);
}

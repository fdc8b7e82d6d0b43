//! `--hold`.

use crate::support::{Place, Running, cenote, run};

fn hold(arguments: &[&str]) -> Running {
    let mut running = Running::start(&mut cenote(arguments));
    let line = running.error_line();
    assert!(line.starts_with("cenote: holding "), "{line}");
    running
}

#[test]
fn a_held_qt_segment_goes_with_its_holder() {
    for number in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // As nohup(1) leaves it: then it is to be ignored.
        if is_ignored(number) {
            continue;
        }
        let place = Place::qt();
        let at = place.address.as_str();
        let running = hold(&["write", at, "text", "--create", "--hold"]);
        assert_eq!(run(["read", at]).ok(), "text\n");
        running.signal(number);
        assert_eq!(running.end().code, 0);
        run(["read", at]).failed(1);
    }
}

/// What those who are started here have from us.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    u64::from_str_radix(ignored, 16).unwrap() >> (signal - 1) & 1 != 0
}

#[test]
fn the_other_kinds_stay() {
    for place in [Place::posix(), Place::file(), Place::sysv()] {
        let at = place.address.as_str();
        let running = hold(&["create", at, "--size", "4096", "--hold"]);
        let shown = run(["show", at, "--json"]).json();
        assert_eq!(shown["holders"][0]["pid"], running.pid(), "{at}");
        assert_eq!(shown["verdict"], "live", "{at}");
        running.signal(libc::SIGTERM);
        assert_eq!(running.end().code, 0);
        run(["rm", at]).ok();
    }
}

#[test]
fn a_name_that_is_taken_away_is_told_once() {
    for place in Place::all() {
        let at = place.address.as_str();
        let mut running = hold(&["write", at, "text", "--create", "--hold"]);
        run(["rm", at]).ok();
        let line = running.error_line();
        assert!(line.contains("was removed by another process"), "{at}: {line}");
        assert!(running.error_line().starts_with("  hint: "), "{at}");
        running.signal(libc::SIGINT);
        let end = running.end();
        assert_eq!((end.code, end.stderr.as_str()), (0, ""), "{at}");
    }
}

#[test]
fn a_leftover_survives_two_commands_that_read_it_at_once() {
    let place = Place::qt();
    let at = place.address.as_str();
    run(["write", at, "my data", "--create", "--size", "64"]).ok();
    for round in 0..50 {
        let mut readers: Vec<_> =
            (0..3).map(|_| cenote(["read", at, "-q", "-o", "/dev/null"]).spawn().unwrap()).collect();
        for reader in &mut readers {
            assert!(reader.wait().unwrap().success(), "round {round}");
        }
    }
    assert_eq!(run(["read", at]).ok(), "my data\n");
    run(["rm", at]).ok();
}

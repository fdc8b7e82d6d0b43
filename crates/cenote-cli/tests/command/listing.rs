//! `ls` and `show`: what is there, and who has it.

use std::process::Command;

use cenote::Segment;

use crate::support::{Place, outcome, run};

#[test]
fn a_segment_is_listed_with_its_holder() {
    for place in [Place::posix(), Place::sysv(), Place::qt()] {
        let at = place.address.as_str();
        let kind = at.split(':').next().unwrap();
        let segment = Segment::options().mode(0o640).create(at, 5000).unwrap();
        let list = run(["ls", "--json", &format!("{kind}:")]).json();
        let list = list.as_array().expect("an array");
        assert!(list.iter().all(|entry| entry["kind"] == kind));
        let entry = list.iter().find(|entry| entry["address"] == at).expect("it is listed");
        assert_eq!((&entry["size"], &entry["mode"]), (&5000.into(), &"0640".into()), "{at}");
        assert_eq!(entry["verdict"], "live", "{at}");
        assert!(entry["reason"].is_string(), "{at}");
        // Children that other tests are just starting still have it mapped too.
        let mut holders = entry["holders"].as_array().expect("an array").iter();
        let holder = holders.find(|holder| holder["pid"] == std::process::id()).expect("this process");
        assert_eq!(holder["access"], "read-write", "{at}");
        assert!(holder["command"].as_str().unwrap().contains("command"), "{holder}");
        assert!(!holder["user"].as_str().unwrap().is_empty());

        let table = run(["ls"]);
        let mut lines = table.ok().lines();
        let header: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let columns =
            ["ADDRESS", "SIZE", "MEMORY", "OWNER", "MODE", "HOLDERS", "VERDICT", "AGE", "MAKER", "CONTENTS"];
        assert_eq!(header, columns);
        let row: Vec<&str> = lines.find(|line| is_row_of(line, at)).unwrap().split_whitespace().collect();
        assert_eq!((row[1], row[4], row[6]), ("4.8KiB", "0640", "live"));
        assert!(row[5].parse::<u32>().unwrap() >= 1, "{row:?}");
        drop(segment);
        let _ = Segment::remove(at);
        assert!(!run(["ls"]).ok().lines().any(|line| is_row_of(line, at)));
    }
}

fn is_row_of(line: &str, address: &str) -> bool {
    line.split_whitespace().next() == Some(address)
}

#[test]
fn show_tells_all_and_attaches_nothing() {
    let place = Place::sysv();
    let at = place.address.as_str();
    run(["write", at, "text", "--create"]).ok();
    let before = run(["show", at, "--json"]).json();
    assert_eq!(run(["show", at, "--json"]).json(), before);
    assert_eq!((&before["attached"], &before["contents"]), (&0.into(), &serde_json::Value::Null));

    let place = Place::posix();
    let at = place.address.as_str();
    run(["write", at, "some text", "--create"]).ok();
    let mut segment = Segment::options().read_only().attach(at).unwrap();
    let shown = run(["show", at]);
    for words in
        ["verdict     live: ", "contents    text \"some text\"\n", "  read-only  ", "lock        free\n"]
    {
        assert!(shown.ok().contains(words), "{words}: {shown:?}");
    }
    segment = Segment::attach(segment.address()).unwrap();
    let lock = segment.lock().unwrap();
    assert!(run(["show", at]).ok().contains("lock        held"));
    drop(lock);
}

#[test]
fn names_cannot_steer_a_terminal() {
    let place = Place::posix();
    let at = format!("{}\x1b[2J\n", place.address);
    let file = format!("/dev/shm/{}", at.strip_prefix("posix:/").unwrap());
    let remove = || std::fs::remove_file(&file);
    run(["create", &at, "--size", "1"]).ok();
    let outcomes =
        [run(["ls"]), run(["show", &at]), run(["create", &at, "--size", "1"]), run(["ls", "--json"])];
    let list = outcomes[3].json();
    let removed = run(["rm", &at]);
    let _ = remove();
    for outcome in outcomes.iter().chain([&removed]) {
        let said = format!("{}{}", outcome.stdout(), outcome.stderr);
        assert!(!said.contains('\x1b'), "{said}");
    }
    assert!(outcomes[0].stdout().contains("\\u{1b}[2J\\n "), "{}", outcomes[0].stdout());
    assert_eq!(removed.code, 0);
    assert!(list.as_array().unwrap().iter().any(|entry| entry["address"] == at.as_str()));
}

#[test]
fn no_segments_are_no_error() {
    // Nobody else has a System V segment in a namespace of one's own.
    let program = env!("CARGO_BIN_EXE_cenote");
    let alone = |arguments: &[&str]| {
        outcome(Command::new("unshare").args(["--ipc", "--user", "--map-root-user", program]).args(arguments))
    };
    let said = alone(&["ls", "sysv:"]);
    if said.stderr.contains("unshare") {
        testkit::skipped("namespaces cannot be made here");
        return;
    }
    assert_eq!((said.ok(), said.stderr.as_str()), ("", "cenote: no segments\n"));
    assert_eq!(alone(&["ls", "sysv", "-q"]).stderr, "");
    assert_eq!(alone(&["ls", "sysv", "--json"]).ok(), "[]\n");
}

/// Its command has more than a megabyte, once for each segment that it holds.
#[test]
fn what_a_holder_is_called_is_told_in_part() {
    let _watchdog = testkit::watchdog(crate::support::PATIENCE);
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "1"]).ok();
    let file = format!("/dev/shm/{}", at.strip_prefix("posix:/").unwrap());
    let mut tail = Command::new("tail");
    tail.args(["-f", &file]).args((0..12).map(|_| "/".repeat(120_000))).stdout(std::process::Stdio::null());
    let mut tail = tail.stderr(std::process::Stdio::null()).spawn().unwrap();
    let is_holder = |holder: &serde_json::Value| holder["pid"] == tail.id();
    let command = loop {
        let seen = run(["show", at, "--json"]).json();
        if let Some(holder) = seen["holders"].as_array().unwrap().iter().find(|holder| is_holder(holder)) {
            break holder["command"].as_str().unwrap().to_owned();
        }
    };
    assert!(command.starts_with("tail -f ") && command.len() <= 4096, "{} bytes", command.len());
    assert!(run(["show", at]).ok().len() < 10_000);
    tail.kill().unwrap();
    tail.wait().unwrap();
}

/// Where nothing can be listed it is said what lies where, and not to list it.
#[test]
fn without_dev_shm_it_is_said_what_that_means() {
    if !testkit::system::has_root() {
        return;
    }
    let script = "mount -t tmpfs none /dev && exec \"$0\" \"$@\"";
    let without = |arguments: &[&str]| {
        let mut bash = Command::new("bash");
        bash.args(["-c", script, env!("CARGO_BIN_EXE_cenote")]).args(arguments);
        outcome(testkit::system::in_small_shm(&mut bash, 4096))
    };
    for arguments in [&["ls"][..], &["ls", "posix:"], &["reap"], &["export"]] {
        let said = without(arguments);
        assert!(said.failed(1).contains("hint: POSIX and native segments lie there"), "{said:?}");
    }
    assert_eq!(without(&["ls", "sysv:"]).code, 0);
    assert!(without(&["doctor"]).stdout().contains("mount -t tmpfs"));
}

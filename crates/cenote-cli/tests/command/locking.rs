//! `cenote lock`, and the locks that the other commands take.

use std::process::{Command, Stdio};

use testkit::names::TempDir;

use crate::support::{Place, Running, cenote, is_gone, outcome, run, until};

/// Holds the lock of `address` until it is told to end, by the end of its input.
fn holder(address: &str) -> Running {
    let mut holder = Running::start(
        cenote(["lock", address, "--", "sh", "-c", "echo mine; exec cat"]).stdin(Stdio::piped()),
    );
    assert_eq!(holder.line(), "mine");
    holder
}

#[test]
fn a_held_lock_times_out_on_every_kind() {
    for place in Place::all() {
        let at = place.address.as_str();
        run(["write", at, "text", "--create"]).ok();
        let holder = holder(at);
        for line in [
            &["lock", at, "--timeout", "100ms", "--", "true"][..],
            &["read", at, "--timeout", "0.1"],
            &["write", at, "new", "--timeout", "0"],
        ] {
            run(line).failed(3);
        }
        let mut waiting = Running::start(&mut cenote(["lock", at, "--timeout", "1m", "--", "echo", "next"]));
        drop(holder);
        assert_eq!(waiting.line(), "next", "{at}");
        assert_eq!(waiting.end().code, 0, "{at}");
        assert_eq!(run(["read", at]).ok(), "text\n", "{at}");
        run(["rm", at]).ok();
    }
}

#[test]
fn without_the_lock_a_held_segment_can_be_used() {
    for place in [Place::posix(), Place::file(), Place::sysv()] {
        let at = place.address.as_str();
        run(["write", at, "text", "--create"]).ok();
        let _holder = holder(at);
        run(["write", at, "new", "--no-lock"]).ok();
        assert_eq!(run(["read", at, "--no-lock"]).ok(), "new\n");
        let shown = run(["show", at, "--json"]).json();
        assert_eq!(shown["lock"]["state"], "held", "{at}");
    }
}

#[test]
fn another_lock_can_be_used_instead() {
    let place = Place::posix();
    let at = place.address.as_str();
    let folder = TempDir::new();
    let file = format!("file:{}", folder.join("lock").display());
    run(["write", at, "text", "--create"]).ok();
    let mut holder = Running::start(
        cenote(["lock", at, "--lock-with", &file, "--", "sh", "-c", "echo; exec cat"]).stdin(Stdio::piped()),
    );
    assert_eq!(holder.line(), "");
    run(["read", at, "--lock-with", &file, "--timeout", "0"]).failed(3);
    assert_eq!(run(["read", at, "--timeout", "0"]).ok(), "text\n");
}

#[test]
fn readers_share_where_the_kind_lets_them() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["write", at, "text", "--create"]).ok();
    let mut reader = Running::start(
        cenote(["lock", at, "--shared", "--", "sh", "-c", "echo; exec cat"]).stdin(Stdio::piped()),
    );
    assert_eq!(reader.line(), "");
    assert_eq!(run(["read", at, "--timeout", "0"]).ok(), "text\n");
    run(["write", at, "new", "--timeout", "0"]).failed(3);
}

#[test]
fn reading_makes_no_lock() {
    let place = Place::sysv();
    let at = place.address.as_str();
    run(["create", at, "--size", "16"]).ok();
    let state = || run(["show", at, "--json"]).json()["lock"]["state"].clone();
    assert_eq!(run(["read", at]).ok(), "\n");
    assert_eq!(state(), "none");
    run(["lock", at, "--shared", "--", "true"]).failed(1);
    run(["write", at, "text"]).ok();
    assert_eq!(state(), "free");
    let _holder = holder(at);
    run(["read", at, "--timeout", "0"]).failed(3);
}

#[test]
fn the_status_is_that_of_the_command() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "1"]).ok();
    let code = |script: &str| run(["lock", at, "--", "sh", "-c", script]).code;
    assert_eq!(code("exit 0"), 0);
    assert_eq!(code("exit 42"), 42);
    assert_eq!(code("kill -TERM $$"), 128 + libc::SIGTERM);
    assert_eq!(code("kill -KILL $$"), 128 + libc::SIGKILL);
    run(["lock", at, "--", "cenote-test-no-such-command"]).failed(127);
    run(["lock", at, "--", "/etc/passwd"]).failed(126);
    assert_eq!(run(["lock", at, "--", "echo", "-n", "--timeout"]).ok(), "--timeout");
}

#[test]
fn signals_are_passed_on() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "1"]).ok();
    for (name, number) in [
        ("INT", libc::SIGINT),
        ("TERM", libc::SIGTERM),
        ("HUP", libc::SIGHUP),
        ("QUIT", libc::SIGQUIT),
        ("USR1", libc::SIGUSR1),
        ("USR2", libc::SIGUSR2),
    ] {
        let script =
            format!("trap 'kill $!; echo {name}; exit 9' {name}; sleep 60 >&- 2>&- & echo ready; wait");
        let mut running = Running::start(&mut cenote(["lock", at, "--", "sh", "-c", &script]));
        assert_eq!(running.line(), "ready");
        running.signal(number);
        let end = running.end();
        assert_eq!((end.code, end.stdout()), (9, format!("{name}\n").as_str()));
    }
}

#[test]
fn the_command_has_the_signals_that_cenote_was_given() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "1"]).ok();
    let program = env!("CARGO_BIN_EXE_cenote");
    // As nohup(1) starts it, say.
    let given = |command: &[&str]| {
        let mut env = Command::new("env");
        outcome(env.args(["--ignore-signal=HUP", "--block-signal=USR2"]).args(command))
    };
    let probe = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"];
    let expected = given(&probe);
    assert_eq!(given(&[&[program, "lock", at, "--"], &probe[..]].concat()).ok(), expected.ok());
}

#[test]
fn a_parent_that_expects_no_children_is_no_trouble() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "1"]).ok();
    let program = env!("CARGO_BIN_EXE_cenote");
    let command = ["--ignore-signal=CHLD", program, "lock", at, "--", "sh", "-c", "exit 5"];
    assert_eq!(outcome(Command::new("env").args(command)).code, 5);
}

#[test]
fn a_kill_frees_the_lock_and_takes_the_command_down() {
    for place in Place::all() {
        let at = place.address.as_str();
        run(["write", at, "text", "--create"]).ok();
        let mut running =
            Running::start(&mut cenote(["lock", at, "--", "sh", "-c", "echo $$; exec sleep 60"]));
        let command: u32 = running.line().parse().expect("a process id");
        running.signal(libc::SIGKILL);
        until("the command is killed", || is_gone(command));
        assert_eq!(running.end().code, -libc::SIGKILL);
        let next = run(["read", at, "--timeout", "20s"]);
        assert_eq!(next.ok(), "text\n", "{at}");
        // Only these locks can tell.
        let tells = at.starts_with("sysv:") || at.starts_with("cenote:");
        assert_eq!(next.stderr.contains("died with it"), tells, "{next:?}");
        run(["rm", at]).ok();
    }
}

#[test]
fn what_stays_in_the_background_does_not_hold_the_lock() {
    for place in Place::all() {
        let at = place.address.as_str();
        run(["write", at, "text", "--create"]).ok();
        let ended = run(["lock", at, "--", "sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]);
        let background: u32 = ended.ok().trim().parse().expect("a process id");
        let next = run(["lock", at, "--timeout", "0", "--", "true"]);
        assert!(!is_gone(background));
        testkit::system::signal(background, libc::SIGKILL);
        assert_eq!(next.code, 0, "{at}: {next:?}");
        run(["rm", at]).ok();
    }
}

#[test]
fn keys_of_the_terminal_arrive_once() {
    let place = Place::posix();
    let at = place.address.as_str();
    run(["create", at, "--size", "1"]).ok();
    let counts = "n=0; trap 'n=$((n + 1)); echo got' INT; trap 'kill $!; echo count=$n; exit' USR1; \
                  sleep 60 >/dev/null 2>&1 & echo $PPID; while :; do wait; done";
    let line = format!("{} lock {at} -- sh -c \"$COUNTS\"; :", env!("CARGO_BIN_EXE_cenote"));
    // script(1) is the terminal.
    let mut script = Command::new("script");
    script.args(["-qc", &line, "/dev/null"]).env("COUNTS", counts).env("SHELL", "/bin/sh");
    if Command::new("script").arg("--version").output().is_err() {
        testkit::skipped("script(1) is not installed");
        return;
    }
    let mut terminal = Running::start(script.stdin(Stdio::piped()));
    let cenote: u32 = terminal.line().parse().expect("a process id");
    // So that what it passes on comes after what the terminal sends.
    testkit::system::signal(cenote, libc::SIGSTOP);
    terminal.input(b"\x03");
    // The terminal shows the key as ^C.
    assert!(terminal.line().ends_with("got"));
    testkit::system::signal(cenote, libc::SIGUSR1);
    testkit::system::signal(cenote, libc::SIGCONT);
    let next = terminal.line();
    assert_eq!(next, "count=1");
}

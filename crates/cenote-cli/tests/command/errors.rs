//! Exit codes, and the two lines that go with them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use testkit::system::{as_other_user, has_root};

use crate::support::{Place, cenote, outcome, run};

#[test]
fn a_command_line_that_cannot_be_understood_is_usage() {
    let lines: [&[&str]; 26] = [
        &[],
        &["raed"],
        &["read"],
        &["read", "nothing:there"],
        &["read", ""],
        &["read", "posix:/a/b"],
        &["read", "sysv:elephant"],
        &["read", "posix:/x", "--as", "poem"],
        &["read", "posix:/x", "--offset", "-1"],
        &["read", "posix:/x", "--timeout", "soon"],
        &["read", "posix:/x", "--no-lock", "--lock-with", "file:/tmp/x"],
        &["create", "posix:/x"],
        &["create", "posix:/x", "--size", "18446744073709551616"],
        &["create", "posix:/x", "--size", "16777216TiB"],
        &["create", "posix:/x", "--size", "1", "--mode", "1777"],
        &["write", "posix:/x"],
        &["write", "posix:/x", "text", "--file", "also"],
        &["lock", "posix:/x"],
        &["lock", "posix:/x", "true"],
        &["ls", "elephants:"],
        &["rm"],
        &["rm", "posix:/x", "nothing:there"],
        &["doctor", "who"],
        &["completions", "elephant"],
        &["man", "elephant"],
        &["man", "ls", "--out", "/tmp"],
    ];
    for line in lines {
        run(line).failed(2);
    }
    let stderr = run(["read", "nothing:there"]).stderr;
    assert_eq!(
        stderr.lines().next_back(),
        Some("  hint: a native name with a colon is written `cenote:nothing:there`")
    );
    let not_utf8 = OsStr::from_bytes(b"posix:/\xff");
    run([OsStr::new("read"), not_utf8]).failed(2);
}

#[test]
fn what_the_system_refuses_is_1() {
    let (place, missing) = (Place::posix(), Place::posix());
    let (at, missing) = (place.address.as_str(), missing.address.as_str());
    run(["create", at, "--size", "8"]).ok();
    for line in [
        &["read", missing][..],
        &["write", missing, "text"],
        &["write", missing, "-"],
        &["show", missing],
        &["rm", missing],
        &["lock", missing, "--", "true"],
        &["image", "get", missing, "-o", "-"],
        &["create", at, "--size", "8"],
        &["create", missing, "--size", "0"],
        &["read", at, "--offset", "9"],
        &["read", at, "--len", "9"],
        &["read", at, "--lock-with", missing],
        &["read", "memfd:scratch"],
        &["read", "camera/front"],
        &["ls", "windows:"],
        &["lock", "--break", at],
        &["image", "put", at, "/nowhere/picture.png"],
        &["image", "put", at, "/dev/null"],
    ] {
        run(line).failed(1);
    }
}

#[test]
fn another_users_segment_is_refused() {
    if !has_root() {
        return;
    }
    let reachable = as_other_user(&mut cenote(["--version"])).output().is_ok();
    if !reachable {
        testkit::skipped("the command is out of another user's reach");
        return;
    }
    for place in [Place::posix(), Place::sysv()] {
        let at = place.address.as_str();
        run(["write", at, "secret", "--create"]).ok();
        for line in
            [["read", at].as_slice(), &["write", at, "text"], &["rm", at], &["lock", at, "--", "true"]]
        {
            outcome(as_other_user(&mut cenote(line))).failed(1);
        }
        assert_eq!(run(["read", at]).ok(), "secret\n");
    }
    let place = Place::posix();
    let at = place.address.as_str();
    run(["write", at, "open", "--create", "--mode", "0644"]).ok();
    assert_eq!(outcome(as_other_user(&mut cenote(["read", at]))).ok(), "open\n");
    let refused = outcome(as_other_user(&mut cenote(["lock", at, "--", "true"])));
    assert!(refused.failed(1).contains("--shared"));
    assert_eq!(outcome(as_other_user(&mut cenote(["lock", at, "--shared", "--", "true"]))).code, 0);
}

#[test]
fn rm_goes_on_after_an_error() {
    let (one, missing, two) = (Place::posix(), Place::sysv(), Place::posix());
    run(["create", &one.address, "--size", "8"]).ok();
    run(["create", &two.address, "--size", "8"]).ok();
    let removed = run(["rm", &one.address, &missing.address, &two.address]);
    assert_eq!(removed.code, 1);
    assert_eq!(removed.stdout(), format!("removed {}\nremoved {}\n", one.address, two.address));
    assert_eq!(removed.stderr.lines().count(), 2);
    for place in [&one, &two] {
        run(["show", &place.address]).failed(1);
    }
}

#[test]
fn help_names_every_form_of_address_and_every_code() {
    let help = run(["help"]);
    let help = help.ok();
    for word in
        ["posix:/", "sysv:0x", "sysv:id=", "file:/", "qt:", "memfd:", "windows:", "timed out", "Examples:"]
    {
        assert!(help.contains(word), "{word}");
    }
    for command in [
        "ls",
        "show",
        "create",
        "write",
        "read",
        "image",
        "lock",
        "rm",
        "doctor",
        "export",
        "completions",
        "man",
    ] {
        let long = run([command, "--help"]);
        assert!(long.ok().contains("Examples:"), "{command}");
    }
    assert!(run(["--version"]).ok().starts_with("cenote "));
}

//! What goes with its last handle is made to be held.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use testkit::names::TempDir;
use testkit::peers;

use crate::support::{Running, address, cenote, minute, run};

#[test]
fn a_mapping_is_held_until_the_input_ends() {
    let _watchdog = minute();
    let address = address();
    let error = run(&["create", &address, "--size", "64"]);
    assert!(error.failed(2).contains("--hold"), "{error:?}");

    let mut held = Running::start(
        cenote(&["write", &address, "Hello, Client!", "--create", "--hold"]).stdin(Stdio::piped()),
    );
    assert_eq!(held.complaint(), format!("cenote: holding {address} until interrupted"));
    assert_eq!(run(&["read", &address]).ok(), "Hello, Client!\n");
    run(&["write", &address, "Hello, Server!"]).ok();
    held.type_in(b"typing means nothing\n");
    assert_eq!(run(&["read", &address]).ok(), "Hello, Server!\n");
    drop(held.child.stdin.take());
    assert_eq!(held.end(), 0);
    run(&["read", &address]).failed(1);
}

#[test]
fn a_file_is_found_by_a_name_while_it_is_held() {
    let _watchdog = minute();
    let (address, folder) = (address(), TempDir::new());
    let file = folder.join("table.bin");
    let path = file.display().to_string();
    let words = ["create", &address, "--size", "8KiB", "--over", &path, "--hold"];
    let mut held = Running::start(cenote(&words).stdin(Stdio::piped()));
    assert_eq!(held.complaint(), format!("cenote: holding {address} until interrupted"));
    run(&["write", &address, "on disk"]).ok();
    drop(held.child.stdin.take());
    assert_eq!(held.end(), 0);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!((bytes.len(), &bytes[..8]), (8192, &b"on disk\0"[..]));
    let error = run(&["create", &format!("file:{path}-2"), "--size", "8KiB", "--over", &path]);
    assert!(error.failed(1).contains("only windows: segments"), "{error:?}");
}

#[test]
fn an_input_that_is_the_data_does_not_end_it() {
    let _watchdog = minute();
    let address = address();
    let mut held =
        Running::start(cenote(&["write", &address, "-", "--create", "--hold"]).stdin(Stdio::piped()));
    held.type_in(b"from stdin");
    drop(held.child.stdin.take());
    assert_eq!(held.complaint(), format!("cenote: holding {address} until interrupted"));
    assert_eq!(run(&["read", &address, "--len", "10"]).ok(), "from stdin\n");
    assert!(held.child.try_wait().unwrap().is_none());
}

#[test]
fn their_server_is_read_and_shown() {
    let _watchdog = minute();
    let Some(mut server) = peers::command("cookbook/file-mapping") else { return };
    // It ends with its input, also if this test fails.
    let mut server =
        server.arg("server").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut said = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut said).expect("it writes");
    let address = r"windows:Local\SampleMap";
    assert_eq!(run(&["read", address, "--as", "utf16"]).ok(), "Message from the first process.\n");
    let shown = run(&["show", address]);
    assert!(shown.ok().contains("64KiB (65536 bytes, 65536 mapped)"), "{shown:?}");
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

//! What the command can do here, and what it says of the rest.

use cenote::Segment;
use testkit::names::TempDir;

use crate::support::{address, minute, run};

#[test]
fn files_are_made_written_read_and_removed() {
    let (_watchdog, folder) = (minute(), TempDir::new());
    let address = format!("file:{}", folder.join("segment").display());
    run(&["create", &address, "--size", "64"]).ok();
    run(&["write", &address, "Grüße", "--offset", "4"]).ok();
    assert_eq!(run(&["read", &address, "--offset", "4"]).ok(), "Grüße\n");
    assert!(run(&["show", &address]).ok().contains("64 bytes"));
    run(&["rm", &address]).ok();
    run(&["read", &address]).failed(1);
}

#[test]
fn kinds_of_other_systems_are_unsupported_and_say_so() {
    let _watchdog = minute();
    for address in ["posix:/x", "sysv:0x5100c01f"] {
        let error = run(&["create", address, "--size", "64"]);
        assert!(error.failed(1).contains("this system has no"), "{error:?}");
    }
    for words in [&["doctor"][..], &["ls", "posix:"], &["ls", "sysv:"]] {
        assert!(run(words).failed(1).contains("this system"), "{words:?}");
    }
}

/// Two processes, one of them killed while it has both locks; and nothing is left.
#[test]
fn the_demo_plays_to_its_end() {
    let _watchdog = minute();
    let story = run(&["demo"]);
    for line in [
        r"server  creates windows:Local\CenoteDemo",
        "server  creates file:",
        "client  reads \"Hello, Client!\" and the QImage",
        "all 64,000 pixels are right",
        "client  tries the locks: taken",
        "command kills the server",
        r"client  has the lock of windows:Local\CenoteDemo",
        "client  reads both again, and compares",
        "command looks for what is left: nothing",
        "All went well.",
    ] {
        assert!(story.ok().contains(line), "{line} is missing: {story:?}");
    }
    let picture = TempDir::new();
    let file = picture.join("arrived.png").display().to_string();
    assert_eq!(run(&["demo", "-q", "-o", &file]).ok(), "");
    assert_eq!(image::open(&file).unwrap().width(), 320);
}

#[test]
fn a_mapping_is_not_removed_by_its_name() {
    let _watchdog = minute();
    let address = address();
    run(&["rm", &address]).failed(1);
    let segment = Segment::create(&*address, 64).unwrap();
    let error = run(&["rm", &address]);
    assert!(error.failed(1).contains("with its last handle"), "{error:?}");
    drop(segment);
}

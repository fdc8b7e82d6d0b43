//! Recipe `qt-hello`.

use testkit::qt::QtKey;

use crate::programs::{Program, ours, pairings, programs, two};
use crate::{WellKnown, alone_with_qt, qt_files};

const CLASSIC: [&str; 2] = ["qt-hello", "qt-hello-qt5"];

#[track_caller]
fn greet(server: &Program, client: &Program, arguments: &[&str]) {
    let mut server = server.start(&[&["server"], arguments].concat());
    server.until("server: wrote");
    let read = client.run(&[&["client"], arguments].concat());
    assert_eq!(read, "client: read \"Hello, Client!\"\n");
    let said = server.finish();
    assert!(said.starts_with("server: created "), "{said}");
    assert!(said.contains(", 1024 bytes\nserver: wrote \"Hello, Client!\"\n"), "{said}");
    assert!(said.ends_with("server: the answer is \"Hello, Server!\"\n"), "{said}");
}

#[test]
fn each_client_reads_what_each_server_wrote_and_nothing_is_left() {
    let _alone = alone_with_qt();
    for (server, client) in pairings("qt-hello", &CLASSIC) {
        let key = QtKey::unique();
        greet(&server, &client, &[key.key()]);
        assert_eq!(qt_files(key.key()), [""; 0], "{server:?}, {client:?}");
    }
}

#[test]
fn a_client_of_ours_that_comes_first_waits_for_its_server() {
    let _alone = alone_with_qt();
    for server in programs("qt-hello", &CLASSIC) {
        let key = QtKey::unique();
        let client = ours("qt-hello").start(&["client", key.key()]);
        assert!(server.run(&["server", key.key()]).ends_with("the answer is \"Hello, Server!\"\n"));
        assert_eq!(client.finish(), "client: read \"Hello, Client!\"\n");
        assert_eq!(qt_files(key.key()), [""; 0], "{server:?}");
    }
}

#[test]
fn a_server_takes_over_what_a_killed_one_has_left() {
    let _alone = alone_with_qt();
    for (one, other) in pairings("qt-hello", &CLASSIC) {
        let key = QtKey::unique();
        let mut killed = one.start(&["server", key.key()]);
        killed.until("server: wrote");
        killed.kill();
        let mut server = other.start(&["server", key.key()]);
        server.until("server: attached to");
        server.until("server: wrote");
        assert_eq!(one.run(&["client", key.key()]), "client: read \"Hello, Client!\"\n");
        server.finish();
    }
}

#[test]
fn the_well_known_key_is_the_default() {
    let _alone = alone_with_qt();
    if !qt_files("MyUniqueKey").is_empty() {
        return testkit::skipped("somebody uses the key MyUniqueKey");
    }
    let _cleaner = WellKnown("qt:MyUniqueKey");
    let (ours, classic) = two("qt-hello");
    greet(&ours, &classic, &[]);
}

//! Recipe `system-v`.

use std::fs;

use cenote::{ErrorKind, Segment};
use testkit::names::TempDir;

use crate::alone_with_qt;
use crate::programs::{ours, pairings, programs, two};

#[test]
fn each_reads_and_removes_what_each_wrote() {
    let _alone = alone_with_qt();
    for (writer, reader) in pairings("system-v", &["system-v"]) {
        let folder = TempDir::new();
        let path = folder.path().to_str().unwrap();
        let text = if writer.0 == ours("system-v").0 { "Hello from Cenote!" } else { "Hello from C!" };
        let said = writer.run(&["write", path]);
        assert!(said.starts_with(&format!("write: \"{text}\" to ")), "{said}");
        let stat = Segment::stat_of(format!("sysv:{path}#81")).unwrap();
        assert_eq!((stat.size, stat.attached, stat.mode), (1024, Some(0), Some(0o600)));
        assert_eq!(
            reader.run(&["read", path]),
            format!("read: \"{text}\", 1024 bytes\nread: removed\n"),
            "{writer:?}, {reader:?}"
        );
        let gone = Segment::stat_of(format!("sysv:{path}#81")).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn neither_makes_what_is_there_already_nor_reads_what_is_not() {
    let _alone = alone_with_qt();
    let folder = TempDir::new();
    let path = folder.path().to_str().unwrap();
    let all = programs("system-v", &["system-v"]);
    for program in &all {
        let said = program.run_refused(&["read", path]);
        assert!(said.contains("No such file"), "{said}");
    }
    let segment = Segment::create(format!("sysv:{path}#81"), 64).unwrap();
    for program in &all {
        let said = program.run_refused(&["write", path]);
        assert!(said.contains("File exists"), "{said}");
    }
    assert!(all[0].run_refused(&["write", path]).contains("\n  hint: "));
    Segment::remove(segment.address().clone()).unwrap();
}

#[test]
fn the_folder_that_it_runs_in_is_the_default() {
    let _alone = alone_with_qt();
    let here = fs::canonicalize(".").unwrap();
    let key = format!("sysv:{}#81", here.display());
    if Segment::stat_of(key.as_str()).is_ok() {
        return testkit::skipped("somebody uses the key of this folder");
    }
    let (ours, classic) = two("system-v");
    ours.run(&["write"]);
    assert_eq!(Segment::stat_of(key).unwrap().size, 1024);
    assert_eq!(classic.run(&["read"]), "read: \"Hello from Cenote!\", 1024 bytes\nread: removed\n");
}

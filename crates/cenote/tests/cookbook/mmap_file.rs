//! Recipe `mmap-file`.

use std::fs;

use testkit::names::TempDir;

use crate::minutes;
use crate::programs::{ours, pairings};

#[test]
fn each_sees_what_each_changes_and_so_does_the_disk() {
    let _watchdog = minutes();
    for (writer, watcher) in pairings("mmap-file", &["mmap-file"]) {
        let folder = TempDir::new();
        let path = folder.join("notes.bin");
        let file = path.to_str().unwrap();
        assert_eq!(writer.run(&["write", file, "one"]), "write: \"\" becomes \"one\"\n");
        assert_eq!(watcher.run(&["await", file, "one"]), "await: \"one\" is there\n");
        let watching = watcher.start(&["await", file, "two"]);
        assert_eq!(writer.run(&["write", file, "two"]), "write: \"one\" becomes \"two\"\n");
        assert_eq!(watching.finish(), "await: \"two\" is there\n");

        let bytes = fs::read(&path).unwrap();
        assert_eq!((bytes.len(), &bytes[..4]), (4096, &b"two\0"[..]), "{writer:?}");
        assert_eq!(watcher.run(&["write", file, "three"]), "write: \"two\" becomes \"three\"\n");
        assert!(fs::read(&path).unwrap().starts_with(b"three\0"), "{watcher:?}");
    }
}

#[test]
fn a_text_that_does_not_fit_is_an_error_and_changes_nothing() {
    let _watchdog = minutes();
    let folder = TempDir::new();
    let path = folder.join("notes.bin");
    let file = path.to_str().unwrap();
    ours("mmap-file").run(&["write", file, "short"]);
    let said = ours("mmap-file").run_refused(&["write", file, &"x".repeat(5000)]);
    assert!(said.contains("do not fit into 4096 bytes\n  hint: "), "{said}");
    assert!(fs::read(&path).unwrap().starts_with(b"short\0"));
}

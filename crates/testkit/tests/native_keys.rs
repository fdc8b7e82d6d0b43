//! The record of what Qt says about native keys, against the Qt at hand.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use testkit::names::TempDir;
use testkit::native_keys::{
    Made, Parsed, RECORD, RUNTIME_FOLDER, Row, TEMPORARY_FOLDER, USER, made, parsed, rows,
};
use testkit::words::{decode, encode};
use testkit::{Peer, peers, watchdog};

/// The folders that Qt is told about, and a peer that was told so.
struct Asked {
    temporary: TempDir,
    runtime: TempDir,
    peer: Peer,
    version: String,
}

impl Asked {
    /// A peer with `XDG_RUNTIME_DIR` as the record's word `runtime` says.
    fn new(runtime: &str) -> Option<Self> {
        let mut command = peers::command("pyside")?;
        let (temporary, folder) = (TempDir::new(), TempDir::new());
        let path = folder.join("runtime");
        let mode = if runtime == "loose" { 0o755 } else { 0o700 };
        if runtime != "absent" {
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        command.env("TMPDIR", temporary.path());
        match runtime {
            "set" | "absent" | "loose" => command.env("XDG_RUNTIME_DIR", &path),
            "slash" => command.env("XDG_RUNTIME_DIR", format!("{}/", path.display())),
            "relative" => command.env("XDG_RUNTIME_DIR", "runtime"),
            "empty" => command.env("XDG_RUNTIME_DIR", ""),
            "unset" => command.env_remove("XDG_RUNTIME_DIR"),
            other => panic!("the record has an unknown word for a runtime folder: {other}"),
        };
        let mut peer = Peer::spawn(command);
        let version = peer.ask("version").expect_ok().to_owned();
        Some(Self { temporary, runtime: folder, peer, version })
    }

    /// The reply's words, with what stands for the folders and the user in place of them.
    fn ask(&mut self, command: &str) -> Vec<String> {
        let reply = self.peer.ask(command);
        let said = reply.expect_ok();
        let folders = [
            (self.temporary.path().to_path_buf(), TEMPORARY_FOLDER),
            (self.runtime.join("runtime"), RUNTIME_FOLDER),
        ];
        let mut said = said.to_owned();
        for (folder, name) in folders {
            said = said.replace(folder.to_str().unwrap(), name);
        }
        said = said.replace(&format!("/runtime-{}/", user()), &format!("/runtime-{USER}/"));
        said.split(' ').map(decode).collect()
    }

    fn make(&mut self, made: &Made) -> Made {
        let what = if made.legacy { "legacy-key" } else { "platform-key" };
        let question = format!("{what} {} {}", encode(&made.key), made.kind);
        let segment = self.ask(&question).concat();
        let semaphore = self.ask(&format!("sem-{question}")).concat();
        Made { segment, semaphore, ..made.clone() }
    }

    fn parse(&mut self, parsed: &Parsed) -> Parsed {
        let said = self.ask(&format!("parse-key {}", encode(&parsed.text)));
        let [valid, empty, number, native, legacy, again] = said.try_into().expect("six words");
        Parsed {
            valid: valid == "true",
            empty: empty == "true",
            number: number.parse().unwrap(),
            native,
            legacy,
            again,
            ..parsed.clone()
        }
    }
}

/// The name that the system has for this process's user.
fn user() -> String {
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

/// Every question again; nothing if there is no Qt to ask.
fn ask_again() -> Option<(Vec<Row>, String)> {
    let mut asked: Vec<(String, Asked)> = Vec::new();
    let mut answers = Vec::new();
    for row in rows() {
        let runtime = if let Row::Made(made) = &row { made.runtime.as_str() } else { "set" };
        if asked.last().is_none_or(|(last, _)| last != runtime) {
            asked.push((runtime.to_owned(), Asked::new(runtime)?));
        }
        let (_, asked) = asked.last_mut().expect("one was just put there");
        answers.push(match row {
            Row::Made(made) => Row::Made(asked.make(&made)),
            Row::Parsed(parsed) => Row::Parsed(asked.parse(&parsed)),
        });
    }
    let version = asked.last().map(|(_, asked)| asked.version.clone())?;
    for (_, asked) in asked {
        asked.peer.finish();
    }
    Some((answers, version))
}

#[test]
fn the_record_is_what_qt_says() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some((answers, version)) = ask_again() else { return };
    if std::env::var_os("CENOTE_RECORD").is_some() {
        let head: Vec<&str> = RECORD.lines().take_while(|line| !line.is_empty()).collect();
        let lines: Vec<String> = answers.iter().map(Row::line).collect();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/qt/native-key-vectors.tsv");
        fs::write(file, format!("{}\n\n{}\n", head.join("\n"), lines.join("\n"))).unwrap();
        return;
    }
    for (recorded, answer) in rows().iter().zip(&answers) {
        assert_eq!(recorded, answer, "Qt {version}");
    }
}

#[test]
fn the_record_holds_no_place_of_this_machine() {
    assert!(!RECORD.contains("/tmp/cenote"), "a folder of the test that made it");
    assert!(!RECORD.contains("/runtime-root"), "a user's name");
    assert!(made().len() > 100 && parsed().len() > 100, "a record that shrank was not read");
    assert!(parsed().iter().all(|row| row.text.is_empty() || row.valid || row.again.is_empty()));
}

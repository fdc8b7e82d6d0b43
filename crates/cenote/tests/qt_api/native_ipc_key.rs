//! `QNativeIpcKey`, and what makes one: `NativeKey` and `KeyType`. All that is recorded of Qt 6.12, run through ours.

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use cenote::ErrorKind;
use cenote::qt::{KeyType, NativeKey};
use testkit::names::TempDir;
use testkit::native_keys::{Made, RUNTIME_FOLDER, TEMPORARY_FOLDER, USER, made, parsed};
use testkit::words::{decode, encode};
use testkit::{Peer, Reply, agent, watchdog};

use super::{refused, with_native_keys};

/// What a peer says of a key: valid, empty, type, native key, legacy key, text.
fn described(reply: &Reply) -> [String; 6] {
    let words: Vec<String> = reply.expect_ok().split(' ').map(decode).collect();
    words.try_into().expect("six words")
}

/// The same of ours. One that is not valid, or empty, does not exist.
fn ours(key: &NativeKey) -> [String; 6] {
    let number = number_of(key.key_type()).to_string();
    let legacy = key.legacy_key().unwrap_or_default().to_owned();
    ["true".into(), "false".into(), number, key.native_key().into(), legacy, key.to_string()]
}

fn number_of(key_type: KeyType) -> u16 {
    match key_type {
        KeyType::SystemV(project) => project.into(),
        KeyType::Posix => 0x100,
        KeyType::Windows => 0x101,
    }
}

fn key(text: &str) -> NativeKey {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_key_is_made_of_a_type_and_a_name() {
    with_native_keys(|qt| {
        for (kind, key_type) in [
            ("posix", KeyType::Posix),
            ("systemv", KeyType::SYSTEM_V),
            ("systemv-7", KeyType::SystemV(7)),
            ("windows", KeyType::Windows),
        ] {
            let made = NativeKey::new(key_type, "/a b%?").unwrap();
            assert_eq!(described(&qt.ask(&format!("new-key {kind} {}", encode("/a b%?")))), ours(&made));
        }
        refused(NativeKey::new(KeyType::Posix, "/a\0b"), ErrorKind::KeyError);
        // The type that Qt takes if none is said.
        let [.., number, _, _, _] = described(&qt.ask("new-key default /x"));
        assert_eq!(number, number_of(KeyType::DEFAULT).to_string());
    });
}

#[test]
fn an_empty_key_is_valid_in_qt_and_does_not_exist_in_ours() {
    with_native_keys(|qt| {
        for question in
            ["new-key", "new-key posix", "new-key posix ", "parse-key posix:", "parse-key posix://"]
        {
            assert_eq!(described(&qt.ask(question)), ["true", "true", "256", "", "", "posix:"], "{question}");
        }
        refused(NativeKey::new(KeyType::DEFAULT, ""), ErrorKind::KeyError);
        refused("posix:".parse::<NativeKey>(), ErrorKind::KeyError);
        // And nothing can be done with it.
        qt.ask("create native:posix: 64").expect_error("KeyError");
        qt.ask("attach native:posix:").expect_error("KeyError");
    });
}

#[test]
fn what_is_no_key_is_not_valid_in_qt_and_an_error_in_ours() {
    with_native_keys(|qt| {
        for text in
            ["", "x", "http:/x", "systemv-0:/x", "systemv-256:/x", "posix:/x?other=1", "posix://host/x"]
        {
            let [valid, empty, number, native, legacy, again] =
                described(&qt.ask(&format!("parse-key {}", encode(text))));
            assert_eq!((valid.as_str(), empty.as_str(), number.as_str()), ("false", "true", "0"), "{text}");
            assert_eq!(native + &legacy + &again, "", "{text}");
            refused(text.parse::<NativeKey>(), ErrorKind::KeyError);
        }
        refused(NativeKey::new(KeyType::SystemV(0), "/x"), ErrorKind::KeyError);
    });
}

#[test]
fn a_copy_is_a_key_of_its_own() {
    with_native_keys(|qt| {
        let text = "posix:/x?legacyKey=a";
        let original = key(text);
        let copy = original.clone();
        drop(original);
        assert_eq!(described(&qt.ask(&format!("copy-key {text}"))), ours(&copy));
    });
}

#[test]
fn a_swap_exchanges_all_of_it() {
    with_native_keys(|qt| {
        let (mut one, mut other) = (key("posix:/x"), key("systemv-7:/y?legacyKey=k"));
        let theirs = qt.ask(&format!("swap-keys {one} {other}"));
        std::mem::swap(&mut one, &mut other);
        assert_eq!(theirs.expect_ok(), format!("{one} {other}"));
    });
}

#[test]
fn another_name_forgets_the_legacy_key() {
    with_native_keys(|qt| {
        let changed = described(&qt.ask("change-key posix:/x?legacyKey=a native /y"));
        // Ours does not change: it is made anew.
        assert_eq!(changed, ours(&NativeKey::new(KeyType::Posix, "/y").unwrap()));
        let [_, empty, ..] = described(&qt.ask("change-key posix:/x native "));
        assert_eq!(empty, "true");
    });
}

#[test]
fn another_type_keeps_the_name() {
    with_native_keys(|qt| {
        let made = NativeKey::new(KeyType::SystemV(7), "/x").unwrap();
        assert_eq!(described(&qt.ask("change-key posix:/x type systemv-7")), ours(&made));
        // With a legacy key Qt 6.12 changes nothing, and says nothing.
        let before = ours(&key("posix:/x?legacyKey=a"));
        assert_eq!(described(&qt.ask("change-key posix:/x?legacyKey=a type systemv-7")), before);
    });
}

#[test]
fn keys_are_equal_if_type_name_and_legacy_key_are() {
    with_native_keys(|qt| {
        let texts = ["posix:/x", "posix:/x?legacyKey=a", "posix:/x?legacyKey=b", "posix:/y", "systemv:/x"];
        for one in texts {
            for other in texts {
                let theirs = qt.ask(&format!("compare-keys {one} {other}"));
                let said = theirs.expect_ok();
                let equal = key(one) == key(other);
                assert!(said.starts_with(&format!("{equal} ")), "{one} {other}: {said}");
                assert!(!equal || said.ends_with(" true"), "equal keys have one hash");
            }
        }
        let ours: HashSet<NativeKey> = texts.iter().chain(&texts).map(|text| key(text)).collect();
        assert_eq!(ours.len(), texts.len());
    });
}

#[test]
fn the_types_have_qts_numbers_and_are_supported_here_or_not() {
    with_native_keys(|qt| {
        let types = [
            ("systemv", KeyType::SYSTEM_V),
            ("systemv-7", KeyType::SystemV(7)),
            ("systemv-127", KeyType::SystemV(127)),
            ("posix", KeyType::Posix),
            ("windows", KeyType::Windows),
            ("default", KeyType::DEFAULT),
            ("legacy-default", KeyType::LEGACY_DEFAULT),
        ];
        for (kind, key_type) in types {
            let [_, _, number, ..] = described(&qt.ask(&format!("new-key {kind}")));
            assert_eq!(number, number_of(key_type).to_string(), "{kind}");
            for what in ["type-supported", "sem-type-supported"] {
                let theirs = qt.ask(&format!("{what} {kind}"));
                assert_eq!(theirs.expect_ok(), key_type.is_supported().to_string(), "{kind}");
            }
        }
    });
}

#[test]
fn every_recorded_text_is_read_and_written_as_qt_does() {
    let mut read = 0;
    for row in parsed() {
        let ours_says = row.text.parse::<NativeKey>();
        if !row.valid || row.empty || row.native.contains('\0') || row.legacy.contains('\0') {
            refused(ours_says, ErrorKind::KeyError);
            continue;
        }
        let key = ours_says.unwrap_or_else(|error| panic!("{row:?}: {error}"));
        let theirs = ["true", "false", &row.number.to_string(), &row.native, &row.legacy, &row.again];
        assert_eq!(ours(&key), theirs, "{}", row.text);
        assert_eq!(row.again.parse::<NativeKey>().unwrap(), key, "{}", row.text);
        read += 1;
    }
    assert!(read > 80, "only {read} keys were read");
}

/// Ours in a process whose folders are those of a recorded row.
struct Asked {
    temporary: TempDir,
    runtime: TempDir,
    ours: Peer,
}

impl Asked {
    /// `XDG_RUNTIME_DIR` is as the record's word `runtime` says.
    fn new(runtime: &str) -> Self {
        let mut command = agent::command();
        let (temporary, folder) = (TempDir::new(), TempDir::new());
        let path = folder.join("runtime");
        if runtime != "absent" {
            fs::create_dir(&path).unwrap();
            let mode = if runtime == "loose" { 0o755 } else { 0o700 };
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
        Self { temporary, runtime: folder, ours: Peer::spawn(command) }
    }

    /// What ours makes of a recorded key, with the record's names for the folders and the user.
    fn check(&mut self, row: &Made, user: &str) {
        let what = if row.legacy { "legacy-key" } else { "platform-key" };
        let question = format!("{what} {} {}", encode(&row.key), row.kind);
        for (question, theirs) in
            [(question.clone(), &row.segment), (format!("sem-{question}"), &row.semaphore)]
        {
            let reply = self.ours.ask(&question);
            if row.key.is_empty() || row.kind == "windows" {
                // In Qt a key without a name, which is of no use.
                assert!(theirs.ends_with(':'), "{row:?}");
                reply.expect_error(if row.key.is_empty() { "KeyError" } else { "Unsupported" });
                continue;
            }
            let runtime = self.runtime.join("runtime");
            let said = decode(reply.expect_ok())
                .replace(self.temporary.path().to_str().unwrap(), TEMPORARY_FOLDER)
                .replace(runtime.to_str().unwrap(), RUNTIME_FOLDER)
                .replace(&format!("/runtime-{user}/"), &format!("/runtime-{USER}/"));
            assert_eq!(&said, theirs, "{row:?}");
        }
    }
}

#[test]
fn every_recorded_key_becomes_the_same_native_key() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let id = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(id.stdout).unwrap();
    let mut asked: Vec<(String, Asked)> = Vec::new();
    for row in made() {
        if asked.last().is_none_or(|(last, _)| *last != row.runtime) {
            asked.push((row.runtime.clone(), Asked::new(&row.runtime)));
        }
        let (_, ours) = asked.last_mut().expect("one was just put there");
        ours.check(&row, user.trim());
    }
    let words: HashSet<String> = asked.iter().map(|(runtime, _)| runtime.clone()).collect();
    assert_eq!(words.len(), 7, "every way to have a runtime folder: {words:?}");
    for (_, asked) in asked {
        asked.ours.finish();
    }
}

//! Every command in the documents is run, in order, as a reader would type it; what it prints and how it ends
//! must be what the document says.
//!
//! A `console` block has lines that begin with `$ `, and below each of them what it prints, all of it. There,
//! `...` stands for any text, and alone on a line for any lines; so does whatever the comment before the
//! block lists, as in `<!-- differs: 4711 | 12 ms -->`. A `sh` block has commands alone. A command ends with
//! status 0, or as its own comment says: `# exits 1`, `# exits 0 or 1`. What is set apart in any other way
//! must not look like a command, and commands in the running text must at least be understood.
#![cfg(target_os = "linux")]

mod exceptions;
mod expected;
mod markdown;
mod mentioned;
mod session;

use std::fs;
use std::path::{Path, PathBuf};

use exceptions::{EXCEPTIONS, Exception};
use expected::difference;
use markdown::{Document, Step};
use session::{Answer, Session};
use testkit::skipped;

/// Where the repository is.
fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::canonicalize(root).expect("the repository is there")
}

/// All documents for people: those at the root, and all below `docs`.
fn documents() -> Vec<Document> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it can be read").flatten() {
            let path = entry.path();
            if path.is_dir() && path.starts_with(root.join("docs")) {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                let name = path.strip_prefix(&root).expect("it is below").display().to_string();
                found.push(Document::parse(&name, &fs::read_to_string(&path).expect("it is text")));
            }
        }
    }
    assert!(found.iter().any(|document| document.name == "README.md"));
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn exception(step: &Step) -> Option<&'static Exception> {
    // Where its output goes makes no other command of it.
    let command = step.command.trim_end_matches(" > /dev/null");
    EXCEPTIONS.iter().find(|exception| exception.command == command)
}

/// Runs a document's commands, and says what is not as it says.
fn complaints(document: &Document) -> Vec<String> {
    let steps: Vec<_> = document.steps.iter().filter(|step| exception(step).is_none()).collect();
    if steps.is_empty() {
        return Vec::new();
    }
    let mut session = Session::start(&root());
    if steps.iter().any(|step| step.command.contains("target/peers/")) && !session.has_peers() {
        skipped(&format!("no peers for {}; `cargo xtask test` makes them", document.name));
        return Vec::new();
    }
    let before = session.traces();
    let mut complaints = Vec::new();
    for step in steps {
        let place = format!("{}:{}: $ {}", document.name, step.line, step.command);
        let Some(Answer { lines, code }) = session.run(&step.command) else {
            // Nobody knows what a later command would find.
            complaints.push(format!("{place}\n  does not end, or ends the shell"));
            return complaints;
        };
        let said = lines.join("\n  | ");
        if !step.codes.contains(&code) {
            complaints
                .push(format!("{place}\n  exits {code}, and not {:?}; it says\n  | {said}", step.codes));
        } else if let Some(expected) = &step.expected
            && let Some(difference) = difference(expected, &lines, &step.differs)
        {
            complaints.push(format!("{place}\n  {difference}; it says\n  | {said}"));
        }
    }
    let left: Vec<_> = session.traces().into_iter().filter(|trace| !before.contains(trace)).collect();
    if !left.is_empty() {
        complaints.push(format!("{}: its commands leave behind\n  | {}", document.name, left.join("\n  | ")));
    }
    complaints
}

#[test]
fn what_the_documents_say_is_so() {
    let documents = documents();
    let run: usize = documents.iter().map(|document| document.steps.len()).sum();
    assert!(run > 10, "only {run} commands were found");
    let complaints: Vec<_> = documents.iter().flat_map(complaints).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n\n"));
}

#[test]
fn all_that_looks_like_a_command_is_one() {
    let complaints: Vec<_> = documents().into_iter().flat_map(|document| document.complaints).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn commands_in_the_running_text_are_understood() {
    let documents = documents();
    let mentioned: Vec<_> = documents
        .iter()
        .flat_map(|document| document.mentioned.iter().map(|(line, text)| (&document.name, line, text)))
        .filter(|(.., text)| text.starts_with("cenote ") || text.starts_with("cargo "))
        .collect();
    assert!(mentioned.len() > 10, "only {mentioned:?} were found");
    let wrong = mentioned.iter().filter_map(|(name, line, text)| {
        let why = mentioned::complaint(&root(), text)?;
        Some(format!("{name}:{line}: `{text}`: {why}"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn exceptions_are_few_and_hold() {
    let documents = documents();
    for exception in &EXCEPTIONS {
        let used = documents.iter().flat_map(|document| &document.steps);
        assert!(used.into_iter().any(|step| step.command == exception.command), "{exception:?} is not used");
        assert!((exception.holds)(&root()), "{exception:?} does not hold");
    }
}

/// The ways in which a document can be wrong.
#[test]
fn a_wrong_document_is_found() {
    let complaints = |text: &str| complaints(&Document::parse("WRONG.md", text));
    let right = "```console\n$ echo one; echo two\none\ntwo\n$ false # exits 1\n$ (exit 3)  # exits 3 or 4, if so\n```";
    assert_eq!(complaints(right), <[String; 0]>::default());
    let state = "```sh\ncd docs\nNAME=x\n```\n\n```console\n$ basename \"$PWD\"; echo $NAME\ndocs\nx\n```\n";
    assert_eq!(complaints(state), <[String; 0]>::default(), "all blocks are one session");
    for (wrong, said) in [
        ("```console\n$ echo one\ntwo\n```", "WRONG.md:2: $ echo one\n  line 1 should be \"two\""),
        ("```console\n$ echo one\n```", "line 1 should not be there"),
        ("```console\n$ true\none\n```", "line 1 should be \"one\""),
        ("```console\n$ false\n```", "exits 1, and not [0]"),
        ("```console\n$ true # exits 1\n```", "exits 0, and not [1]"),
        ("```sh\ntrue\nfalse\n```", "WRONG.md:3: $ false\n  exits 1"),
        ("```sh\ncenote no-such-command\n```", "exits 2"),
        ("```sh\nno-such-program\n```", "exits 127"),
        ("```sh\nexit 0\n```", "ends the shell"),
        ("```sh\nsleep 1000 &\n```", "leave behind"),
        ("```sh\ncenote image put qt:MyKey crates/cenote-cli/assets/cenote.png\n```", "leave behind"),
        ("```sh\ntouch file\n```", "leave behind"),
    ] {
        let found = complaints(wrong);
        assert!(matches!(&found[..], [one] if one.contains(said)), "{wrong}: {found:?}");
    }
}

//! The table of `docs/qt.md` has a row for every member of Qt's classes, and a test for every row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::with_native_keys;

const CLASSES: [&str; 3] = ["QSharedMemory", "QSystemSemaphore", "QNativeIpcKey"];
const HEADING: &str = "## The API, member by member";

/// A row: the members that it is about, and its test as `module::function`.
struct Row {
    class: String,
    members: BTreeSet<String>,
    test: String,
    line: String,
}

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qt_api")
}

/// The rows of the tables below the heading, one table a class.
fn rows() -> Vec<Row> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/qt.md")).unwrap();
    let (_, section) = page.split_once(HEADING).expect("docs/qt.md has the heading");
    let mut class = "";
    let mut rows = Vec::new();
    for line in section.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            class = heading;
        }
        assert!(!line.starts_with("## "), "the tables end the page: {line}");
        let Some(cells) = line.strip_prefix("| `").and_then(|line| line.strip_suffix(" |")) else { continue };
        // A `|` within a cell would be written `\|`.
        let cells: Vec<&str> = cells.split(" | ").collect();
        assert_eq!(cells.len(), 4, "theirs, ours, what differs, the test: {line}");
        let theirs = format!("`{}", cells[0]);
        rows.push(Row {
            class: class.to_owned(),
            members: quoted(&theirs).map(|member| bare(member).to_owned()).collect(),
            test: quoted(cells[3]).next().unwrap_or_else(|| panic!("no test: {line}")).to_owned(),
            line: line.to_owned(),
        });
    }
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The name without the arguments, and without a scope: `Type::SystemV` is `SystemV`.
fn bare(member: &str) -> &str {
    let name = member.split(['(', ' ']).next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or_default()
}

/// The tests of this folder: `module::function`.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(tests_folder()).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        for after in source.split("#[test]\n").skip(1) {
            let name = after.trim_start().strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            found.insert(format!("{module}::{}", name.expect("a function follows")));
        }
    }
    found
}

#[test]
fn every_row_names_a_test_that_is_there() {
    let tests = tests();
    let rows = rows();
    assert!(rows.len() > 60, "only {} rows", rows.len());
    for row in &rows {
        assert!(CLASSES.contains(&row.class.as_str()), "under `{}`: {}", row.class, row.line);
        assert!(tests.contains(&row.test), "there is no test {}: {}", row.test, row.line);
    }
    // And no test of a member is without a row.
    let named: BTreeSet<&String> = rows.iter().map(|row| &row.test).collect();
    for test in tests.iter().filter(|test| !test.starts_with("table::") && *test != "main::agent") {
        assert!(named.contains(test), "no row names {test}");
    }
}

#[test]
fn every_member_of_qts_classes_has_a_row() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows() {
        known.entry(row.class).or_default().extend(row.members);
    }
    with_native_keys(|qt| {
        for class in CLASSES {
            let reply = qt.ask(&format!("members {class}"));
            let members: BTreeSet<&str> = reply.expect_ok().split(' ').collect();
            assert!(members.len() >= 12, "{class}: {members:?}");
            let missing: Vec<_> = members.iter().filter(|member| !known[class].contains(**member)).collect();
            assert!(missing.is_empty(), "no row for these members of {class}: {missing:?}");
        }
    });
}

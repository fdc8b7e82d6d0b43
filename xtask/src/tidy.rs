//! `cargo xtask tidy`: the house's rules, checked on the sources as text.
//!
//! Each rule is one file below and looks at one source at a time; what it finds is printed as
//! `file:line: rule: what is wrong`.

mod lexer;
mod named_tests;
mod platform;
mod privacy;
mod rooms;
mod shape;
mod source;
mod unsafety;

use std::fs;
use std::path::Path;

use crate::repository::Repository;
use named_tests::Tests;
use rooms::Rooms;
use source::{Source, Violation};

/// Checks every file of the repository.
pub(crate) fn run(repository: &Repository) -> Result<(), String> {
    let sources: Vec<Source> = repository.files().iter().filter_map(|path| read(repository, path)).collect();
    let mut violations = check(&sources);
    for source in &sources {
        if repository.root.join("docs/format").is_dir() {
            violations.extend(shape::check_page(source, |page| repository.root.join(page).is_file()));
        }
    }
    for violation in &violations {
        println!("{violation}");
    }
    println!("{} files looked at", sources.len());
    match violations.len() {
        0 => Ok(()),
        1 => Err("one of the house's rules is broken".to_owned()),
        count => Err(format!("the house's rules are broken in {count} places")),
    }
}

/// The rules that need nothing but the files.
fn check(sources: &[Source]) -> Vec<Violation> {
    let rooms = Rooms::of(sources);
    let allowed = unsafety::Allowed::of(sources);
    let tests = Tests::of(sources);
    let mut violations = Vec::new();
    for source in sources {
        violations.extend(privacy::check(source));
        violations.extend(shape::check_length(source));
        if source.path.ends_with(".md") {
            violations.extend(tests.check(source));
        }
        if source.is_rust() {
            violations.extend(rooms.check(source));
            violations.extend(platform::check(source));
            violations.extend(unsafety::check(source, &allowed));
            violations.extend(shape::check_opening(source));
        }
    }
    violations
}

/// The file as a source; nothing if it is no text.
fn read(repository: &Repository, path: &Path) -> Option<Source> {
    let bytes = fs::read(repository.root.join(path)).ok()?;
    Some(Source::new(path, String::from_utf8(bytes).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_file_breaks_no_rule() {
        let text = "//! What it is for.\n\nuse crate::error::Error;\n\npub fn f() {}\n";
        let source = Source::new("crates/cenote/src/sync/lock.rs", text);
        assert!(check(&[source]).is_empty());
    }

    #[test]
    fn a_violation_names_file_line_and_rule() {
        let text = "//! What it is for.\n\nuse crate::segment::Segment;\n";
        let source = Source::new("crates/cenote/src/sync/lock.rs", text);
        let found: Vec<String> = check(&[source]).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/cenote/src/sync/lock.rs:3: rooms: "), "{}", found[0]);
    }
}

//! Rules about files as such: `length`, `opening` (each says what it is for) and `page` (each layout
//! is documented).

use super::source::{Source, Violation};

const LONGEST: usize = 500;
const WRITTEN_BY_HAND: [&str; 6] = [".rs", ".c", ".h", ".cpp", ".hpp", ".py"];

/// No file is longer than one can take in.
pub(crate) fn check_length(source: &Source) -> Option<Violation> {
    let lines = source.text.lines().count();
    let counts = WRITTEN_BY_HAND.iter().any(|ending| source.path.ends_with(ending));
    (counts && lines > LONGEST)
        .then(|| source.violation(LONGEST + 1, "length", format!("{lines} lines; {LONGEST} are the most")))
}

/// A module's first words, after its inner attributes, say what it is for.
pub(crate) fn check_opening(source: &Source) -> Option<Violation> {
    let is_module = source.path.starts_with("xtask/src/")
        || source.path.strip_prefix("crates/").is_some_and(|path| path.split('/').nth(1) == Some("src"));
    let first = first_line_after_attributes(&source.text);
    (is_module && !first.starts_with("//!"))
        .then(|| source.violation(1, "opening", "a module opens with `//!` saying what it is for"))
}

fn first_line_after_attributes(text: &str) -> &str {
    let mut open_brackets = 0;
    for line in text.lines().map(str::trim) {
        if open_brackets == 0 && !line.is_empty() && !line.starts_with("#!") {
            return line;
        }
        open_brackets += line.matches('[').count();
        open_brackets -= line.matches(']').count().min(open_brackets);
    }
    ""
}

/// A file in `layout/` has a page of the same name in `docs/format/`.
pub(crate) fn check_page(source: &Source, exists: impl Fn(&str) -> bool) -> Option<Violation> {
    let name = source.in_library()?.strip_prefix("layout/")?.strip_suffix(".rs")?;
    let page = format!("docs/format/{name}.md");
    (name != "mod" && !exists(&page)).then(|| source.violation(1, "page", format!("{page} is missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(path, text)
    }

    #[test]
    fn five_hundred_lines_are_enough() {
        assert!(check_length(&source("a.rs", &"x\n".repeat(500))).is_none());
        assert!(check_length(&source("a.rs", &"x\n".repeat(501))).is_some());
        assert!(check_length(&source("a.md", &"x\n".repeat(501))).is_none());
    }

    #[test]
    fn modules_say_what_they_are_for() {
        let path = "crates/cenote/src/sys/map.rs";
        assert!(check_opening(&source(path, "//! Mapping.\n")).is_none());
        assert!(check_opening(&source(path, "#![allow(\n    unsafe_code\n)]\n\n//! Mapping.\n")).is_none());
        assert!(check_opening(&source(path, "use std::io;\n")).is_some());
        assert!(check_opening(&source("crates/cenote/tests/a.rs", "use std::io;\n")).is_none());
    }

    #[test]
    fn layouts_have_pages() {
        let header = source("crates/cenote/src/layout/header.rs", "");
        assert!(check_page(&header, |page| page == "docs/format/header.md").is_none());
        assert!(check_page(&header, |_| false).is_some());
        assert!(check_page(&source("crates/cenote/src/layout/mod.rs", ""), |_| false).is_none());
        assert!(check_page(&source("crates/cenote/src/sys/map.rs", ""), |_| false).is_none());
    }
}

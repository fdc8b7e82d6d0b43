//! Rule `privacy`: the project speaks of itself alone, never of the machine it was written on.

use super::source::{Source, Violation};

/// In two parts each, so that this file keeps its own rule.
const PRIVATE: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

pub(crate) fn check(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        for path in PRIVATE.into_iter().filter(|path| line.contains(path)) {
            violations.push(source.violation(index + 1, "privacy", format!("the private path {path}")));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_paths_are_found_anywhere() {
        let text = format!("first\nsee {}notes\n", PRIVATE[0]);
        let found = check(&Source::new("README.md", text));
        assert_eq!(found.iter().map(|violation| violation.line).collect::<Vec<_>>(), [2]);
    }
}

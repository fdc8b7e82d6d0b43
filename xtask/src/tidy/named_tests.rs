//! Rule `named-tests`: a test that a document names exists: `TARGET::MODULE::TEST`, or the end of that.

use std::collections::BTreeSet;

use super::source::{Source, Violation};

/// Tests as documents name them.
pub(crate) struct Tests(BTreeSet<String>);

impl Tests {
    /// All functions of the integration tests: which of them are tests, a macro may say.
    pub(crate) fn of(sources: &[Source]) -> Self {
        let mut names = BTreeSet::new();
        for source in sources {
            let Some(place) = place_of(&source.path) else { continue };
            let functions = source.text.lines().filter_map(function_name);
            names.extend(functions.map(|function| format!("{place}::{function}")));
        }
        Self(names)
    }

    pub(crate) fn check(&self, source: &Source) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (index, line) in source.text.lines().enumerate() {
            for name in line.split('`').skip(1).step_by(2).filter(|span| is_test_name(span)) {
                let end = format!("::{name}");
                if !self.0.iter().any(|test| test == name || test.ends_with(&end)) {
                    violations.push(source.violation(
                        index + 1,
                        "named-tests",
                        format!("there is no test {name}"),
                    ));
                }
            }
        }
        violations
    }
}

/// `TARGET` or `TARGET::MODULE` of a file with integration tests.
fn place_of(path: &str) -> Option<String> {
    let (_, file) = path.strip_prefix("crates/")?.split_once("/tests/")?;
    let parts: Vec<&str> = file.strip_suffix(".rs")?.split('/').collect();
    Some(match parts[..] {
        // The conformance suite is said once, and run for each kind.
        ["suite", _] => "conformance".to_owned(),
        [target] | [target, "main"] => target.to_owned(),
        _ => parts.join("::"),
    })
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line.trim_start().trim_start_matches("pub(crate) ").strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// Paths of modules have short names in the end; tests are sentences.
fn is_test_name(span: &str) -> bool {
    let is_path =
        span.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:".contains(&byte));
    let last = span.rsplit("::").next().unwrap_or_default();
    is_path && span.contains("::") && last.matches('_').count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let sources = [
            Source::new("crates/x/tests/one.rs", "fn a_b_c() {}\n    fn d_e_f<T>() {}".to_owned()),
            Source::new("crates/x/tests/two/main.rs", "fn a_b_c() {}".to_owned()),
            Source::new("crates/x/tests/two/part.rs", "fn g_h_i() {}".to_owned()),
            Source::new("crates/x/tests/suite/part.rs", "pub(crate) fn j_k_l() {}".to_owned()),
        ];
        let tests = Tests::of(&sources);
        let good = "`one::a_b_c` `one::d_e_f`, `two::a_b_c`, `two::part::g_h_i` `part::g_h_i` `conformance::j_k_l` `qt::image_form`";
        assert!(tests.check(&Source::new("docs/x.md", good.to_owned())).is_empty());
        let bad = "fine\n| `one::g_h_i` | `two::g_h_i`, `three::a_b_c` |";
        let found = tests.check(&Source::new("docs/x.md", bad.to_owned()));
        assert_eq!(found.iter().map(|violation| violation.line).collect::<Vec<_>>(), [2, 2, 2]);
    }
}

//! Whether a command said what a document says.

/// Stands for any text within a line, and alone for any lines.
const ANYTHING: &str = "...";

/// What differs first, in words. All of `differs` stand for any text, too.
pub(crate) fn difference(expected: &[String], said: &[String], differs: &[String]) -> Option<String> {
    let expected: Vec<_> = expected.iter().map(|line| with_gaps(line, differs)).collect();
    let mut best = Best { agreed: 0, line: 1, wanted: expected.first() };
    if agree(&expected, said, (0, 0), &mut best) {
        return None;
    }
    Some(match best.wanted {
        Some(line) => format!("line {} should be {line:?}", best.line),
        None => format!("line {} should not be there", best.line),
    })
}

/// The first line that does not agree when most of them do.
struct Best<'a> {
    /// How many that are expected do.
    agreed: usize,
    /// Counted from 1, among those that were said.
    line: usize,
    wanted: Option<&'a String>,
}

fn with_gaps(line: &str, differs: &[String]) -> String {
    differs.iter().fold(line.to_owned(), |line, text| line.replace(text, ANYTHING))
}

/// Whether all lines agree, behind as many as are expected and said already.
fn agree<'a>(
    expected: &'a [String],
    said: &[String],
    (agreed, done): (usize, usize),
    best: &mut Best<'a>,
) -> bool {
    if agreed > best.agreed {
        *best = Best { agreed, line: done + 1, wanted: expected.iter().find(|line| *line != ANYTHING) };
    }
    match expected {
        [] => said.is_empty(),
        [first, rest @ ..] if first == ANYTHING => {
            (0..=said.len()).any(|skip| agree(rest, &said[skip..], (agreed, done + skip), best))
        }
        [first, rest @ ..] => {
            said.first().is_some_and(|line| line_agrees(first, line))
                && agree(rest, &said[1..], (agreed + 1, done + 1), best)
        }
    }
}

/// Whether one line is as expected. How wide a column is depends on what else is in it: two spaces or more
/// are as good as any other number of them.
fn line_agrees(expected: &str, said: &str) -> bool {
    if !expected.contains(ANYTHING) {
        return with_narrow_columns(expected) == with_narrow_columns(said);
    }
    let (expected, said) = (squeezed(expected), squeezed(said));
    let mut parts = expected.split(ANYTHING).map(str::trim);
    let Some(mut rest) = parts.next().and_then(|first| said.strip_prefix(first)) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Leaves two spaces of those between columns, and those at the beginning as they are.
fn with_narrow_columns(line: &str) -> String {
    let text = line.trim_start();
    let columns: Vec<_> = text.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
    format!("{}{}", &line[..line.len() - text.len()], columns.join("  "))
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_right(expected: &str, said: &str, differs: &[&str]) -> bool {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let differs: Vec<_> = differs.iter().map(ToString::to_string).collect();
        difference(&lines(expected), &lines(said), &differs).is_none()
    }

    #[test]
    fn lines_are_compared_exactly() {
        assert!(is_right("", "", &[]));
        assert!(is_right("one\ntwo", "one\ntwo", &[]));
        assert!(is_right("one", "one  ", &[]), "nobody sees spaces at the end");
        assert!(is_right("one  two", "one    two", &[]), "a wider column");
        assert!(!is_right("one  two", "one two", &[]), "no column");
        for wrong in ["", "one", "two\none", "one\ntwo\nthree", "one\n two", "one\n\ntwo", "o ne\ntwo"] {
            assert!(!is_right("one\ntwo", wrong, &[]), "{wrong}");
        }
    }

    #[test]
    fn three_dots_are_any_text() {
        assert!(is_right("pid ... ends", "pid 17 ends", &[]));
        assert!(is_right("pid ...", "pid 17", &[]));
        assert!(is_right("a ... b ... c", "a 1 b 2 c", &[]));
        assert!(is_right("(pid ...)  x", "(pid 17) x", &[]), "columns move");
        assert!(!is_right("pid ... ends", "pid 17 goes on", &[]));
        assert!(!is_right("a ... b ... c", "a 1 c 2 b", &[]));
        assert!(!is_right("ends ...", "it ends 17", &[]));
        assert!(!is_right("abc...cba", "abcba", &[]), "no letter counts twice");
    }

    #[test]
    fn three_dots_alone_are_any_lines() {
        for said in ["one\ntwo", "one\n1\n2\ntwo", "one\ntwo\ntwo"] {
            assert!(is_right("one\n...\ntwo", said, &[]), "{said}");
        }
        for said in ["one", "one\ntwo\nthree", "zero\none\ntwo"] {
            assert!(!is_right("one\n...\ntwo", said, &[]), "{said}");
        }
        assert!(is_right("...", "", &[]));
        assert!(is_right("...\n...\nend", "a\nb\nend", &[]));
    }

    #[test]
    fn what_is_listed_may_differ() {
        assert!(is_right("pid 4711 after 12 ms", "pid 1 after 3 µs", &["4711", "12 ms"]));
        assert!(!is_right("pid 4711 after 12 ms", "pid 1 before 3 µs", &["4711", "12 ms"]));
    }
}

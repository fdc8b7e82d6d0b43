//! Just enough of Rust's grammar to tell code from comments and literals.

/// `text` with a space for every character inside a comment or a literal, so that what is left is
/// code. Lines stay where they are.
pub(crate) fn blank(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = at + hidden_length(&letters, at);
        if end == at {
            code.push(letters[at]);
            at += 1;
        } else {
            code.extend(letters[at..end].iter().map(|&letter| if letter == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// How many characters the comment or literal takes that begins at `at`; none begins: 0.
fn hidden_length(letters: &[char], at: usize) -> usize {
    let rest = &letters[at..];
    match rest {
        ['/', '/', ..] => rest.iter().position(|&letter| letter == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest, '"'),
        ['r', '"' | '#', ..] if may_prefix(letters, at) => raw_string(rest),
        ['\'', '\\', ..] => quoted(rest, '\''),
        // A character, and not a lifetime, which has no closing quote.
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

/// Whether the `r` at `at` can begin a raw string: it does not end a longer name (`br` and `cr` do).
fn may_prefix(letters: &[char], at: usize) -> bool {
    let is_word = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    match letters[..at] {
        [] | ['b' | 'c'] => true,
        [.., before, 'b' | 'c'] | [.., before] => !is_word(&before),
    }
}

/// Block comments nest.
fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Up to the closing quote that no backslash stands before.
fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// `r"..."`, or with as many `#` on both sides; a raw name such as `r#type` is code.
fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&letter| letter == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let body = 2 + hashes;
    let closes = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take(hashes).filter(|&&l| l == '#').count() == hashes
    };
    (body..rest.len()).find(closes).map_or(rest.len(), |at| at + 1 + hashes)
}

#[cfg(test)]
mod tests {
    use super::blank;

    #[test]
    fn comments_are_blank() {
        assert_eq!(blank("a // b\nc"), "a     \nc");
        assert_eq!(blank("a /* b /* c */ d */ e"), "a                   e");
        assert_eq!(blank("/* x\ny */z"), "    \n    z");
    }

    #[test]
    fn strings_are_blank() {
        assert_eq!(blank(r#"f("unsafe \" {") g"#), r#"f(             ) g"#);
        assert_eq!(blank("x(r#\"a\"b\"#)y"), "x(        )y");
        assert_eq!(blank("b\"ab\" c"), "b     c");
        assert_eq!(blank("br\"a\\\" c"), "b      c");
    }

    #[test]
    fn names_and_lifetimes_are_code() {
        assert_eq!(blank("r#type for 'a"), "r#type for 'a");
        assert_eq!(blank("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
    }

    #[test]
    fn characters_are_blank() {
        assert_eq!(blank("'\"' a '\\'' b"), "    a      b");
    }

    #[test]
    fn an_open_end_is_no_danger() {
        assert_eq!(blank("\"abc"), "    ");
        assert_eq!(blank("r#\"abc"), "      ");
        assert_eq!(blank("/*"), "  ");
        assert_eq!(blank("'\\"), "  ");
    }
}

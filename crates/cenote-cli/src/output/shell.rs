//! Words for a shell: what is printed to be typed must be typed as it is.

use std::fmt::Write;

/// A word as a shell reads it. What could steer a terminal is written in hex, as bash, zsh and ksh understand it.
pub(crate) fn quoted(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./:@%+=,-".contains(byte);
    // A `#` begins a comment only where a word begins, and names begin with their kind.
    let is_safe = |byte: &u8| is_plain(byte) || *byte == b'#';
    match std::str::from_utf8(word) {
        Ok(text) if !word.is_empty() && word[0] != b'#' && word.iter().all(is_safe) => text.to_owned(),
        Ok(text) if super::escaped(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let mut quoted = "$'".to_owned();
            for byte in word {
                // Writing to a string cannot fail.
                let _ = if is_plain(byte) {
                    write!(quoted, "{}", char::from(*byte))
                } else {
                    write!(quoted, "\\x{byte:02x}")
                };
            }
            quoted + "'"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_stay_what_they_are() {
        let pairs: [(&[u8], &str); 7] = [
            (b"posix:/frames", "posix:/frames"),
            (b"sysv:/etc/hostname#81", "sysv:/etc/hostname#81"),
            (b"posix:/two words", "'posix:/two words'"),
            (b"posix:/it's; rm", r"'posix:/it'\''s; rm'"),
            ("posix:/é".as_bytes(), "'posix:/é'"),
            (b"posix:/\x1b[2J", r"$'posix:/\x1b\x5b2J'"),
            (b"/dev/shm/\xff", r"$'/dev/shm/\xff'"),
        ];
        for (word, expected) in pairs {
            assert_eq!(quoted(word), expected);
        }
        assert_eq!(quoted(b""), "''");
    }

    #[test]
    fn a_shell_reads_the_same_word() {
        for word in ["a b", "it's", "$HOME", "`x`", "a\\b", "é\u{1b}[2J\n", "#x", "*"] {
            let script = format!("printf %s {}", quoted(word.as_bytes()));
            let Ok(output) = std::process::Command::new("bash").args(["-c", &script]).output() else {
                return;
            };
            assert_eq!(String::from_utf8_lossy(&output.stdout), word, "{script}");
        }
    }
}

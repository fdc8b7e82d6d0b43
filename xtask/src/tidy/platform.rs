//! Rule `platform`: the library asks for the operating system under `sys/` and nowhere else, and the command under
//! `platform/`.

use super::source::{Source, Violation, bracketed};

const QUESTIONS: [&str; 4] = ["unix", "windows", "target_os", "target_family"];

pub(crate) fn check(source: &Source) -> Vec<Violation> {
    let Some(door) = door_of(source) else { return Vec::new() };
    let mut violations = Vec::new();
    for form in ["cfg", "cfg_attr"] {
        for at in source.find_word(form) {
            let rest = source.code[at + form.len()..].trim_start_matches('!');
            let condition = if rest.starts_with('(') { bracketed(rest) } else { "" };
            let words = condition.split(|letter| !super::source::is_word(letter));
            if let Some(word) = words.into_iter().find(|word| QUESTIONS.contains(word)) {
                let what = format!("`{form}({word})` belongs under {door}");
                violations.push(source.violation(source.line_at(at), "platform", what));
            }
        }
    }
    violations
}

/// Where the part of the house that the source is in asks for the system; nothing for the door itself, and for what has
/// none.
fn door_of(source: &Source) -> Option<&'static str> {
    let (path, door) = match source.in_library() {
        Some(path) => (path, "sys/"),
        None => (source.path.strip_prefix("crates/cenote-cli/src/")?, "platform/"),
    };
    let is_door = path.starts_with(door) || path.strip_suffix(".rs") == door.strip_suffix('/');
    (!is_door).then_some(door)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Source::new(path, text)).len()
    }

    #[test]
    fn only_sys_asks_for_the_system() {
        for text in ["#[cfg(unix)]", "if cfg!(windows) {}", "#[cfg(all(test, target_os = \"linux\"))]"] {
            assert_eq!(count("crates/cenote/src/backend/file.rs", text), 1, "{text}");
            assert_eq!(count("crates/cenote/src/sys/unix/map.rs", text), 0, "{text}");
            assert_eq!(count("crates/cenote/src/sys.rs", text), 0, "{text}");
            assert_eq!(count("crates/testkit/src/lib.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn the_command_has_a_door_of_its_own() {
        let text = "#[cfg(windows)]";
        assert_eq!(count("crates/cenote-cli/src/main.rs", text), 1);
        assert_eq!(count("crates/cenote-cli/src/sys/mod.rs", text), 1);
        assert_eq!(count("crates/cenote-cli/src/platform/mod.rs", text), 0);
        assert_eq!(count("crates/cenote-cli/tests/windows/main.rs", text), 0);
    }

    #[test]
    fn other_conditions_are_free() {
        assert_eq!(count("crates/cenote/src/sync/lock.rs", "#[cfg(test)]\n#[cfg(loom)]\nfn windows() {}"), 0);
    }
}

//! What the pages tell to type on Windows, typed in order: it prints what they say.
//!
//! In a `cmd` block `> ` begins a command, and below it is all that it prints; `...` there stands for any text. A
//! command behind `start` has a window of its own. The next one is typed when that has said something, and at the
//! end of the block somebody presses Enter there.

use std::env;

use crate::file_mapping::alone_with_the_name;
use crate::minutes;
use crate::pages::{blocks, page, recipes};
use crate::programs::{Program, classic, ours};

/// The program that a command means, and its arguments. None if it is not here.
fn understood(line: &str) -> Option<(Program, Vec<String>)> {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (program, arguments) = match &words[..] {
        ["cargo", "run", "-q", "-p", "cenote", "--example", recipe, "--", arguments @ ..] => {
            (ours(recipe), arguments)
        }
        ["cenote", arguments @ ..] => (command(), arguments),
        [path, arguments @ ..] => {
            let name =
                path.strip_prefix(r"target\peers\cookbook\").and_then(|name| name.strip_suffix(".exe"));
            (classic(name.unwrap_or_else(|| panic!("nobody understands `{line}`")))?, arguments)
        }
        [] => panic!("a command without words"),
    };
    Some((program, arguments.iter().map(ToString::to_string).collect()))
}

/// Words are between spaces, or between double quotes.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// The command `cenote`, which is built with the suites.
fn command() -> Program {
    let test = env::current_exe().unwrap();
    Program(test.ancestors().nth(2).expect("a test lies in deps").join("cenote.exe"))
}

/// Types a block's commands, and compares. How many there were; none if a program is not here.
fn type_in(place: &str, lines: &[String]) -> Option<usize> {
    let mut windows = Vec::new();
    let mut count = 0;
    let mut rest = lines;
    while let [line, after @ ..] = rest {
        let line = line.strip_prefix("> ").unwrap_or_else(|| panic!("{place}: `{line}` is of no command"));
        let end = after.iter().position(|line| line.starts_with("> ")).unwrap_or(after.len());
        let expected = after[..end].join("\n");
        rest = &after[end..];
        count += 1;
        if let Some(line) = line.strip_prefix("start ") {
            assert_eq!(expected, "", "{place}: what `{line}` says is in another window");
            let (program, arguments) = understood(line)?;
            let mut window = program.start_to_type(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            window.until("");
            windows.push(window);
        } else {
            let (program, arguments) = understood(line)?;
            let said = program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(agree(&expected, said.trim_end()), "{place}: `{line}` says\n{said}\nand not\n{expected}");
        }
    }
    for mut window in windows {
        window.press_enter();
        window.finish();
    }
    Some(count)
}

fn agree(expected: &str, said: &str) -> bool {
    let mut parts = expected.split("...");
    let Some(mut rest) = parts.next().and_then(|first| said.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_the_pages_tell_to_type_does_what_they_say() {
    let (_watchdog, _alone) = (minutes(), alone_with_the_name());
    let mut count = 0;
    for recipe in recipes() {
        for block in blocks(&page(&recipe)).into_iter().filter(|block| block.language == "cmd") {
            let Some(typed) = type_in(&format!("{recipe}.md:{}", block.at), &block.lines) else { return };
            count += typed;
        }
    }
    assert!(count >= 3, "only {count} commands were found");
}

#[test]
fn a_page_that_says_something_else_is_noticed() {
    assert_eq!(words(r#"a "b c" d\e"#), ["a", "b c", r"d\e"]);
    assert!(agree("one\ntwo", "one\ntwo"));
    assert!(agree("at ... Hz", "at 7 Hz"));
    for wrong in ["one", "one\ntwo\nthree", ""] {
        assert!(!agree("one\ntwo", wrong), "{wrong}");
    }
    assert!(!agree("at ... Hz", "at 7 kHz!"));
}

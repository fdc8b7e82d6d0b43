//! The commands in a document.

/// What a document has for this suite.
pub(crate) struct Document {
    pub(crate) name: String,
    /// In order.
    pub(crate) steps: Vec<Step>,
    /// Code in the running text, with its line.
    pub(crate) mentioned: Vec<(usize, String)>,
    /// What looks like a command and is none for this suite.
    pub(crate) complaints: Vec<String>,
}

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) command: String,
    /// What it prints; None if that is not said.
    pub(crate) expected: Option<Vec<String>>,
    /// What is different in every run.
    pub(crate) differs: Vec<String>,
    /// How it may end.
    pub(crate) codes: Vec<i32>,
}

/// A line of a document, and its number.
type Line<'a> = (usize, &'a str);

impl Document {
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut document =
            Self { name: name.to_owned(), steps: Vec::new(), mentioned: Vec::new(), complaints: Vec::new() };
        let lines: Vec<Line<'_>> = text.lines().enumerate().map(|(index, line)| (index + 1, line)).collect();
        let mut rest = &lines[..];
        let mut paragraph: Vec<Line<'_>> = Vec::new();
        let mut differs = Vec::new();
        while let [(number, line), after @ ..] = rest {
            rest = after;
            if let Some(kind) = line.trim_start().strip_prefix("```") {
                document.add_mentioned(&std::mem::take(&mut paragraph));
                let end = after.iter().position(|(_, line)| line.trim() == "```").unwrap_or(after.len());
                document.add_block(kind, &after[..end], &std::mem::take(&mut differs));
                rest = after.get(end + 1..).unwrap_or_default();
            } else if let Some(list) = line.strip_prefix("<!-- differs: ") {
                let list = list.trim_end().trim_end_matches("-->");
                differs = list.split(" | ").map(|item| item.trim().to_owned()).collect();
            } else if line.starts_with("    ") && is_like_a_command(line) {
                document.complain(*number, line);
            } else if line.trim().is_empty() {
                document.add_mentioned(&std::mem::take(&mut paragraph));
            } else {
                paragraph.push((*number, line));
            }
        }
        document.add_mentioned(&paragraph);
        document
    }

    fn complain(&mut self, number: usize, line: &str) {
        let line = line.trim();
        self.complaints.push(format!("{}:{number}: `{line}` belongs in a console or sh block", self.name));
    }

    fn add_block(&mut self, kind: &str, lines: &[Line<'_>], differs: &[String]) {
        match kind {
            "console" => self.add_console(lines, differs),
            "sh" => self.add_script(lines),
            _ => {
                for (number, line) in lines.iter().filter(|(_, line)| is_like_a_command(line)) {
                    self.complain(*number, line);
                }
            }
        }
    }

    fn add_console(&mut self, mut lines: &[Line<'_>], differs: &[String]) {
        for item in differs.iter().filter(|item| !lines.iter().any(|(_, line)| line.contains(*item))) {
            self.complaints.push(format!("{}: `{item}` differs, and is nowhere in the block", self.name));
        }
        while let [(number, first), ..] = lines {
            if !first.starts_with("$ ") {
                self.complaints.push(format!("{}:{number}: there is no command for this yet", self.name));
                return;
            }
            let (command, rest) = take_command(lines);
            let end = rest.iter().position(|(_, line)| line.starts_with("$ ")).unwrap_or(rest.len());
            let expected = rest[..end].iter().map(|(_, line)| (*line).to_owned()).collect();
            let mut step = Step::new(*number, &command[2..]);
            (step.expected, step.differs) = (Some(expected), differs.to_vec());
            self.steps.push(step);
            lines = &rest[end..];
        }
    }

    fn add_script(&mut self, mut lines: &[Line<'_>]) {
        while let [(number, _), ..] = lines {
            let (command, rest) = take_command(lines);
            if !command.trim().is_empty() && !command.starts_with('#') {
                self.steps.push(Step::new(*number, &command));
            }
            lines = rest;
        }
    }

    /// Adds what stands between backticks in a paragraph.
    fn add_mentioned(&mut self, paragraph: &[Line<'_>]) {
        let text = paragraph.iter().map(|(_, line)| line.trim()).collect::<Vec<_>>().join("\n");
        let mut number = paragraph.first().map_or(0, |(number, _)| *number);
        for (index, part) in text.split('`').enumerate() {
            if index % 2 == 1 {
                self.mentioned.push((number, part.replace('\n', " ")));
            }
            number += part.matches('\n').count();
        }
    }
}

impl Step {
    fn new(line: usize, text: &str) -> Self {
        let (command, comment) = text.split_once(" # ").unwrap_or((text, ""));
        let codes = comment.trim().strip_prefix("exits ").map_or_else(
            || vec![0],
            |codes| codes.split_whitespace().map_while(code_or_word).flatten().collect(),
        );
        let command = command.trim_end().to_owned();
        Self { line, command, expected: None, differs: Vec::new(), codes }
    }
}

/// A status, or the word between two of them; None where other words follow.
fn code_or_word(word: &str) -> Option<Option<i32>> {
    match word.trim_end_matches([',', ';', ':']).parse() {
        Ok(code) => Some(Some(code)),
        Err(_) => (word == "or").then_some(None),
    }
}

/// The first command, which a backslash at the end of a line continues on the next.
fn take_command<'a, 'b>(lines: &'b [Line<'a>]) -> (String, &'b [Line<'a>]) {
    let more = lines.iter().take_while(|(_, line)| line.ends_with('\\')).count();
    let (command, rest) = lines.split_at((more + 1).min(lines.len()));
    (command.iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n"), rest)
}

fn is_like_a_command(line: &str) -> bool {
    ["$ ", "cenote ", "cargo ", "sudo "].iter().any(|start| line.trim_start().starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Step> {
        Document::parse("x.md", text).steps
    }

    fn step(line: usize, command: &str, expected: Option<&[&str]>, codes: &[i32]) -> Step {
        let expected = expected.map(|lines| lines.iter().map(ToString::to_string).collect());
        Step { line, command: command.to_owned(), expected, differs: Vec::new(), codes: codes.to_vec() }
    }

    fn complaints(text: &str) -> usize {
        Document::parse("x.md", text).complaints.len()
    }

    #[test]
    fn consoles_have_commands_and_what_they_print() {
        let text =
            "text\n```console\n$ one\nout\n\n$ two \\\n  more # exits 3\n$ three # exits 0 or 1 if so\n```\n";
        let expected = [
            step(3, "one", Some(&["out", ""]), &[0]),
            step(6, "two \\\n  more", Some(&[]), &[3]),
            step(8, "three", Some(&[]), &[0, 1]),
        ];
        assert_eq!(steps(text), expected);
        assert_eq!(complaints(text), 0);
        assert_eq!(complaints("```console\nout\n$ one\n```"), 1, "output of nothing");
    }

    #[test]
    fn scripts_have_commands_alone() {
        let text = "```sh\n# first\none   # why\n\ntwo '#' \\\n  more\n```\n```sh\nthree\n```";
        let expected = [(3, "one"), (5, "two '#' \\\n  more"), (9, "three")];
        assert_eq!(steps(text), expected.map(|(line, command)| step(line, command, None, &[0])));
    }

    #[test]
    fn what_differs_is_said_before_the_block() {
        let text = "<!-- differs: 17 | 4 ms -->\n```console\n$ one\n17\n```\n```console\n$ two\n```";
        let steps = Document::parse("x.md", text).steps;
        assert_eq!(steps[0].differs, ["17", "4 ms"]);
        assert_eq!(steps[1].differs, <[String; 0]>::default());
        assert_eq!(complaints(text), 1, "there is no 4 ms");
    }

    #[test]
    fn no_command_hides() {
        for text in [
            "    cargo run\n",
            "    $ x\n",
            "```\ncenote ls\n```",
            "```text\n$ one\n```",
            "- x\n\n    sudo y",
        ] {
            assert_eq!(complaints(text), 1, "{text}");
        }
        for text in ["    let x = 1;\n", "```rust\nx\n```", "cenote is a word\n", "`cargo run`"] {
            assert_eq!(complaints(text), 0, "{text}");
        }
    }

    #[test]
    fn code_in_the_text_is_found() {
        let text = "See `one` and\n`two\nthree`.\n\n| a `b` | c |\n```sh\n`none`\n```\n";
        let mentioned = Document::parse("x.md", text).mentioned;
        let expected = [(1, "one"), (2, "two three"), (5, "b")];
        assert_eq!(mentioned, expected.map(|(line, text)| (line, text.to_owned())));
    }
}

//! Completions and manual pages: they name all there is, and the programs that read them accept them.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use testkit::names::TempDir;

use crate::support::{cenote, run};

/// The commands that `cenote help` lists.
fn commands() -> Vec<String> {
    let help = run(["help"]);
    let list = help.ok().lines().skip_while(|line| *line != "Commands:").skip(1);
    let list = list.take_while(|line| !line.is_empty());
    // What is indented further goes on from the line before.
    let list = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> =
        list.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

/// Gives `input` to a program: what it says on stderr and whether it succeeded. `None` where there is none.
fn fed(program: &str, arguments: &[&str], input: &[u8]) -> Option<(String, bool)> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        testkit::skipped(&format!("there is no {program} here"));
        return None;
    };
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    Some((String::from_utf8_lossy(&output.stderr).into_owned(), output.status.success()))
}

#[test]
fn every_shell_has_a_script_that_names_the_commands() {
    let commands = commands();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(["completions", shell]);
        for command in &commands {
            assert!(script.ok().contains(command.as_str()), "{shell}: {command}");
        }
        assert!(script.stdout().contains("lock-with"), "{shell}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = run(["completions", shell]);
        if let Some((said, accepted)) = fed(shell, &["-n"], script.ok().as_bytes()) {
            assert!(accepted && said.is_empty(), "{shell}: {said}");
        }
    }
}

#[test]
fn bash_completes_a_command() {
    let script = run(["completions", "bash"]);
    let test = format!(
        "{}\nCOMP_WORDS=(cenote doc); COMP_CWORD=1; _cenote cenote doc cenote; [ \"${{COMPREPLY[*]}}\" = doctor ]",
        script.ok()
    );
    if let Some((said, completed)) = fed("bash", &["--norc"], test.as_bytes()) {
        assert!(completed, "{said}");
    }
}

#[test]
fn every_command_has_a_page_that_can_be_read() {
    let folder = TempDir::new();
    let pages = folder.join("man1");
    let said = run(["man", "--out", pages.to_str().unwrap()]);
    assert!(said.ok().starts_with("wrote "), "{said:?}");
    let mut names: Vec<String> = commands()
        .into_iter()
        .filter(|name| name != "help")
        .map(|name| format!("cenote-{name}.1"))
        .chain(["cenote.1", "cenote-image-get.1", "cenote-image-put.1"].map(str::to_owned))
        .collect();
    names.sort();
    let mut found: Vec<String> = fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, names);
    for name in &names {
        let page = fs::read(pages.join(name)).unwrap();
        let text = String::from_utf8(page.clone()).unwrap();
        assert!(text.contains(&format!(".TH {} 1", name.trim_end_matches(".1"))), "{name}: {text}");
        if let Some((said, accepted)) = fed("groff", &["-man", "-Tutf8", "-ww"], &page) {
            assert!(accepted && said.is_empty(), "{name}: {said}");
        }
    }
    for (words, name) in [(&["man"][..], "cenote.1"), (&["man", "image", "put"], "cenote-image-put.1")] {
        assert_eq!(run(words).ok().as_bytes(), fs::read(pages.join(name)).unwrap());
    }
}

#[test]
fn pages_that_cannot_be_written_are_an_error() {
    run(["man", "--out", "/dev/null/pages"]).failed(1);
    // A reader that has seen enough is none.
    let mut page = cenote(["man"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(page.stdout.take());
    assert!(page.wait().unwrap().success());
}

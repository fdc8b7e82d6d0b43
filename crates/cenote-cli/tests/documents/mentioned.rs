//! Commands in the running text: they are not run, but programs must understand them.

use std::path::Path;
use std::process::{Command, Stdio};

/// What is wrong with a command, if anything is. Asked for help about it, a program has read all words before
/// that, and refuses what it does not know; only what is missing is not missed.
pub(crate) fn complaint(root: &Path, text: &str) -> Option<String> {
    let words: Vec<_> = text.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
    // What a command is to run is another program's.
    let words: Vec<_> = words.into_iter().take_while(|word| *word != "--").collect();
    if let ["cargo", "xtask", task, ..] = words[..] {
        let help = said(Command::new("cargo").args(["xtask", "help"]).current_dir(root)).unwrap_or_default();
        let is_known = help.lines().any(|line| line.split_whitespace().next() == Some(task));
        return (!is_known).then(|| format!("`cargo xtask` has no `{task}`"));
    }
    let program = if words[0] == "cenote" { env!("CARGO_BIN_EXE_cenote") } else { words[0] };
    // Help about help there is not.
    let help = if words.get(1) == Some(&"help") { None } else { Some("--help") };
    said(Command::new(program).args(&words[1..]).args(help).current_dir(root)).err()
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn what_nobody_understands_is_found() {
    let complaint = |text| complaint(&crate::root(), text);
    for right in [
        "cenote ls",
        "cenote rm qt:KEY",
        "cenote help rm",
        "cenote lock qt:KEY --timeout 5s -- make --no-such",
        "cargo test",
    ] {
        assert_eq!(complaint(right), None, "{right}");
    }
    for wrong in [
        "cenote no-such",
        "cenote help no-such",
        "cenote ls --no-such",
        "cenote rm no:address",
        "cenote lock qt:KEY --timeout soon",
        "cargo no-such",
        "cargo xtask no-such",
    ] {
        assert!(complaint(wrong).is_some(), "{wrong}");
    }
}

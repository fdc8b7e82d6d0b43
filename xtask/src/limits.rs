//! Limits that keep the house small: how many crates the library stands on, how large the command is.

use std::fs;
use std::path::Path;

use crate::repository::{Repository, output_of};
use crate::steps::{Done, Outcome};

/// The library itself counts; procedural macros, and what only they need, do not.
const MOST_CRATES: usize = 10;
const LARGEST_COMMAND: u64 = 6 << 20;

pub(crate) fn check(repository: &Repository) -> Outcome {
    if cfg!(unix) {
        check_crates(repository)?;
    } else {
        println!("the number of crates is limited on Unix only");
    }
    check_size(repository)?;
    Ok(Done::Passed)
}

fn check_crates(repository: &Repository) -> Result<(), String> {
    let tree = output_of(repository.cargo().args([
        "tree",
        "--package",
        "cenote",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let crates = distinct(&tree);
    println!("the library stands on {} crates, itself among them: {}", crates.len(), crates.join(" "));
    if crates.len() <= MOST_CRATES {
        Ok(())
    } else {
        Err(format!("{} crates are more than {MOST_CRATES}", crates.len()))
    }
}

/// The names and versions in `cargo tree`'s output, each once. A repetition is marked with `(*)`.
fn distinct(tree: &str) -> Vec<String> {
    let mut crates: Vec<String> = tree
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join("@"))
        .collect();
    crates.sort();
    crates.dedup();
    crates
}

fn check_size(repository: &Repository) -> Result<(), String> {
    let command = repository.target.join("release").join(format!("cenote{}", std::env::consts::EXE_SUFFIX));
    check_size_of(&command)
}

/// Fails if the command, in whichever form it was built, is too large.
pub(crate) fn check_size_of(command: &Path) -> Result<(), String> {
    let size = fs::metadata(command).map_err(|error| format!("{}: {error}", command.display()))?.len();
    println!("the command has {size} bytes, of {LARGEST_COMMAND} allowed");
    if size <= LARGEST_COMMAND { Ok(()) } else { Err(format!("the command is too large: {size} bytes")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once() {
        let tree = "cenote v0.1.0 (/somewhere)\nlibc v0.2.1\nrustix v1.0.0\nlibc v0.2.1 (*)\n";
        assert_eq!(distinct(tree), ["cenote@v0.1.0", "libc@v0.2.1", "rustix@v1.0.0"]);
    }
}

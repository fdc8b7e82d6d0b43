//! Installs the Debian packages that the tests need: the real peers, and programs that judge what we made.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::repository::{Repository, is_installed, run};
use crate::steps::{Done, Outcome};

/// What compiles and runs the peers, what reads the command's completions and manual pages, and Qt's own
/// example with a screen and hands for it.
const PACKAGES: [&str; 13] = [
    "bsdutils",
    "fish",
    "g++",
    "groff-base",
    "pkg-config",
    "python3",
    "python3-pip",
    "qt6-base-dev",
    "qtbase5-dev",
    "qtbase5-examples",
    "xdotool",
    "xvfb",
    "zsh",
];

/// Installs what is missing, after naming it.
pub(crate) fn packages(repository: &Repository, may_install: bool) -> Outcome {
    if !Path::new("/etc/debian_version").exists() || !is_installed("apt-get") {
        println!("not a Debian system: the suites whose peers do not compile here are skipped");
        return Ok(Done::Passed);
    }
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|package| !has_package(package)).collect();
    if missing.is_empty() {
        println!("all there: {}", PACKAGES.join(" "));
        return Ok(Done::Passed);
    }
    let list = missing.join(" ");
    if !may_install {
        println!("missing, and not installed because of --no-install: {list}");
        return Ok(Done::Passed);
    }
    let Some(root) = becoming_root() else {
        println!("missing: {list}");
        return Ok(Done::Skipped(format!("only root installs packages, and there is no sudo: {list}")));
    };
    println!("installing: {list}");
    let apt = |arguments: &[&str]| {
        let words = [root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
        run(repository.command(words[0]).args(&words[1..]))
    };
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], missing.as_slice()].concat())?;
    Ok(Done::Passed)
}

fn has_package(package: &str) -> bool {
    let status = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Status}", package])
        .stderr(Stdio::null())
        .output();
    status.is_ok_and(|status| status.stdout == b"install ok installed")
}

/// The words to put before a command that needs root: none for root itself.
fn becoming_root() -> Option<&'static [&'static str]> {
    if effective_uid() == Some(0) {
        Some(&[])
    } else if is_installed("sudo") {
        Some(&["sudo"])
    } else {
        None
    }
}

/// From /proc, since the standard library does not tell.
fn effective_uid() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("Uid:"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

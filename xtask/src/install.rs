//! Installs the Debian packages that the tests need: the real peers, programs that judge what we made, and what builds
//! and runs programs for other systems and processors.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::repository::{Repository, is_installed, run};
use crate::steps::{Done, Outcome};

/// What compiles and runs the peers, what reads the command's completions and manual pages, Qt's own example with a
/// screen and hands for it, and makers of segments that are run as they are.
pub(crate) const FOR_PEERS: &[&str] = &[
    "bsdutils",
    "chromium-headless-shell",
    "fish",
    "g++",
    "groff-base",
    "libboost-dev",
    "pkg-config",
    "postgresql",
    "python3",
    "python3-pip",
    "qt6-base-dev",
    "qtbase5-dev",
    "qtbase5-examples",
    "xdotool",
    "xvfb",
    "zsh",
];

/// A Rust that can build its own standard library for other systems, with its lints; a linker for Windows, and Wine to
/// run what it made.
pub(crate) const FOR_WINDOWS: &[&str] = &[
    "cargo-web",
    "g++-mingw-w64-x86-64",
    "gcc-mingw-w64-x86-64",
    "rust-web-clippy",
    "rust-web-src",
    "rustc-web",
    "wine",
    "wine64",
];

/// The same Rust, a linker and the C library for aarch64, and QEMU to run it.
pub(crate) const FOR_CROSS: &[&str] = &[
    "cargo-web",
    "gcc-aarch64-linux-gnu",
    "libc6-dev-arm64-cross",
    "qemu-user",
    "rust-web-clippy",
    "rust-web-src",
    "rustc-web",
];

/// Installs those of the `packages` that are missing, after naming them.
pub(crate) fn packages(repository: &Repository, may_install: bool, packages: &[&str]) -> Outcome {
    if !Path::new("/etc/debian_version").exists() || !is_installed("apt-get") {
        println!("not a Debian system: the suites whose peers do not compile here are skipped");
        return Ok(Done::Passed);
    }
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !has_package(package)).collect();
    if missing.is_empty() {
        println!("all there: {}", packages.join(" "));
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

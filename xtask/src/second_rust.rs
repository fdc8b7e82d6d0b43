//! Debian's second Rust. It has the sources of its own standard library, and so builds for systems for which the
//! toolchain at hand has none.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::repository::{Repository, run_within};

const CARGO: &str = "/usr/bin/cargo";
/// Started by its name: cargo would take the first that it finds, which is another toolchain's.
const CLIPPY: &str = "/usr/bin/cargo-clippy";
const RUSTC: &str = "/usr/bin/rustc";
/// Shows that the sources are there.
const SOURCES: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";
/// A standard library and everything that stands on it take some minutes, and many on a busy machine.
pub(crate) const TO_BUILD: Duration = Duration::from_secs(2700);

/// A system to build for.
pub(crate) struct System {
    pub(crate) target: &'static str,
    /// The crates of it that are built with the program.
    pub(crate) standard_library: &'static str,
}

impl System {
    /// `cargo WHAT` for this system.
    pub(crate) fn cargo(&self, repository: &Repository, what: &str) -> Command {
        let mut cargo = command(repository, CARGO);
        self.add_arguments(repository, &mut cargo, what);
        cargo
    }

    /// The lints, which see here what is compiled for this system alone. `add_targets` says of what.
    pub(crate) fn lint(
        &self,
        repository: &Repository,
        add_targets: impl FnOnce(&mut Command),
    ) -> Result<(), String> {
        let mut clippy = command(repository, CLIPPY);
        self.add_arguments(repository, clippy.env("CARGO", CARGO), "clippy");
        add_targets(&mut clippy);
        clippy.args(["--", "-D", "warnings"]);
        run_within(&mut clippy, TO_BUILD)
    }

    fn add_arguments(&self, repository: &Repository, command: &mut Command, what: &str) {
        let library = format!("-Zbuild-std={}", self.standard_library);
        command.args([what, &library, "--target", self.target, "--target-dir"]).arg(&repository.target);
    }
}

/// Of the toolchain that runs this task nothing must be used, nor of its flags.
fn command(repository: &Repository, program: &str) -> Command {
    let mut command = repository.command(program);
    for name in
        ["CARGO", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTDOC", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"]
    {
        command.env_remove(name);
    }
    // What is built here is run once: it need not say more of itself than where it panicked.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    command.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
    command
}

/// What is not there of it.
pub(crate) fn missing() -> Vec<String> {
    let files = [CARGO, CLIPPY, RUSTC, SOURCES];
    files.into_iter().filter(|file| !Path::new(file).exists()).map(String::from).collect()
}

//! Builds the iceoryx2 peer: a Rust program in a workspace of its own, with one version of iceoryx2 and of all that it
//! stands on, by the hashes in its `Cargo.lock`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::peers::{SOURCES, is_older};
use crate::repository::{Repository, output_of, run};

const FOLDER: &str = "iceoryx2";
const SOURCE_FILES: [&str; 3] = ["Cargo.toml", "Cargo.lock", "src/main.rs"];

/// The Rust that iceoryx2 asks for: a later one than Cenote.
const OLDEST_RUST: (u32, u32) = (1, 89);

/// Builds it into `peers`; what is missing, if it cannot be built here.
pub(crate) fn build(
    repository: &Repository,
    peers: &Path,
    may_install: bool,
) -> Result<Option<String>, String> {
    let (folder, program) = (repository.root.join(SOURCES).join(FOLDER), peers.join("iceoryx2"));
    if !is_older(&program, SOURCE_FILES.iter().map(|name| folder.join(name))) {
        println!("iceoryx2: up to date");
        return Ok(None);
    }
    let (major, minor) = OLDEST_RUST;
    if rust_version(repository).is_none_or(|version| version < OLDEST_RUST) {
        return Ok(Some(format!("Rust {major}.{minor}")));
    }
    let cargo = |task: &str, more: &[&str]| -> Command {
        let mut cargo = repository.cargo();
        cargo.arg(task).arg("--locked").arg("--manifest-path").arg(folder.join("Cargo.toml")).args(more);
        cargo
    };
    // Without the network it is there, or its suites are skipped and the rest goes on.
    let offline: &[&str] = if may_install { &[] } else { &["--offline"] };
    if let Err(error) = output_of(&mut cargo("fetch", offline)) {
        println!("{error}");
        return Ok(Some("iceoryx2's crates, which cargo could not fetch".to_owned()));
    }
    let target = repository.target.join(FOLDER);
    run(cargo("build", &["--offline", "--target-dir"]).arg(&target))?;
    // Under another name until it is whole: one that runs cannot be overwritten.
    let fresh = program.with_extension("new");
    let placed = fs::copy(target.join("debug/iceoryx2"), &fresh).and_then(|_| fs::rename(&fresh, &program));
    placed.map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(None)
}

/// The first two numbers of the compiler's version: `rustc 1.95.0 (...)`.
fn rust_version(repository: &Repository) -> Option<(u32, u32)> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let said = output_of(repository.command(rustc).arg("--version")).ok()?;
    let mut numbers = said.split_whitespace().nth(1)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

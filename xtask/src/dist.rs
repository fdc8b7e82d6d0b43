//! `cargo xtask dist`: the command as one file that runs where it is put, and its SHA-256 beside it.
//!
//! A static one is built by musl where that target is installed, else by glibc with `crt-static`, which the command
//! bears because it asks glibc for no users and no hosts. Where neither works, the file needs the system's libraries,
//! and that is said.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::limits;
use crate::repository::{Repository, is_installed, output_of, run as run_command};
use crate::test::with_flags;

const COMMAND: &str = "cenote";
const STATIC: &str = "-C target-feature=+crt-static";

/// Builds it, makes sure that it runs, and says what was made.
pub(crate) fn run(repository: &Repository) -> Result<(), String> {
    let (target, built) = build(repository)?;
    let bytes = fs::read(&built).map_err(|error| format!("{}: {error}", built.display()))?;
    let said = output_of(repository.command(&built).arg("--version"))?;
    let version = said
        .trim()
        .strip_prefix("cenote ")
        .ok_or_else(|| format!("{} --version said `{}`", built.display(), said.trim()))?;
    limits::check_size_of(&built)?;

    let folder = repository.target.join("dist");
    let name = format!("{COMMAND}-{version}-{target}{}", env::consts::EXE_SUFFIX);
    let file = folder.join(&name);
    fs::create_dir_all(&folder)
        .and_then(|()| fs::copy(&built, &file))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let sum = sha256(repository, &folder, &name)?;
    let beside = folder.join(format!("{name}.sha256"));
    fs::write(&beside, &sum).map_err(|error| format!("{}: {error}", beside.display()))?;
    // What was copied must run as well.
    let again = output_of(repository.command(&file).arg("--version"))?;
    if again != said {
        return Err(format!("{} --version said `{}`", file.display(), again.trim()));
    }

    println!("made {}", file.display());
    println!("     {}", beside.display());
    match is_static(&bytes) {
        Some(true) => println!("it is static: it needs no library of the system"),
        Some(false) => println!("it is NOT static: it needs the C library of this system, or a later one"),
        None => println!("whether it is static cannot be told: it is no ELF file"),
    }
    print!("{sum}");
    Ok(())
}

/// The target that it was built for, and where it lies.
fn build(repository: &Repository) -> Result<(String, PathBuf), String> {
    let host = host(repository)?;
    if let Some(musl) = musl_of(&host) {
        if is_target_installed(repository, &musl) {
            return build_for(repository, &musl, STATIC);
        }
        println!("the target {musl} is not installed (`rustup target add {musl}` does that): glibc it is");
        match build_for(repository, &host, STATIC) {
            Ok(made) => return Ok(made),
            Err(why) => println!("no static glibc here, so it will need the system's: {why}"),
        }
    }
    build_for(repository, &host, "")
}

fn build_for(repository: &Repository, target: &str, flags: &str) -> Result<(String, PathBuf), String> {
    let mut cargo = repository.cargo();
    // A named target, also for the host: flags are not for procedural macros then.
    cargo.args(["build", "--release", "--locked", "--package", "cenote-cli", "--target", target]);
    // Of its own, lest its flags make all other builds begin anew.
    let folder = repository.target.join("dist-build");
    cargo.arg("--target-dir").arg(&folder);
    if !flags.is_empty() {
        cargo.env("RUSTFLAGS", with_flags("RUSTFLAGS", flags));
    }
    run_command(&mut cargo)?;
    let file = format!("{COMMAND}{}", env::consts::EXE_SUFFIX);
    Ok((target.to_owned(), folder.join(target).join("release").join(file)))
}

/// The compiler that cargo uses.
fn rustc() -> String {
    env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned())
}

fn host(repository: &Repository) -> Result<String, String> {
    let said = output_of(repository.command(rustc()).arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say for which system it is".to_owned())
}

/// The target that makes static programs for the same machines.
fn musl_of(host: &str) -> Option<String> {
    let (machine, system) = host.split_once("-unknown-linux-")?;
    let abi = system.strip_prefix("gnu").or_else(|| system.strip_prefix("musl"))?;
    Some(format!("{machine}-unknown-linux-musl{abi}"))
}

fn is_target_installed(repository: &Repository, target: &str) -> bool {
    let folder =
        output_of(repository.command(rustc()).args(["--print", "target-libdir", "--target", target]));
    folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// `SUM  NAME`, as `sha256sum --check` reads it.
fn sha256(repository: &Repository, folder: &Path, name: &str) -> Result<String, String> {
    let words: &[&str] = if is_installed("sha256sum") { &["sha256sum"] } else { &["shasum", "-a", "256"] };
    output_of(repository.command(words[0]).args(&words[1..]).arg(name).current_dir(folder))
}

/// Whether the program runs without a loader: none of its segments names one. `None` for what is no 64-bit ELF file
/// with the little end first.
fn is_static(program: &[u8]) -> Option<bool> {
    /// Names the loader.
    const PT_INTERP: u32 = 3;
    let number = |at: usize, len: usize| {
        let bytes = program.get(at..at.checked_add(len)?)?;
        Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    };
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let at = |number: u64| usize::try_from(number).ok();
    let (table, size, count) = (at(number(32, 8)?)?, at(number(54, 2)?)?, at(number(56, 2)?)?);
    let kinds = (0..count).map(|index| number(table.checked_add(index * size)?, 4));
    let kinds: Vec<u64> = kinds.collect::<Option<_>>()?;
    Some(!kinds.contains(&u64::from(PT_INTERP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn musl_is_found_beside_gnu() {
        assert_eq!(musl_of("x86_64-unknown-linux-gnu").as_deref(), Some("x86_64-unknown-linux-musl"));
        assert_eq!(
            musl_of("armv7-unknown-linux-gnueabihf").as_deref(),
            Some("armv7-unknown-linux-musleabihf")
        );
        assert_eq!(musl_of("aarch64-unknown-linux-musl").as_deref(), Some("aarch64-unknown-linux-musl"));
        assert_eq!(musl_of("x86_64-pc-windows-msvc"), None);
    }

    /// An ELF file with segments of these kinds.
    fn program(kinds: &[u32]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = u8::try_from(kinds.len()).unwrap();
        for kind in kinds {
            file.extend(kind.to_le_bytes());
            file.extend([0; 52]);
        }
        file
    }

    #[test]
    fn a_loader_makes_a_program_dynamic() {
        assert_eq!(is_static(&program(&[1, 1, 2])), Some(true));
        assert_eq!(is_static(&program(&[6, 3, 1])), Some(false));
        assert_eq!(is_static(&program(&[1, 1])[..80]), None);
        assert_eq!(is_static(b"#!/bin/sh"), None);
        let own = env::current_exe().and_then(fs::read).unwrap();
        if cfg!(all(
            target_os = "linux",
            target_env = "gnu",
            target_endian = "little",
            target_pointer_width = "64"
        )) {
            assert_eq!(is_static(&own), Some(cfg!(target_feature = "crt-static")));
        }
    }
}

//! `cargo xtask windows build | test`: the command for Windows, and the suites for it, without leaving Linux.
//!
//! No toolchain need bring a standard library for Windows: Debian's second Rust has the sources of its own and builds
//! it. MinGW links, and Wine runs what came out, in a folder of the repository's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::install;
use crate::peers::{self, Recipe, SOURCES};
use crate::repository::{Repository, is_installed, run as run_command, show};
use crate::steps::{Done, Steps};

const TARGET: &str = "x86_64-pc-windows-gnu";
/// The standard library is built with the program.
const STANDARD_LIBRARY: &str = "-Zbuild-std=std,panic_abort";
const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
/// The suites that have something to say on Windows.
const SUITES: [&str; 3] = ["conformance", "win32_peers", "windows"];
/// A fresh folder takes Wine some seconds, the suites about a minute.
const PATIENCE: Duration = Duration::from_secs(600);

const PEER: Recipe = Recipe {
    name: "",
    compiler: "x86_64-w64-mingw32-g++",
    flags: &["-std=c++17", "-O2", "-Wall", "-Wextra", "-municode", "-static", "-s"],
    folder: SOURCES,
    sources: &[],
    headers: &[],
    modules: &[],
    libraries: &[],
};

const PEERS: [Recipe; 4] = [
    Recipe { name: "win32.exe", sources: &["windows/peer.cpp"], ..PEER },
    Recipe { name: "win32-server.exe", sources: &["windows/server.cpp"], ..PEER },
    Recipe { name: "win32-client.exe", sources: &["windows/client.cpp"], ..PEER },
    Recipe {
        name: MISSING_DLL,
        compiler: "x86_64-w64-mingw32-gcc",
        flags: &["-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-static", "-s"],
        sources: &["windows/bcryptprimitives.c"],
        libraries: &["-ladvapi32"],
        ..PEER
    },
];

/// What Wine 8 lacks and every program of Rust's asks for.
const MISSING_DLL: &str = "bcryptprimitives.dll";

/// `build` or `test`, as a task of its own.
pub(crate) fn run(repository: &Repository, what: &str, may_install: bool) -> Result<(), String> {
    let mut steps = Steps::new(repository.strict);
    let outcome = match what {
        "test" => test(repository, may_install, &mut steps),
        _ => build(repository, may_install, &mut steps),
    };
    steps.print_summary();
    outcome
}

fn build(repository: &Repository, may_install: bool, steps: &mut Steps) -> Result<(), String> {
    steps
        .step("packages for Windows", || install::packages(repository, may_install, install::FOR_WINDOWS))?;
    steps.step("Windows: the command and its peers", || {
        let Some(tools) = Tools::find(repository) else { return Ok(Done::Skipped(missing(repository))) };
        tools.build()?;
        Ok(Done::Passed)
    })
}

/// Builds, and runs the suites.
pub(crate) fn test(repository: &Repository, may_install: bool, steps: &mut Steps) -> Result<(), String> {
    build(repository, may_install, steps)?;
    steps.step("Windows: the suites, by Wine", || {
        let Some(tools) = Tools::find(repository) else { return Ok(Done::Skipped(missing(repository))) };
        run_command(tools.tests().arg("--no-run"))?;
        let wine = Wine::start(repository)?;
        let tested = tools.test(&wine);
        let users = wine.folder.join("drive_c/users");
        drop(wine);
        let left = leftovers(&users);
        tested?;
        if left.is_empty() {
            Ok(Done::Passed)
        } else {
            Err(format!("the tests left behind:\n  {}", left.join("\n  ")))
        }
    })
}

/// What builds for Windows, all of it.
struct Tools<'a>(&'a Repository);

impl<'a> Tools<'a> {
    fn find(repository: &'a Repository) -> Option<Self> {
        missing_tools(repository).is_empty().then_some(Self(repository))
    }

    fn build(&self) -> Result<(), String> {
        let peers = peers::folder(self.0);
        fs::create_dir_all(&peers).map_err(|error| format!("{}: {error}", peers.display()))?;
        for recipe in &PEERS {
            recipe.build(self.0, &peers)?;
        }
        run_command(self.cargo("build").args(["--release", "-p", "cenote-cli"]))?;
        let folder = self.0.target.join(TARGET).join("release");
        copy(&peers.join(MISSING_DLL), &folder.join(MISSING_DLL))?;
        println!("made {}", folder.join("cenote.exe").display());
        println!("     {MISSING_DLL} beside it, for Wine before version 9; Windows has its own");
        Ok(())
    }

    /// The suites, and the tests within the crates.
    fn test(&self, wine: &Wine) -> Result<(), String> {
        let mut tests = self.tests();
        tests.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine");
        // They look for the peers where they themselves lie.
        tests.env_remove("CENOTE_PEERS");
        if self.0.strict {
            tests.env("CENOTE_REQUIRE_PEERS", "1");
        }
        run_within(wine.lend(&mut tests), PATIENCE)
    }

    fn tests(&self) -> Command {
        let mut tests = self.cargo("test");
        tests.args([
            "-p",
            "cenote",
            "-p",
            "cenote-cli",
            "-p",
            "testkit",
            "--all-features",
            "--lib",
            "--bins",
        ]);
        tests.arg("--no-fail-fast").args(SUITES.iter().flat_map(|suite| ["--test", suite]));
        tests
    }

    fn cargo(&self, what: &str) -> Command {
        let mut cargo = self.0.command(CARGO);
        cargo.args([what, STANDARD_LIBRARY, "--target", TARGET, "--target-dir"]).arg(&self.0.target);
        // Of the toolchain that runs this task nothing must be used, nor of its flags.
        for name in ["CARGO", "RUSTC_WRAPPER", "RUSTDOC", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"] {
            cargo.env_remove(name);
        }
        cargo.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
        cargo
    }
}

/// A Windows of the repository's own. What runs in it is ended with it.
struct Wine<'a> {
    repository: &'a Repository,
    folder: PathBuf,
}

impl<'a> Wine<'a> {
    /// Makes the folder, if there is none, and starts what runs in the background there. That must not have our output:
    /// whoever reads it would wait for its end.
    fn start(repository: &'a Repository) -> Result<Self, String> {
        let wine = Self { repository, folder: repository.target.join("wine") };
        fs::create_dir_all(&wine.folder).map_err(|error| format!("{}: {error}", wine.folder.display()))?;
        let library = wine.folder.join("drive_c/windows/system32").join(MISSING_DLL);
        let mut start = repository.command("wineboot");
        start.arg("--init").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        run_within(wine.lend(&mut start), PATIENCE)?;
        copy(&peers::folder(repository).join(MISSING_DLL), &library)?;
        Ok(wine)
    }

    /// Lets the command run programs in it.
    fn lend<'b>(&self, command: &'b mut Command) -> &'b mut Command {
        command.env("WINEPREFIX", &self.folder).env("WINEDEBUG", "-all");
        // No entries in this user's menus, and no questions about .NET and a browser.
        command.env("WINEDLLOVERRIDES", "winemenubuilder.exe,mscoree,mshtml=").env_remove("DISPLAY")
    }
}

impl Drop for Wine<'_> {
    /// Ends all that runs in it.
    fn drop(&mut self) {
        for how in ["--kill", "--wait"] {
            let mut server = self.repository.command("wineserver");
            // It fails where nothing runs any more, which is what is wanted.
            let _ = run_within(self.lend(server.arg(how)), Duration::from_secs(20));
        }
    }
}

/// Temporary files of ours, of every user there.
fn leftovers(users: &Path) -> Vec<String> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut left = Vec::new();
    for user in entries(users) {
        for temporary in ["Temp", "AppData/Local/Temp"] {
            let ours = entries(&user.path().join(temporary))
                .filter(|entry| entry.file_name().to_string_lossy().contains("cenote"));
            left.extend(ours.map(|entry| entry.path().display().to_string()));
        }
    }
    left
}

fn missing(repository: &Repository) -> String {
    format!("nothing is built for Windows, nor tested: this needs {}", missing_tools(repository).join(", "))
}

/// What is not there of all that it takes.
fn missing_tools(repository: &Repository) -> Vec<String> {
    let mut missing: Vec<String> = PEERS.iter().filter_map(|peer| peer.missing_tool(repository)).collect();
    missing.dedup();
    missing.extend(
        ["wine", "wineboot", "wineserver"].into_iter().filter(|tool| !is_installed(tool)).map(String::from),
    );
    let files = [CARGO, RUSTC, "/usr/lib/rustlib/src/rust/library/Cargo.lock"];
    missing.extend(files.into_iter().filter(|file| !Path::new(file).exists()).map(String::from));
    missing
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    match fs::copy(from, to) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("copying {} to {}: {error}", from.display(), to.display())),
    }
}

/// [`run_command`], which ends what takes longer than `limit`.
fn run_within(command: &mut Command, limit: Duration) -> Result<(), String> {
    let shown = show(command);
    println!("$ {shown}");
    let started = command.spawn();
    let mut child = started.map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{shown}` failed: {status}")),
            Ok(None) if Instant::now() < end => sleep(Duration::from_millis(20)),
            other => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{shown}` is not done after {limit:?}: {other:?}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_ended() {
        let started = Instant::now();
        let error = run_within(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert!(error.contains("is not done"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
        assert!(run_within(&mut Command::new("true"), PATIENCE).is_ok());
        assert!(
            run_within(&mut Command::new("false"), PATIENCE).is_err_and(|error| error.contains("failed"))
        );
    }
}

//! `cargo xtask windows build | test`: the command for Windows, and the suites for it, without leaving Linux.
//!
//! No toolchain need bring a standard library for Windows: Debian's second Rust builds it. MinGW links, and Wine runs
//! what came out, in a folder of the repository's own. On Windows itself nothing of that is needed: `on_windows.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::peers::{self, Recipe, SOURCES};
use crate::pyside::Pyside;
use crate::repository::{Repository, is_installed, run_within};
use crate::second_rust::{self, System, TO_BUILD};
use crate::steps::{Done, Outcome, Steps};
use crate::{cookbook, install, on_windows, qt_for_windows};

const SYSTEM: System = System { target: "x86_64-pc-windows-gnu", standard_library: "std,panic_abort" };
/// The suites that have something to say on Windows.
const SUITES: [&str; 5] = ["conformance", "cookbook", "qt_windows_peers", "win32_peers", "windows"];
/// What they are tests of, together: what is built once then serves them all.
const PACKAGES: [&str; 7] = ["-p", "cenote", "-p", "cenote-cli", "-p", "testkit", "--all-features"];
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
    needs: &[],
    libraries: &[],
};

pub(crate) const PEERS: [Recipe; 2] = [
    Recipe { name: "win32.exe", sources: &["windows/peer.cpp"], ..PEER },
    Recipe {
        name: MISSING_DLL,
        compiler: "x86_64-w64-mingw32-gcc",
        flags: &["-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-static", "-s"],
        sources: &["windows/bcryptprimitives.c"],
        libraries: &["-ladvapi32"],
        ..PEER
    },
];

/// The peer on Qt for Windows, which loads that from a folder beside itself.
pub(crate) const QT_PEER: Recipe = Recipe {
    name: "qt-windows.exe",
    sources: &["windows/qt.cpp"],
    headers: &["windows/qt_library.h", "windows/qt_values.h"],
    ..PEER
};

/// What Wine 8 lacks and every program of Rust's asks for.
pub(crate) const MISSING_DLL: &str = "bcryptprimitives.dll";

/// `build` or `test`, as a task of its own.
pub(crate) fn run(repository: &Repository, what: &str, may_install: bool) -> Result<(), String> {
    let mut steps = Steps::new(repository.strict);
    let outcome = match what {
        _ if cfg!(windows) => on_windows::run(repository, what, &mut steps),
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
        tools.build_qt_peer(may_install)
    })
}

/// Builds, and runs the suites.
pub(crate) fn test(repository: &Repository, may_install: bool, steps: &mut Steps) -> Result<(), String> {
    build(repository, may_install, steps)?;
    steps.step("Windows: lints", || {
        let Some(tools) = Tools::find(repository) else { return Ok(Done::Skipped(missing(repository))) };
        SYSTEM
            .lint(tools.0, |clippy| {
                add_targets(clippy.args(["--profile", "test", "-p", "xtask"]));
                add_examples(clippy);
            })
            .map(|()| Done::Passed)
    })?;
    steps.step("Windows: the suites, by Wine", || {
        let Some(tools) = Tools::find(repository) else { return Ok(Done::Skipped(missing(repository))) };
        run_within(&mut tools.examples(), TO_BUILD)?;
        run_within(tools.tests().arg("--no-run"), TO_BUILD)?;
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
        cookbook::make_folder(&peers)?;
        for recipe in PEERS.iter().chain(&cookbook::FOR_WINDOWS) {
            recipe.build(self.0, &peers)?;
        }
        run_within(SYSTEM.cargo(self.0, "build").args(["--release", "-p", "cenote-cli"]), TO_BUILD)?;
        let folder = self.0.target.join(SYSTEM.target).join("release");
        copy(&peers.join(MISSING_DLL), &folder.join(MISSING_DLL))?;
        println!("made {}", folder.join("cenote.exe").display());
        println!("     {MISSING_DLL} beside it, for Wine before version 9; Windows has its own");
        Ok(())
    }

    /// The peer on Qt, if there is a Qt for it.
    fn build_qt_peer(&self, may_install: bool) -> Outcome {
        let peers = peers::folder(self.0);
        match qt_for_windows::install(self.0, &peers, may_install)? {
            Pyside::Ready => QT_PEER.build(self.0, &peers).map(|()| Done::Passed),
            Pyside::Missing(what) => {
                // One that an earlier run put there would run on another version.
                let _ = fs::remove_file(peers.join(QT_PEER.name));
                Ok(Done::Skipped(format!("the suites with {} (needs {what})", QT_PEER.name)))
            }
        }
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
        let mut tests = SYSTEM.cargo(self.0, "test");
        add_targets(tests.arg("--no-fail-fast"));
        tests
    }

    /// Ours of the cookbook, as the tests look for them.
    fn examples(&self) -> Command {
        let mut examples = SYSTEM.cargo(self.0, "build");
        add_examples(examples.args(PACKAGES));
        examples
    }
}

/// All that is for Windows. The other suites are for Linux, and do not compile there.
pub(crate) fn add_targets(cargo: &mut Command) {
    cargo.args(PACKAGES).args(["--lib", "--bins"]);
    cargo.args(SUITES.iter().flat_map(|suite| ["--test", suite]));
}

/// Ours of the cookbook, which the tests start.
pub(crate) fn add_examples(cargo: &mut Command) {
    cargo.args(cookbook::EXAMPLES_FOR_WINDOWS.iter().flat_map(|recipe| ["--example", recipe]));
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
    missing.extend(second_rust::missing());
    missing
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    match fs::copy(from, to) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("copying {} to {}: {error}", from.display(), to.display())),
    }
}

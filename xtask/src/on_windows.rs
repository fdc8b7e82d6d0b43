//! `cargo xtask windows build | test` on Windows itself: no second Rust, no Wine, no packages. The toolchain at hand
//! builds, and MinGW's compilers make the peers.

use std::fs;

use crate::peers::{self, Recipe};
use crate::pyside::Pyside;
use crate::repository::{Repository, is_installed, run as run_command, run_within};
use crate::second_rust::TO_BUILD;
use crate::steps::{Done, Outcome, Steps};
use crate::test::with_component;
use crate::windows::{MISSING_DLL, PEERS, QT_PEER, add_examples, add_targets};
use crate::{cookbook, leaks, qt_for_windows};

pub(crate) fn run(repository: &Repository, what: &str, steps: &mut Steps) -> Result<(), String> {
    steps.step("the peers", || build_peers(repository))?;
    steps.step("the command", || {
        run_command(repository.cargo().args(["build", "--release", "-p", "cenote-cli"]))
            .map(|()| Done::Passed)
    })?;
    if what != "test" {
        return Ok(());
    }
    steps.step("lints", || {
        with_component(repository, "clippy", "clippy is not part of this toolchain", |clippy| {
            add_targets(clippy.args(["--profile", "test", "-p", "xtask"]));
            add_examples(clippy);
            clippy.args(["--", "-D", "warnings"]);
        })
    })?;
    let before = leaks::snapshot();
    let tested = steps.step("the suites", || {
        let mut examples = repository.cargo();
        add_examples(examples.args(["build", "-p", "cenote", "--all-features"]));
        run_within(&mut examples, TO_BUILD)?;
        let mut tests = repository.cargo();
        add_targets(tests.args(["test", "--no-fail-fast"]).env("CENOTE_PEERS", peers::folder(repository)));
        if repository.strict {
            tests.env("CENOTE_REQUIRE_PEERS", "1");
        }
        run_within(&mut tests, TO_BUILD).map(|()| Done::Passed)
    });
    tested.and(steps.step("nothing left behind", || leaks::check(&before)))
}

/// All but what only Wine lacks.
fn build_peers(repository: &Repository) -> Outcome {
    let folder = peers::folder(repository);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut skipped = Vec::new();
    cookbook::make_folder(&folder)?;
    let all = PEERS.iter().chain(&cookbook::FOR_WINDOWS);
    for recipe in all.filter(|recipe| recipe.name != MISSING_DLL) {
        let recipe = Recipe { compiler: compiler_here(recipe.compiler), ..*recipe };
        match recipe.missing_tool(repository) {
            Some(tool) => skipped.push(format!("{} (needs {tool})", recipe.name)),
            None => recipe.build(repository, &folder)?,
        }
    }
    match qt_for_windows::install(repository, &folder, true)? {
        Pyside::Ready if is_installed(compiler_here(QT_PEER.compiler)) => {
            Recipe { compiler: compiler_here(QT_PEER.compiler), ..QT_PEER }.build(repository, &folder)?;
        }
        Pyside::Ready => skipped.push(format!("{} (needs {})", QT_PEER.name, QT_PEER.compiler)),
        Pyside::Missing(what) => skipped.push(format!("{} (needs {what})", QT_PEER.name)),
    }
    if skipped.is_empty() {
        Ok(Done::Passed)
    } else {
        Ok(Done::Skipped(format!("the suites with {}", skipped.join(", "))))
    }
}

/// Where it is at home, MinGW may have no need of a name that says for which system it compiles.
fn compiler_here(name: &'static str) -> &'static str {
    match name.rsplit('-').next() {
        Some(short) if !is_installed(name) => short,
        _ => name,
    }
}

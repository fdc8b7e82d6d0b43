//! `cargo xtask test`: everything that must hold before a change is taken.

use std::env;
use std::process::Command;

use crate::repository::{Repository, run as run_command};
use crate::steps::{Done, Outcome, Steps};
use crate::{cross, dist, install, leaks, limits, peers, soak, tidy, windows};

/// Runs all steps; the first that fails stops the task. `may_install` allows installing packages, and `native` leaves
/// out the other systems and processors.
pub(crate) fn run(repository: &Repository, may_install: bool, native: bool) -> Result<(), String> {
    let before = leaks::snapshot();
    let mut steps = Steps::new(repository.strict);
    let outcome = run_steps(repository, may_install, &mut steps).and_then(|()| {
        if native {
            return steps.step("other systems", || Ok(Done::Skipped("--native leaves them out".to_owned())));
        }
        windows::test(repository, may_install, &mut steps)?;
        cross::test(repository, may_install, &mut steps)
    });
    // Also after a failure: what a broken test leaves behind is a second thing to mend.
    let clean = steps.step("nothing left behind", || leaks::check(&before));
    steps.print_summary();
    outcome.and(clean)?;
    println!("\nall passed");
    Ok(())
}

/// Makes what the tests talk to, and nothing else.
pub(crate) fn make_peers(repository: &Repository, may_install: bool) -> Result<(), String> {
    let mut steps = Steps::new(repository.strict);
    let outcome = peer_steps(repository, may_install, &mut steps);
    steps.print_summary();
    outcome
}

fn peer_steps(repository: &Repository, may_install: bool, steps: &mut Steps) -> Result<(), String> {
    steps
        .step("packages for the peers", || install::packages(repository, may_install, install::FOR_PEERS))?;
    steps.step("peers", || peers::build(repository, may_install))
}

fn run_steps(repository: &Repository, may_install: bool, steps: &mut Steps) -> Result<(), String> {
    peer_steps(repository, may_install, steps)?;
    steps.step("formatting", || {
        with_component(repository, "fmt", "rustfmt is not part of this toolchain", |fmt| {
            fmt.args(["--all", "--check"]);
        })
    })?;
    steps.step("lints", || {
        with_component(repository, "clippy", "clippy is not part of this toolchain", |clippy| {
            clippy.args(["--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]);
        })
    })?;
    steps.step("house rules", || tidy::run(repository).map(|()| Done::Passed))?;
    steps.step("tests", || {
        let mut tests = repository.cargo();
        tests.args(["test", "--workspace", "--all-features"]).env("CENOTE_PEERS", peers::folder(repository));
        if repository.strict {
            tests.env("CENOTE_REQUIRE_PEERS", "1");
        }
        passed(run_command(&mut tests))
    })?;
    steps.step("release build of the command", || {
        passed(run_command(repository.cargo().args(["build", "--release", "-p", "cenote-cli"])))
    })?;
    steps.step("copies, optimised as they ship", || {
        passed(run_command(repository.cargo().args(["test", "-p", "cenote", "--lib", "--release", "copy"])))
    })?;
    steps.step("a minute's soak", || passed(soak::run(repository, soak::A_MINUTE)))?;
    steps.step("models (loom)", || {
        let mut models = repository.cargo();
        models.args(["test", "-p", "cenote", "--lib", "--release", "loom", "--target-dir"]);
        models.arg(repository.target.join("loom")).env("RUSTFLAGS", with_flags("RUSTFLAGS", "--cfg loom"));
        passed(run_command(&mut models))
    })?;
    steps.step("documentation", || {
        let mut doc = repository.cargo();
        doc.args(["doc", "--no-deps", "--workspace", "--all-features"]);
        doc.env("RUSTDOCFLAGS", with_flags("RUSTDOCFLAGS", "-D warnings"));
        passed(run_command(&mut doc))
    })?;
    steps.step("limits", || limits::check(repository))?;
    steps.step("distribution", || passed(dist::run(repository)))
}

/// Runs `cargo NAME`, a component that not every toolchain has. Asking for its version never fetches it.
pub(crate) fn with_component(
    repository: &Repository,
    name: &str,
    missing: &str,
    add_arguments: impl FnOnce(&mut Command),
) -> Outcome {
    let asked = repository.cargo().args([name, "--version"]).output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        return Ok(Done::Skipped(missing.to_owned()));
    }
    let mut cargo = repository.cargo();
    add_arguments(cargo.arg(name));
    passed(run_command(&mut cargo))
}

fn passed(result: Result<(), String>) -> Outcome {
    result.map(|()| Done::Passed)
}

/// What the variable `name` holds already, and `flags` after it.
pub(crate) fn with_flags(name: &str, flags: &str) -> String {
    let before = env::var(name).unwrap_or_default();
    format!("{before} {flags}").trim().to_owned()
}

//! `cargo xtask cross`: another processor and another system, without leaving this one. What is built for Linux on
//! aarch64 is run by QEMU; for macOS the library is checked.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::repository::{Repository, is_installed, run_within};
use crate::second_rust::{self, System, TO_BUILD};
use crate::steps::{Done, Outcome, Steps};
use crate::{install, peers};

const ARM: System = System { target: "aarch64-unknown-linux-gnu", standard_library: "std,panic_unwind,test" };
const MACOS: System = System { target: "aarch64-apple-darwin", standard_library: "std,panic_abort" };

const LINKER: &str = "aarch64-linux-gnu-gcc";
const RUNNER: &str = "qemu-aarch64";
/// Where its C library lies, which the emulated programs load.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// The suites that say as much there as on the processor at hand. Left out are those of the command, whose tests start
/// the program itself; of the errors, which change users, mounts and memory limits around a child; `hostile`, which
/// wants thousands of attacks in a time that emulation has not; and `memfd`, since QEMU leaves descriptors open for which
/// a message has no room.
const SUITES: [&str; 3] = ["conformance", "fork_alone", "qt_native"];
/// They take some minutes; QEMU is about ten times slower than the processor.
const PATIENCE: Duration = Duration::from_secs(1800);

/// As a task of its own.
pub(crate) fn run(repository: &Repository, may_install: bool) -> Result<(), String> {
    let mut steps = Steps::new(repository.strict);
    let outcome = test(repository, may_install, &mut steps);
    steps.print_summary();
    outcome
}

pub(crate) fn test(repository: &Repository, may_install: bool, steps: &mut Steps) -> Result<(), String> {
    steps.step("packages for aarch64 and macOS", || {
        install::packages(repository, may_install, install::FOR_CROSS)
    })?;
    steps.step("aarch64: the command", || {
        if_there(&missing_for_arm(), || {
            run_within(arm(repository, "build").args(["-p", "cenote-cli"]), TO_BUILD)
        })
    })?;
    steps.step("aarch64: the suites, by QEMU", || if_there(&missing_for_arm(), || run_suites(repository)))?;
    steps.step("macOS: the library", || if_there(&second_rust::missing(), || lint_for_macos(repository)))
}

fn run_suites(repository: &Repository) -> Result<(), String> {
    let build = |what: &[&str]| run_within(arm(repository, "test").args(what).arg("--no-run"), TO_BUILD);
    let run = |what: &[&str], more: &[&str]| {
        let mut tests = arm(repository, "test");
        // The peers are for the processor at hand, and run beside the emulated programs.
        tests.env("CENOTE_PEERS", peers::folder(repository)).args(what).args(more);
        if repository.strict {
            tests.env("CENOTE_REQUIRE_PEERS", "1");
        }
        run_within(&mut tests, PATIENCE)
    };
    let libraries = ["-p", "cenote", "-p", "testkit", "--all-features", "--lib", "--no-fail-fast"];
    let mut suites = vec!["-p", "cenote", "--all-features", "--no-fail-fast"];
    suites.extend(SUITES.iter().flat_map(|suite| ["--test", suite]));
    build(&libraries)?;
    build(&suites)?;
    run(&libraries, &[])?;
    // One after the other: QEMU forks where a processor would not copy the parent, so that a child which another test
    // is just starting has all System V segments attached for a moment, and they are counted.
    run(&suites, &["--", "--test-threads=1"])
}

/// Not the tests, which know no more than Linux and Windows.
fn lint_for_macos(repository: &Repository) -> Result<(), String> {
    MACOS.lint(repository, |clippy| {
        clippy.args(["-p", "cenote", "-p", "xtask", "--lib", "--bins", "--all-features"]);
    })
}

/// `cargo WHAT`, which finds linker, emulator and C library.
fn arm(repository: &Repository, what: &str) -> Command {
    let mut cargo = ARM.cargo(repository, what);
    cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER);
    cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", RUNNER);
    // For the processes that a test starts.
    cargo.env("CENOTE_TEST_RUNNER", RUNNER).env("QEMU_LD_PREFIX", LIBRARIES);
    cargo
}

fn if_there(missing: &[String], work: impl FnOnce() -> Result<(), String>) -> Outcome {
    if missing.is_empty() {
        work().map(|()| Done::Passed)
    } else {
        Ok(Done::Skipped(format!("this needs {}", missing.join(", "))))
    }
}

fn missing_for_arm() -> Vec<String> {
    let tools = [LINKER, RUNNER].into_iter().filter(|tool| !is_installed(tool)).map(String::from);
    let mut missing: Vec<String> = tools.collect();
    let loader = format!("{LIBRARIES}/lib/ld-linux-aarch64.so.1");
    if !Path::new(&loader).exists() {
        missing.push(loader);
    }
    missing.extend(second_rust::missing());
    missing
}

//! The repository's own commands: `cargo xtask test`, `peers`, `tidy`, `soak`, `dist`, `windows`, `cross` and `bench`.
//!
//! Standard library only, so that they build in a moment on a fresh machine.

mod bench;
mod cookbook;
mod cross;
mod dist;
mod iceoryx2;
mod install;
mod leaks;
mod limits;
mod on_windows;
mod peers;
mod pyside;
mod qt_for_windows;
mod repository;
mod second_rust;
mod soak;
mod steps;
mod test;
mod tidy;
mod windows;

use std::process::ExitCode;

use repository::Repository;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--native] [--no-install]
                        everything that must hold before a change is taken: the peers' packages,
                        formatting, lints, the house's rules, all suites, a minute's soak, models,
                        documentation, limits, `windows test`, `cross`, and nothing left behind. --native leaves
                        the last two out. CI=true makes every skip a failure.
  peers [--no-install]  the peers alone, with what they need: then `cargo test` finds them
  tidy                  the house's rules alone
  soak [--time TIME]    channels in use all the time, for 90s, 10m or 1h (1m unless said otherwise), while
                        some of those who use them are killed: what comes is compared with what was sent,
                        and the memory with what it was
  dist                  the command as one file to give away, in target/dist, with its SHA-256 beside
                        it: static, by musl where that target is installed, else by glibc
  windows build [--no-install]
                        the command for Windows, built on Linux, and the programs that it meets there
  windows test [--no-install]
                        that, the lints and the suites for Windows, run by Wine; on Windows itself,
                        natively
  cross [--no-install]  the command and suites for Linux on aarch64, run by QEMU, and the library's
                        lints for macOS
  bench [--quick] [--only TEST] [--contender NAME] [--charts] [--list]
                        Cenote's peers side by side, on Linux: ratios as tables, and in target/bench a
                        report as JSON and charts; --charts renews those of docs/performance.md
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let repository = Repository::here();
    let outcome = match words[..] {
        ["test"] => test::run(&repository, true, false),
        ["test", "--no-install"] => test::run(&repository, false, false),
        ["test", "--native"] => test::run(&repository, true, true),
        ["test", "--native", "--no-install"] => test::run(&repository, false, true),
        ["peers"] => test::make_peers(&repository, true),
        ["peers", "--no-install"] => test::make_peers(&repository, false),
        ["tidy"] => tidy::run(&repository),
        ["soak"] => soak::run(&repository, soak::A_MINUTE),
        ["soak", "--time", time] => soak::parse(time).and_then(|time| soak::run(&repository, time)),
        ["dist"] => dist::run(&repository),
        ["cross"] => cross::run(&repository, true),
        ["cross", "--no-install"] => cross::run(&repository, false),
        ["windows", what @ ("build" | "test")] => windows::run(&repository, what, true),
        ["windows", what @ ("build" | "test"), "--no-install"] => windows::run(&repository, what, false),
        ["bench", ref options @ ..] => bench::run(&repository, options),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask bench`: Cenote and its peers side by side, in tables of ratios and in `target/bench`.
//!
//! The program is `bench/`, a workspace of its own; it is built as a user would build, and knows its own options.

use crate::repository::{Repository, run as run_command};

/// Goes into the documents instead of `target/bench/charts`.
const PUBLISH: &str = "--charts";

pub(crate) fn run(repository: &Repository, options: &[&str]) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("the benchmarks run on Linux, with its mechanisms and its clocks".to_owned());
    }
    let folder = repository.target.join("bench");
    let build = folder.join("build");
    let mut cargo = repository.cargo();
    cargo.args(["build", "--release", "--locked", "--quiet", "--manifest-path", "bench/Cargo.toml"]);
    run_command(cargo.arg("--target-dir").arg(&build))?;

    let publish = options.contains(&PUBLISH);
    let charts = if publish { repository.root.join("docs/performance") } else { folder.join("charts") };
    let mut bench = repository.command(build.join("release/cenote-bench"));
    bench.args(options.iter().filter(|&&option| option != PUBLISH));
    let asks = options.iter().any(|option| ["--list", "--help", "-h"].contains(option));
    if !asks {
        bench.arg("--report").arg(folder.join("report.json")).arg("--charts").arg(&charts);
    }
    run_command(&mut bench)?;
    if !asks {
        println!("\nmade {}", folder.join("report.json").display());
        println!("     {}", charts.display());
    }
    Ok(())
}

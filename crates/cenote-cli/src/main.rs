//! The `cenote` command: shared memory from the shell.
//!
//! Each command has its file under `commands/`, with its options and what it does; what it prints is made under
//! `output/`. Whatever fails becomes a [`failure::Failure`] and ends here, as two lines and an exit code.

mod access;
mod args;
mod commands;
mod deadline;
mod demo;
mod failure;
mod help;
mod hold;
mod numbers;
mod output;
mod platform;
mod usage;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return usage::answer(&answer),
    };
    commands::run(&cli).unwrap_or_else(|failure| failure.report())
}

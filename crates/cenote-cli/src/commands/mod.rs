//! One file for each command: its options, and what it does.

pub(crate) mod channel;
pub(crate) mod completions;
pub(crate) mod create;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod image;
pub(crate) mod lock;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod read;
pub(crate) mod reap;
pub(crate) mod rm;
pub(crate) mod show;
mod snapshot;
pub(crate) mod write;

use std::process::ExitCode;

use crate::access::Context;
use crate::args::{Cli, Command};
use crate::demo;
use crate::failure::Failure;

/// Does what the command line asks for.
pub(crate) fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    let context = Context::new(&cli.global);
    match &cli.command {
        Command::Ls(args) => ls::run(args, &context),
        Command::Show(args) => show::run(args, &context),
        Command::Create(args) => create::run(args, &context),
        Command::Write(args) => write::run(args, &context),
        Command::Read(args) => read::run(args, &context),
        Command::Image(args) => image::run(args, &context),
        Command::Send(args) => channel::send::run(args, &context),
        Command::Recv(args) => channel::recv::run(args, &context),
        Command::Publish(args) => channel::publish::run(args, &context),
        Command::Subscribe(args) => channel::subscribe::run(args, &context),
        Command::Export(args) => export::run(args, &context),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args, &context),
        // These have an exit code of their own.
        Command::Lock(args) => return lock::run(args, &context),
        Command::Rm(args) => return rm::run(args, &context),
        Command::Reap(args) => return reap::run(args, &context),
        Command::Doctor(args) => return doctor::run(args, &context),
        Command::Demo(args) => return demo::run(args),
        Command::DemoRole(args) => return demo::role(args),
    }
    .map(|()| ExitCode::SUCCESS)
}

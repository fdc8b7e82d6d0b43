//! The command line: the commands, and the options that mean the same everywhere.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::{commands, demo, help, numbers};

const EVERYWHERE: &str = "Options of every command";

/// Shared memory made comfortable: create, write, read, lock, list and remove segments of every kind.
#[derive(Parser)]
#[command(name = "cenote", version, long_about = help::ABOUT, after_long_help = help::ADDRESSES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(clap::Args)]
pub(crate) struct Global {
    /// Wait no longer than this, for locks and for messages: 5s, 200ms, 2m, or a number of seconds; exit code 3 when it has passed
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "TIME", value_parser = numbers::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print the result as JSON
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
    /// Say nothing but results, warnings and errors
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub(crate) quiet: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Ls(commands::ls::Args),
    Show(commands::show::Args),
    Create(commands::create::Args),
    Write(commands::write::Args),
    Read(commands::read::Args),
    Image(commands::image::Args),
    Lock(commands::lock::Args),
    Send(commands::channel::send::Args),
    Recv(commands::channel::recv::Args),
    #[command(name = "pub")]
    Publish(commands::channel::publish::Args),
    #[command(name = "sub")]
    Subscribe(commands::channel::subscribe::Args),
    Rm(commands::rm::Args),
    Reap(commands::reap::Args),
    Doctor(commands::doctor::Args),
    Export(commands::export::Args),
    Demo(demo::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
    /// One of the processes that `cenote demo` starts.
    #[command(hide = true)]
    DemoRole(demo::RoleArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}

//! `cenote completions`: what lets a shell complete the command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;
use crate::help;
use crate::output::Sink;

/// Print a script that lets a shell complete this command
#[derive(clap::Args)]
#[command(long_about = help::COMPLETIONS, after_long_help = help::COMPLETIONS_EXAMPLES)]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cenote", &mut script);
    let mut sink = Sink::open(None)?;
    sink.write(&script)?;
    sink.finish()
}

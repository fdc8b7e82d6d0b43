//! `cenote man`: the manual pages, made from what `--help` says.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::access::Context;
use crate::args::Cli;
use crate::failure::Failure;
use crate::help;
use crate::output::Sink;

/// Print a manual page, or write all of them
#[derive(clap::Args)]
#[command(long_about = help::MAN, after_long_help = help::MAN_EXAMPLES)]
pub(crate) struct Args {
    /// Of which command, as in `image put`; without one, of cenote itself
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Vec<String>,
    /// Write the pages of all commands into this folder, which is made if it is missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    // `cenote help` has a page of its own for nothing: it shows these.
    let mut cenote = Cli::command().disable_help_subcommand(true);
    cenote.build();
    if let Some(folder) = &args.out {
        let written = fs::create_dir_all(folder).and_then(|()| write_all(&cenote, folder));
        let count = written.map_err(|error| {
            let what = format!("cannot write the pages to {}", folder.display());
            Failure::io(what, &error, "check the path, its permissions and the space there")
        })?;
        return context.done(&format!("wrote {count} pages to {}", folder.display()));
    }
    let command = find(&cenote, &args.command)?;
    let mut sink = Sink::open(None)?;
    sink.write(&page(command).map_err(|error| Failure::stdout(&error))?)?;
    sink.finish()
}

fn find<'a>(cenote: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    words.iter().try_fold(cenote, |command, word| {
        command.get_subcommands().find(|sub| !sub.is_hide_set() && sub.get_name() == word).ok_or_else(|| {
            Failure::usage(
                format!("there is no command `{}`", words.join(" ")),
                "`cenote help` lists the commands",
            )
        })
    })
}

/// The page of the command and those of all below it; gives their number.
fn write_all(command: &Command, folder: &Path) -> io::Result<usize> {
    let mut count = 1;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        count += write_all(sub, folder)?;
    }
    fs::write(folder.join(man(command).get_filename()), page(command)?)?;
    Ok(count)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man(command).render(&mut page)?;
    Ok(page)
}

fn man(command: &Command) -> Man {
    Man::new(command.clone()).source(concat!("cenote ", env!("CARGO_PKG_VERSION"))).manual("Cenote")
}

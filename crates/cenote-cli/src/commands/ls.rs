//! `cenote ls`: every segment of the machine.

use cenote::catalog::{self, Entry};
use cenote::value::Content;
use cenote::{Error, Kind};

use crate::access::Context;
use crate::failure::{Failure, notice};
use crate::output::{self, Align, EntryJson, Sink, Table, human, octal};
use crate::{help, platform};

/// List the segments on this machine, and who holds them
#[derive(clap::Args)]
#[command(long_about = help::LS, after_long_help = help::LS_EXAMPLES)]
pub(crate) struct Args {
    /// Only those of one kind: cenote, posix, sysv or qt, on Windows windows or qt; a colon may follow
    #[arg(value_name = "KIND:", value_parser = kind)]
    kind: Option<Kind>,
}

fn kind(text: &str) -> Result<Kind, Error> {
    text.strip_suffix(':').unwrap_or(text).parse()
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(kind) = args.kind {
        check(kind)?;
    }
    let entries = catalog::list(args.kind)?;
    if context.json {
        return output::print_json(&entries.iter().map(EntryJson::from).collect::<Vec<_>>());
    }
    if entries.is_empty() {
        notice(context.quiet, "no segments");
        return Ok(());
    }
    let mut sink = Sink::open(None)?;
    sink.write(table(&entries).to_text("").as_bytes())?;
    sink.finish()
}

/// An empty list would say that there are none.
fn check(kind: Kind) -> Result<(), Failure> {
    let (what, hint) = match kind {
        Kind::Cenote | Kind::Posix | Kind::Sysv | Kind::Qt | Kind::Windows => return Ok(()),
        Kind::Memfd => ("it has no names", platform::ANONYMOUS_MEMORY_HINT),
        Kind::File => ("mapped files may lie anywhere", "`cenote show file:/path` looks at one"),
        _ => (
            "this version does not list them",
            "cenote:, posix:, sysv:, windows: and qt: are the kinds it lists",
        ),
    };
    Err(Failure::new(format!("cannot list {kind}: segments: {what}"), hint))
}

fn table(entries: &[Entry]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("ADDRESS", Left),
        ("SIZE", Right),
        ("OWNER", Left),
        ("MODE", Left),
        ("HOLDERS", Right),
        ("VERDICT", Left),
        ("CONTENTS", Left),
    ]);
    for entry in entries {
        let stat = &entry.stat;
        // The kernel may count more than can be seen from here.
        let holders = stat.attached.unwrap_or(0).max(entry.holders.len() as u64);
        let owner = entry.owner.clone().or_else(|| stat.uid.map(|uid| uid.to_string()));
        let unknown = || "-".to_owned();
        table.row([
            entry.address.to_string(),
            human(stat.size),
            owner.unwrap_or_else(unknown),
            stat.mode.map_or_else(unknown, octal),
            holders.to_string(),
            entry.verdict.to_string(),
            entry.content.as_ref().map_or_else(unknown, in_short),
        ]);
    }
    table
}

/// What is in it, and of what type.
fn in_short(content: &Content) -> String {
    match content {
        Content::Value { type_name, .. } => format!("value {type_name}"),
        content => content.as_str().to_owned(),
    }
}

//! `cenote ls`: every segment of the machine.

use cenote::catalog::{self, Entry, Other};
use cenote::value::Content;
use cenote::{Error, Kind};
use serde::Serialize;

use crate::access::Context;
use crate::failure::{Failure, notice};
use crate::output::{self, Align, EntryJson, OtherJson, Sink, Table, human, octal};
use crate::{help, platform};

/// List the segments on this machine, and who holds them
#[derive(clap::Args)]
#[command(long_about = help::LS, after_long_help = help::LS_EXAMPLES)]
pub(crate) struct Args {
    /// Only those of one kind: cenote, posix, sysv, qt, memfd or file, on Windows windows or qt; a colon may follow
    #[arg(value_name = "KIND:", value_parser = kind)]
    kind: Option<Kind>,
    /// What lies beside the segments too: POSIX semaphores, System V's semaphore sets and message queues
    #[arg(long, conflicts_with = "kind")]
    all: bool,
}

fn kind(text: &str) -> Result<Kind, Error> {
    text.strip_suffix(':').unwrap_or(text).parse()
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    if let Some(kind) = args.kind {
        check(kind)?;
    }
    let entries = catalog::list(args.kind)?;
    let others = if args.all { catalog::others()? } else { Vec::new() };
    if context.json {
        let rows = entries.iter().map(|entry| Row::Segment(Box::new(entry.into())));
        let others = others.iter().map(OtherJson::from).map(Row::Other);
        return output::print_json(&rows.chain(others).collect::<Vec<_>>());
    }
    if entries.is_empty() && others.is_empty() {
        notice(context.quiet, "no segments");
        return Ok(());
    }
    let mut sink = Sink::open(None)?;
    if !entries.is_empty() {
        sink.write(table(&entries).to_text("").as_bytes())?;
    }
    if !others.is_empty() {
        let between = if entries.is_empty() { "" } else { "\n" };
        sink.write(between.as_bytes())?;
        sink.write(others_table(&others).to_text("").as_bytes())?;
    }
    sink.finish()
}

/// What lies beside the segments follows them, and its `kind` says what it is.
#[derive(Serialize)]
#[serde(untagged)]
enum Row {
    Segment(Box<EntryJson>),
    Other(OtherJson),
}

/// An empty list would say that there are none.
fn check(kind: Kind) -> Result<(), Failure> {
    let (what, hint) = match kind {
        Kind::Cenote | Kind::Posix | Kind::Sysv | Kind::Qt | Kind::Windows => return Ok(()),
        Kind::Memfd | Kind::File if platform::LISTS_MEMORY_WITHOUT_NAMES => return Ok(()),
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
        ("MEMORY", Right),
        ("OWNER", Left),
        ("MODE", Left),
        ("HOLDERS", Right),
        ("VERDICT", Left),
        ("MAKER", Left),
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
            entry.memory.map_or_else(unknown, human),
            owner.unwrap_or_else(unknown),
            stat.mode.map_or_else(unknown, octal),
            holders.to_string(),
            entry.verdict.to_string(),
            entry.maker.or(entry.label.as_deref()).unwrap_or("-").to_owned(),
            entry.content.as_ref().map_or_else(unknown, in_short),
        ]);
    }
    table
}

fn others_table(others: &[Other]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("KIND", Left),
        ("NAME", Left),
        ("ID", Right),
        ("OWNER", Left),
        ("MODE", Left),
        ("USERS", Right),
        ("VERDICT", Left),
        ("MAKER", Left),
    ]);
    for other in others {
        table.row([
            other.kind.to_string(),
            other.name.clone(),
            other.id.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            other.owner.clone().unwrap_or_else(|| other.uid.to_string()),
            octal(other.mode),
            other.users.len().to_string(),
            other.verdict.to_string(),
            other.maker.unwrap_or("-").to_owned(),
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

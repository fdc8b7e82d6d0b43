//! `cenote ls`: every segment of the machine, or those that are asked for, once or again and again.

mod choice;
mod tables;
mod watch;

use std::time::Duration;

use cenote::Kind;
use cenote::catalog::{self, Entry, Other, Pattern};
use serde::Serialize;

use crate::access::Context;
use crate::failure::{Failure, notice};
use crate::output::{self, EntryJson, OtherJson, Sink};
use crate::{help, numbers, platform};
use choice::Choice;

/// List the segments on this machine, and who holds them
#[derive(clap::Args)]
#[command(long_about = help::LS, after_long_help = help::LS_EXAMPLES)]
pub(crate) struct Args {
    /// Only what is so called: a kind (posix:), or an address with * and ? (posix:psm_*), as for `cenote reap`
    #[arg(value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    /// What lies beside the segments too: POSIX semaphores, System V's semaphore sets and message queues
    #[arg(long, conflicts_with = "patterns")]
    all: bool,
    #[command(flatten)]
    choice: Choice,
    /// List again and again until Ctrl-C, every 2 seconds if nothing else is said
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = numbers::duration)]
    watch: Option<Duration>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    for pattern in &args.patterns {
        check(pattern.kind())?;
    }
    if let Some(every) = args.watch {
        return watch::run(args, every, context);
    }
    let found = Found::look(args)?;
    if context.json {
        return output::print_json(&found.rows());
    }
    if found.is_empty() {
        notice(context.quiet, "no segments");
        return Ok(());
    }
    let mut sink = Sink::open(None)?;
    sink.write(found.text().as_bytes())?;
    sink.finish()
}

/// What there is of what was asked for.
struct Found {
    entries: Vec<Entry>,
    others: Vec<Other>,
}

impl Found {
    fn look(args: &Args) -> Result<Self, Failure> {
        let entries = args.choice.of(entries(&args.patterns)?);
        let others = if args.all { args.choice.of_others(catalog::others()?) } else { Vec::new() };
        Ok(Self { entries, others })
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.others.is_empty()
    }

    fn rows(&self) -> Vec<Row> {
        let rows = self.entries.iter().map(|entry| Row::Segment(Box::new(entry.into())));
        rows.chain(self.others.iter().map(OtherJson::from).map(Row::Other)).collect()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if !self.entries.is_empty() {
            text.push_str(&tables::segments(&self.entries).to_text(""));
        }
        if !self.others.is_empty() {
            text.push_str(if self.entries.is_empty() { "" } else { "\n" });
            text.push_str(&tables::others(&self.others).to_text(""));
        }
        text
    }
}

/// Of each kind that is asked for, what fits.
fn entries(patterns: &[Pattern]) -> Result<Vec<Entry>, Failure> {
    if patterns.is_empty() {
        return Ok(catalog::list(None)?);
    }
    let mut kinds: Vec<Kind> = Vec::new();
    let mut entries = Vec::new();
    for kind in patterns.iter().map(Pattern::kind) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
            entries.extend(catalog::list(Some(kind))?);
        }
    }
    entries.retain(|entry| patterns.iter().any(|pattern| pattern.fits(&entry.address)));
    Ok(entries)
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

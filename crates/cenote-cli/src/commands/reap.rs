//! `cenote reap`: removes what is stale, and nothing else.

use std::process::ExitCode;
use std::time::Duration;

use cenote::catalog::{OtherKind, Outcome, Reap, Reaped};
use serde::Serialize;

use crate::access::Context;
use crate::failure::{Failure, notice};
use crate::output::{self, human};
use crate::{help, numbers};

/// Something stale could not be removed.
const NOT_ALL: u8 = 1;

/// Remove segments that are proven stale, and say why
#[derive(clap::Args)]
#[command(long_about = help::REAP, after_long_help = help::REAP_EXAMPLES)]
pub(crate) struct Args {
    /// Only what is so called: a kind (posix:), or an address with * and ? (posix:psm_*); native segments without it
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Only what nobody has used for so long: 30s, 10m, 1d; 1m without it, and 0s for native segments
    #[arg(long, value_name = "TIME", value_parser = numbers::duration)]
    older: Option<Duration>,
    /// Native segments too that are made to be kept, if nobody holds them
    #[arg(long, requires = "older")]
    kept: bool,
}

/// What became of one.
#[derive(Serialize)]
struct ReapedJson {
    address: String,
    /// As in `ls`: the kind of segment, or `semaphore`, `semaphore-set`, `message-queue`.
    kind: String,
    size: u64,
    verdict: &'static str,
    reason: String,
    /// `removed`, `would-remove`, `spared` or `failed`.
    outcome: &'static str,
    /// Why it was spared, or what failed.
    why: Option<String>,
    /// In bytes.
    freed: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut reap = Reap::new();
    for pattern in &args.patterns {
        reap = reap.matching(pattern).map_err(|error| Failure::usage(error.to_string(), error.hint()))?;
    }
    if let Some(older) = args.older {
        reap = reap.older(older);
    }
    if args.kept {
        reap = reap.kept();
    }
    if args.dry_run {
        reap = reap.dry_run();
    }
    if let Some(left) = context.deadline.left() {
        reap = reap.timeout(left);
    }
    let found = reap.run()?;
    let failed = found.iter().any(|one| matches!(one.outcome, Outcome::Failed(_)));
    if context.json {
        output::print_json(&found.iter().map(ReapedJson::from).collect::<Vec<_>>())?;
    } else {
        tell(&found, args.dry_run, context)?;
    }
    Ok(if failed { ExitCode::from(NOT_ALL) } else { ExitCode::SUCCESS })
}

fn tell(found: &[Reaped], dry_run: bool, context: &Context) -> Result<(), Failure> {
    // Nobody listening does not stop the others from being told.
    let mut told = Ok(());
    for one in found {
        let size = one.other.map_or_else(|| human(one.size), in_words);
        let address = &one.address;
        let line = match &one.outcome {
            Outcome::Removed => format!("removed {address}, {size}: {}", one.reason),
            Outcome::WouldRemove => format!("would remove {address}, {size}: {}", one.reason),
            Outcome::Spared(why) => {
                format!("spared {address}, {size}, {}: {why}; {}", one.verdict, one.reason)
            }
            Outcome::Failed(error) => {
                let _ = Failure::new(error.to_string(), error.hint()).report();
                continue;
            }
            _ => continue,
        };
        told = told.and_then(|()| context.done(&line));
    }
    told?;
    let gone = found.iter().filter(|one| matches!(one.outcome, Outcome::Removed | Outcome::WouldRemove));
    let (segments, semaphores): (Vec<&Reaped>, Vec<&Reaped>) = gone.partition(|one| one.other.is_none());
    let bytes = segments.iter().chain(&semaphores).map(|one| one.freed).sum();
    let words = if dry_run { "would free" } else { "freed" };
    let beside = match semaphores.len() {
        0 => String::new(),
        count => format!(" and {}", counted(count, "semaphore")),
    };
    notice(
        context.quiet,
        format!("{words} {} in {}{beside}", human(bytes), counted(segments.len(), "segment")),
    );
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What something is that is no segment.
fn in_words(other: OtherKind) -> String {
    format!("a {}", other.as_str().replace('-', " "))
}

impl From<&Reaped> for ReapedJson {
    fn from(one: &Reaped) -> Self {
        let (outcome, why) = match &one.outcome {
            Outcome::Removed => ("removed", None),
            Outcome::WouldRemove => ("would-remove", None),
            Outcome::Spared(why) => ("spared", Some(why.clone())),
            Outcome::Failed(error) => ("failed", Some(error.to_string())),
            _ => ("unknown", None),
        };
        Self {
            address: one.address.to_string(),
            kind: one.other.map_or_else(|| one.address.kind().to_string(), |other| other.to_string()),
            size: one.size,
            verdict: one.verdict.as_str(),
            reason: one.reason.clone(),
            outcome,
            why,
            freed: one.freed,
        }
    }
}

//! `cenote lock`: runs a command while holding the lock, in the manner of flock(1).

use std::ffi::OsString;
use std::process::ExitCode;

use cenote::{Address, Error, ErrorKind};

use crate::access::Context;
use crate::failure::{Failure, warn_of};
use crate::{child, help};

/// Run a command while holding a segment's lock
#[derive(clap::Args)]
#[command(long_about = help::LOCK, after_long_help = help::LOCK_EXAMPLES)]
pub(crate) struct Args {
    /// Whose lock; the segment must exist
    address: Address,
    /// Attach read-only. For posix: and file: the lock is then shared with others that do the same, and excludes
    /// writers; for sysv: and qt: it is exclusive all the same
    #[arg(long)]
    shared: bool,
    /// Lock with something else than the segment's own lock, as in `cenote read`
    #[arg(long, value_name = "ADDRESS")]
    lock_with: Option<Address>,
    /// Free a lock whose holder is stuck (native segments only)
    #[arg(long = "break", conflicts_with_all = ["command", "shared", "lock_with"])]
    break_it: bool,
    /// What to run
    #[arg(last = true, required_unless_present = "break_it")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let Some((program, arguments)) = args.command.split_first() else { return Err(not_breakable(args)) };
    let mut options = context.options(args.lock_with.as_ref(), false)?;
    if args.shared {
        options = options.read_only();
    }
    let segment = options.attach(&args.address).map_err(|error| attach_failure(error, args))?;
    let lock = context.lock(&segment)?;
    let code = child::run(program, arguments)?;
    // What happens to the lock now is worth knowing, but the status is the command's.
    warn_of(lock.unlock());
    warn_of(segment.detach());
    Ok(ExitCode::from(code))
}

fn attach_failure(error: Error, args: &Args) -> Failure {
    let denied = error.kind() == ErrorKind::PermissionDenied && !args.shared;
    let failure = Failure::from(error);
    if denied {
        return failure.with_hint("if you may read it, `--shared` locks it against writers");
    }
    failure
}

fn not_breakable(args: &Args) -> Failure {
    let (address, kind) = (&args.address, args.address.kind());
    Failure::new(
        format!(
            "cannot break the lock of {address}: the lock of a {kind} segment belongs to the kernel, which frees it \
             when its holder ends, and not before"
        ),
        format!("end its holder, which `cenote show {address}` names, and the lock is free"),
    )
}

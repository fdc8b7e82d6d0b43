//! `cenote lock`: runs a command while holding the lock, in the manner of flock(1).

use std::ffi::OsString;
use std::process::ExitCode;

use cenote::catalog;
use cenote::{Address, Error, ErrorKind};

use crate::access::Context;
use crate::failure::{Failure, notice, warn_of};
use crate::{help, platform};

/// Run a command while holding a segment's lock
#[derive(clap::Args)]
#[command(long_about = help::LOCK, after_long_help = help::LOCK_EXAMPLES)]
pub(crate) struct Args {
    /// Whose lock; the segment must exist
    address: Address,
    /// Attach read-only. For posix: and file: the lock is then shared with others that do the same, and excludes
    /// writers; for sysv: and qt: it is exclusive all the same; native segments have none for who only reads
    #[arg(long)]
    shared: bool,
    /// Lock with something else than the segment's own lock, as in `cenote read`
    #[arg(long, value_name = "ADDRESS")]
    lock_with: Option<Address>,
    /// Free a lock that its dead holder has left locked: that of a qt:posix: segment, or a POSIX named semaphore given
    /// with --lock-with; on Windows Qt's; or, with --force, a native one whose holder lives. Who may have it is named first, where the system tells
    #[arg(long = "break", conflicts_with_all = ["command", "shared"])]
    break_it: bool,
    /// Break it although a process that lives may have it
    #[arg(long, requires = "break_it", conflicts_with = "command")]
    force: bool,
    /// What to run
    #[arg(last = true, required_unless_present = "break_it")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let Some((program, arguments)) = args.command.split_first() else { return break_it(args, context) };
    let mut options = context.options(args.lock_with.as_ref(), false)?;
    if args.shared {
        options = options.read_only();
    }
    let segment = options.attach(&args.address).map_err(|error| attach_failure(error, args))?;
    let lock = context.lock(&segment)?;
    let status = platform::run(program, arguments)?;
    // What happens to the lock now is worth knowing, but the status is the command's.
    warn_of(lock.unlock());
    warn_of(segment.detach());
    Ok(platform::exit_code(status))
}

fn attach_failure(error: Error, args: &Args) -> Failure {
    let denied = error.kind() == ErrorKind::PermissionDenied && !args.shared;
    let failure = Failure::from(error);
    if denied {
        return failure.with_hint("if you may read it, `--shared` locks it against writers");
    }
    failure
}

/// Frees a lock whose holder is proven to be dead, or, by force, any that does not tell who has it.
fn break_it(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let (address, lock_with) = (&args.address, args.lock_with.as_ref());
    let options = context.options(lock_with, false)?;
    let name_users = || -> Result<usize, Failure> {
        let users = catalog::lock_users(address, lock_with)?.map_or_else(Vec::new, |found| found.users);
        for user in &users {
            let text = format!("it may be held by process {} of {} ({})", user.pid, user.user, user.command);
            notice(false, text);
        }
        Ok(users.len())
    };
    let broken = if args.force {
        name_users()?;
        options.break_lock_by_force(address)?
    } else {
        match options.break_lock(address) {
            Err(error) if error.kind() == ErrorKind::LockError => {
                return Err(may_live(address, name_users()?));
            }
            broken => broken?,
        }
    };
    if broken && !args.force {
        notice(context.quiet, "no process had it open: the kernel granted a lease on it");
    }
    let what = if broken { "broke" } else { "nobody has" };
    context.done(&format!("{what} the lock of {address}"))?;
    Ok(ExitCode::SUCCESS)
}

fn may_live(address: &Address, users: usize) -> Failure {
    let (what, hint) = match users {
        0 => {
            ("a process that cannot be seen may have it open, and hold it", platform::WHERE_USERS_ARE_UNSEEN)
        }
        1 => ("the process named above has it open, and may hold it", "end it"),
        _ => ("one of the processes named above may hold it", "end the one that holds it, if it lives"),
    };
    Failure::new(
        format!("did not break the lock of {address}: {what}"),
        format!(
            "{hint}; if you know that its holder is dead, and all the others only wait for it: `--force`"
        ),
    )
}

//! Attaching and locking, in the way that all commands do it.

use cenote::{Abandoned, Address, Error, ErrorKind, Guard, Kind, Options, Segment};

use crate::args::Global;
use crate::deadline::Deadline;
use crate::failure::{Failure, warn};
use crate::output;

/// Which lock to take.
#[derive(clap::Args)]
pub(crate) struct LockArgs {
    /// Lock with something else than the segment's own lock: a lock file (file:/path), a POSIX named semaphore
    /// (posix:/name), a System V semaphore set (sysv:KEY) or Qt's QSystemSemaphore (qt:KEY)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) lock_with: Option<Address>,
    /// Do not lock: what is read may be half-written, and what is written half-read
    #[arg(long, conflicts_with = "lock_with")]
    pub(crate) no_lock: bool,
}

/// What all commands share: how long to wait, and how to speak.
pub(crate) struct Context {
    pub(crate) deadline: Deadline,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        Self { deadline: Deadline::after(global.timeout), json: global.json, quiet: global.quiet }
    }

    /// Says what was done, where nothing else is asked for.
    pub(crate) fn done(&self, what: &str) -> Result<(), Failure> {
        if self.quiet || self.json { Ok(()) } else { output::line(output::escaped(what)) }
    }

    /// The options that follow from the command line's.
    ///
    /// Only a command that holds a segment removes it when it is the last to leave, where the kind's rules say so. All
    /// others come and go: of two that read somebody's leftover at once, the second must not remove it.
    pub(crate) fn options(&self, lock_with: Option<&Address>, holds: bool) -> Result<Options, Failure> {
        let mut options = if holds { Segment::options() } else { Segment::options().keep() };
        if let Some(left) = self.deadline.left() {
            options = options.timeout(left);
        }
        Ok(match lock_with {
            Some(lock) => options.lock_with(lock)?,
            None => options,
        })
    }

    /// Attaches for reading under the lock. A native segment's lies in it: whoever may take it attaches read-write.
    pub(crate) fn attach_to_read(&self, address: &Address, lock: &LockArgs) -> Result<Segment, Failure> {
        let options = self.options(lock.lock_with.as_ref(), false)?;
        if address.kind() == Kind::Cenote && lock.lock_with.is_none() && !lock.no_lock {
            match options.attach(address) {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                attached => return Ok(attached?),
            }
        }
        Ok(options.read_only().attach(address)?)
    }

    /// Takes the lock, and says if its last holder died with it.
    pub(crate) fn lock<'a>(&self, segment: &'a Segment) -> Result<Guard<'a>, Failure> {
        let guard = match self.deadline.left() {
            None => segment.lock(),
            Some(left) => segment.lock_timeout(left),
        };
        let guard = guard.map_err(lock_failure)?;
        if guard.abandoned() == Abandoned::Yes {
            warn(
                &format!("the last holder of the lock of {} died with it", segment.address()),
                "its data may be half-written: look at it before you trust it",
            );
        }
        Ok(guard)
    }
}

/// Where the lock is what stands in the way, there is a way without it.
fn lock_failure(error: Error) -> Failure {
    let way = "`--no-lock` goes without the lock, and then the data may be half-written";
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => format!("only who may write there can take the lock: {way}"),
        ErrorKind::LockError | ErrorKind::Unsupported if !error.hint().contains("--no-lock") => {
            format!("{}; {way}", error.hint())
        }
        _ => error.hint().to_owned(),
    };
    Failure::from(error).with_hint(hint)
}

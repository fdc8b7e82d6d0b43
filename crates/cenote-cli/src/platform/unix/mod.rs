//! Unix.

mod child;
mod demo;
mod signals;
mod traces;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::thread;
use std::time::Duration;

use cenote::Kind;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;
pub(crate) use child::run;
pub(crate) use demo::{GREETING_IS_READ_ONLY, WORDS, demo_addresses, temporary_directory};
use signals::Blocked;
pub(crate) use traces::Traces;

/// What cannot outlive the process that made it.
pub(crate) const GO_WITH_THEIR_MAKER: &[Kind] = &[Kind::Memfd];

/// Whether memory without a name can be listed.
pub(crate) const LISTS_MEMORY_WITHOUT_NAMES: bool = true;
/// How memory without a name is found.
pub(crate) const ANONYMOUS_MEMORY_HINT: &str =
    "`ls -l /proc/PID/fd` shows what a process has; `cenote show memfd:PID/FD` looks at one";

/// Whether terminals understand how to go back to the top and to clear what is below.
pub(crate) const TERMINALS_REDRAW: bool = true;

/// What helps where nobody can be seen who may hold a lock.
pub(crate) const WHERE_USERS_ARE_UNSEEN: &str = "try it as root, or as its owner";

/// What asks a command that holds something to end: Ctrl-C and its like.
pub(crate) struct Interrupts(Blocked);

impl Interrupts {
    /// From now on nothing of that sort ends this process.
    pub(crate) fn new(_input_is_read: bool) -> Result<Self, Failure> {
        let mut wanted = vec![libc::SIGINT, libc::SIGTERM];
        // Under nohup(1) it outlives its terminal.
        if !signals::is_ignored(libc::SIGHUP) {
            wanted.push(libc::SIGHUP);
        }
        Blocked::new(&wanted).map(Self).map_err(|error| super::cannot_wait(&error))
    }

    /// Whether it comes within `timeout`.
    pub(crate) fn come_within(&self, timeout: Duration) -> Result<bool, Failure> {
        let came = self.0.wait(Some(timeout)).map_err(|error| super::cannot_wait(&error))?;
        Ok(came.is_some())
    }
}

/// Calls `tell` with the number of every signal that asks for the end, from a thread of its own, until it says no.
pub(crate) fn on_interrupt(tell: impl Fn(i32) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || signals.forever().all(tell));
    Ok(())
}

/// Keeps a terminal's Ctrl-C from a process to be started.
pub(crate) fn apart(command: &mut Command) -> &mut Command {
    command.process_group(0)
}

/// Whether a process was ended by [`std::process::Child::kill`].
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGKILL)
}

/// The status of a command as this process's own.
pub(crate) fn exit_code(status: u8) -> ExitCode {
    ExitCode::from(status)
}

/// What the system calls a file: its device and its number there.
pub(crate) fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// A word of the command line as it was typed.
pub(crate) fn bytes_of(word: &OsStr) -> Cow<'_, [u8]> {
    word.as_bytes().into()
}

/// Makes a directory that is this user's alone.
pub(crate) fn make_own_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Opens a file to look at what it begins with, without waiting for whatever stands there.
pub(crate) fn open_to_look(path: &Path, follow: bool) -> io::Result<File> {
    let follow = if follow { 0 } else { libc::O_NOFOLLOW };
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | follow).open(path)
}

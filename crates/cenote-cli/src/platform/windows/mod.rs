//! Windows.

mod child;
mod console;
mod demo;
mod job;
mod traces;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use cenote::Kind;
use windows_sys::Win32::System::Threading::CREATE_NEW_PROCESS_GROUP;

pub(crate) use child::run;
pub(crate) use console::{Interrupts, on_interrupt};
pub(crate) use demo::{GREETING_IS_READ_ONLY, WORDS, demo_addresses, temporary_directory};
pub(crate) use traces::Traces;

/// What cannot outlive the process that made it: a file mapping goes with its last handle, and Qt uses those too.
pub(crate) const GO_WITH_THEIR_MAKER: &[Kind] = &[Kind::Memfd, Kind::Windows, Kind::Qt];

/// Whether memory without a name can be listed.
pub(crate) const LISTS_MEMORY_WITHOUT_NAMES: bool = false;
/// How memory without a name is found.
pub(crate) const ANONYMOUS_MEMORY_HINT: &str =
    "its maker knows the handle; `cenote show memfd:PID/HANDLE` looks at one";

/// Whether terminals understand how to go back to the top and to clear what is below: an older console does not.
pub(crate) const TERMINALS_REDRAW: bool = false;

/// What helps where nobody can be seen who may hold a lock.
pub(crate) const WHERE_USERS_ARE_UNSEEN: &str =
    "end the programs that use it: with the last of them it is free";

/// Keeps a console's Ctrl-C from a process to be started.
pub(crate) fn apart(command: &mut Command) -> &mut Command {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP)
}

/// Whether a process was ended by [`std::process::Child::kill`], which gives it this status.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.code() == Some(1)
}

/// The status of a command as this process's own: all 32 bits of it.
pub(crate) fn exit_code(status: u32) -> ExitCode {
    match u8::try_from(status) {
        Ok(status) => ExitCode::from(status),
        Err(_) => std::process::exit(status.cast_signed()),
    }
}

/// A word of the command line in UTF-8, which segments hold elsewhere too.
pub(crate) fn bytes_of(word: &OsStr) -> Cow<'_, [u8]> {
    match word.to_string_lossy() {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// Makes a directory. It is this user's alone where the one around it is, as that for temporary files.
pub(crate) fn make_own_directory(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Opens a file to look at what it begins with.
pub(crate) fn open_to_look(path: &Path, _follow: bool) -> io::Result<File> {
    File::open(path)
}

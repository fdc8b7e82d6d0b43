//! The command's one door to the operating system: signals, commands run on somebody's behalf, words as bytes. Each
//! system has its folder, and the same names in it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

use std::io;

use crate::failure::Failure;

/// The statuses of shells for a command that cannot be run, and for one that is not there.
const CANNOT_RUN: u8 = 126;
const NOT_THERE: u8 = 127;

/// A command that did not start, as shells tell it.
fn not_started(program: &std::ffi::OsStr, error: &io::Error) -> Failure {
    let (code, hint) = match error.kind() {
        io::ErrorKind::NotFound => {
            (NOT_THERE, "check its name; a name without a directory is looked for in PATH")
        }
        _ => (CANNOT_RUN, "check that it is a program, and that you may run it"),
    };
    Failure::io(format_args!("cannot run {}", program.display()), error, hint).with_code(code)
}

/// Waiting for the end of something failed.
fn cannot_wait(error: &io::Error) -> Failure {
    Failure::io("cannot wait for signals", error, "the system's words are all that is known")
}

//! A command run on behalf of somebody: its status is passed on, and it goes when we go.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use super::console;
use super::job::Job;
use crate::failure::Failure;
use crate::platform::{CANNOT_RUN, cannot_wait, not_started};

/// Runs a command to its end, and gives its status.
pub(crate) fn run(program: &OsStr, arguments: &[OsString]) -> Result<u32, Failure> {
    // Ctrl-C reaches all processes of a console; the command decides what it means.
    console::leave_interrupts_to_others().map_err(|error| cannot_wait(&error))?;
    let untied = |error| {
        Failure::io("cannot tie the command to this process", &error, "see which job this process is in")
    };
    let _job = Job::of_this_process().map_err(untied)?;
    let mut child =
        Command::new(program).args(arguments).spawn().map_err(|error| not_started(program, &error))?;
    let status = child.wait().map_err(|error| cannot_wait(&error))?;
    Ok(status.code().map_or(CANNOT_RUN.into(), i32::cast_unsigned))
}

//! A command run on behalf of somebody: its status and its signals are passed on, and it goes when we go.
#![allow(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

use super::signals::{Blocked, Mask, expect_children};
use crate::failure::{Failure, warn};
use crate::platform::{CANNOT_RUN, cannot_wait, not_started};

/// What is passed on to the command.
const FORWARDED: [i32; 6] =
    [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2];
/// What a shell adds to the number of a deadly signal.
const KILLED: i32 = 128;

/// Runs a command to its end, and gives its status as a shell would.
///
/// To be called from the main thread: the kernel takes the command down when the thread ends that started it.
pub(crate) fn run(program: &OsStr, arguments: &[OsString]) -> Result<u8, Failure> {
    let system = |error| cannot_wait(&error);
    expect_children();
    let signals: Vec<i32> = FORWARDED.into_iter().chain([libc::SIGCHLD]).collect();
    let signals = Blocked::new(&signals).map_err(system)?;
    let mut child = spawn(program, arguments, signals.before())?;
    loop {
        if let Some(status) = child.try_wait().map_err(system)? {
            return Ok(code(status));
        }
        if let Some(signal) = signals.wait(None).map_err(system)?
            && signal.number != libc::SIGCHLD
            // The terminal's keys reach all of its foreground processes by themselves.
            && !signal.from_kernel
        {
            forward(&child, signal.number);
        }
    }
}

fn spawn(program: &OsStr, arguments: &[OsString], mask: Mask) -> Result<Child, Failure> {
    let parent = getpid();
    let mut command = Command::new(program);
    command.args(arguments);
    // SAFETY: between fork and exec the closure makes system calls only; it allocates nothing.
    unsafe { command.pre_exec(move || leave_with(parent, mask)) };
    command.spawn().map_err(|error| not_started(program, &error))
}

/// In the child: to be killed when the parent dies, and to have the signals that the parent was given.
fn leave_with(parent: Pid, mask: Mask) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    if getppid() != Some(parent) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    mask.apply()
}

fn forward(child: &Child, number: i32) {
    // Not waited for yet, so the id is still its own, even if it has ended.
    if let Some(signal) = Signal::from_named_raw(number)
        && let Err(error) = kill_process(Pid::from_child(child), signal)
    {
        warn(&format!("cannot pass on signal {number}: {error}"), "send it to the command itself");
    }
}

fn code(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| KILLED + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(CANNOT_RUN)
}

//! The side that kills: it starts the process anew, follows it by ptrace(2), and reports how far it came.

mod mark;
mod process;
mod processor;
mod shared;
mod timer;
mod tracee;
mod walk;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use super::step::{Point, Step};
use mark::Mark;
use process::{Change, Process};
use processor::OneProcessor;
use tracee::Tracee;
use walk::{Walk, Walked};

pub(super) use mark::begin;

pub(super) const AVAILABLE: bool = true;

/// Starts `command` and kills it at the first point that is wanted. Gives back the point, or nothing if it
/// came through, and the steps that were done.
pub(super) fn walk(
    command: Command,
    limit: Duration,
    wanted: &dyn Fn(&Point) -> bool,
) -> Result<(Option<Point>, Vec<Step>), String> {
    let mut tracee = adopt(command, limit)?;
    let mut walk = Walk::default();
    let together = OneProcessor::with(tracee.thread());
    match walk.go(&mut tracee, wanted) {
        Ok(Walked::To(point)) => {
            tracee.process.kill()?;
            Ok((Some(point), walk.steps))
        }
        Ok(Walked::Through) => {
            together.part();
            let mut process = tracee.detach()?;
            content(&mut process, limit).map_err(|what| format!("{what}, when its steps were done"))?;
            Ok((None, walk.steps))
        }
        Ok(Walked::Failed) => {
            together.part();
            let mut process = tracee.detach()?;
            let _ = process.wait_until_gone();
            Err(format!("it panicked {}; {}", place(&walk.steps), process.said()))
        }
        Err(_) if tracee.process.is_late() => {
            Err(format!("it is not done after {limit:?}: it hangs {}", place(&walk.steps)))
        }
        Err(what) => Err(format!("{what}, {}", place(&walk.steps))),
    }
}

/// Starts `command`, which dies by its own timer or comes through. Says how long its steps took, or nothing
/// if it died.
pub(super) fn race(command: Command, limit: Duration) -> Result<Option<Duration>, String> {
    let mut tracee = adopt(command, limit)?;
    tracee.go_on_freely(0)?;
    loop {
        let signal = match tracee.process.wait()? {
            Change::Ended(_) if tracee.process.is_late() => {
                return Err(format!("it is not done after {limit:?}"));
            }
            Change::Ended(status) if status.signal() == Some(libc::SIGKILL) => return Ok(None),
            Change::Ended(status) => {
                return Err(format!("it ended by itself ({status}); {}", tracee.process.said()));
            }
            Change::Stopped(_, status) => libc::WSTOPSIG(status),
        };
        // Only whoever is killed between this stop and the question has no registers.
        let Ok(registers) = tracee.registers() else { continue };
        match Mark::of(&registers).filter(|_| signal == libc::SIGSTOP) {
            None => tracee.go_on_freely(signal)?,
            Some(Mark::Failed) => {
                let mut process = tracee.detach()?;
                let _ = process.wait_until_gone();
                return Err(format!("it panicked; {}", process.said()));
            }
            Some(Mark::Done(took)) => {
                content(&mut tracee.detach()?, limit)?;
                return Ok(Some(took));
            }
        }
    }
}

fn adopt(command: Command, limit: Duration) -> Result<Tracee, String> {
    match Tracee::adopt(Process::start(command, limit)?)? {
        Ok(tracee) => Ok(tracee),
        Err((process, _)) if process.is_late() => Err(format!("it has not begun its steps after {limit:?}")),
        Err((mut process, status)) => {
            Err(format!("it ended ({status}) before it began its steps; {}", process.said()))
        }
    }
}

/// Waits until the process has left by itself, content.
fn content(process: &mut Process, limit: Duration) -> Result<(), String> {
    let status = process.wait_until_gone()?;
    if process.is_late() {
        return Err(format!("it is not gone after {limit:?}"));
    }
    if status.success() { Ok(()) } else { Err(format!("it left with {status}; {}", process.said())) }
}

/// How far it has come, for messages.
fn place(steps: &[Step]) -> String {
    match steps.last() {
        None => "before its first step".to_owned(),
        Some(step) => format!("in or after step {}: {step}", steps.len()),
    }
}

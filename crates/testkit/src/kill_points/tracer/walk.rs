//! From one step of a traced process to the next, until it is to die or has done them all.

use std::fs;

use super::mark::Mark;
use super::shared::Shared;
use super::tracee::{Details, Registers, Stop, Tracee, address};
use crate::kill_points::step::{Call, Point, Step};

/// Calls after which something else may be mapped.
const MAPPING_CALLS: [i64; 8] = [
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_remap_file_pages,
    libc::SYS_shmat,
    libc::SYS_shmdt,
    libc::SYS_pkey_mprotect,
];

/// Calls that bring somebody into play whom we do not follow.
const REFUSED: [(i64, &str); 8] = [
    (libc::SYS_clone, "starts a thread or a process"),
    (libc::SYS_clone3, "starts a thread or a process"),
    (libc::SYS_fork, "starts a process"),
    (libc::SYS_vfork, "starts a process"),
    (libc::SYS_execve, "becomes another program"),
    (libc::SYS_execveat, "becomes another program"),
    (libc::SYS_io_uring_setup, "lets the kernel store for it"),
    (libc::SYS_ptrace, "wants to trace or to be traced"),
];

/// How a walk ended.
#[derive(Debug)]
pub(super) enum Walked {
    /// It stands before a step that it must not do any more.
    To(Point),
    /// It has done all steps and is past the end of them.
    Through,
    /// It panics, in the middle of its steps.
    Failed,
}

/// The steps so far.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) steps: Vec<Step>,
    shared: Shared,
}

impl Walk {
    /// Walks up to the first point that is wanted. At its end the memory is open again, unless the process is
    /// to die.
    pub(super) fn go(
        &mut self,
        tracee: &mut Tracee,
        wanted: &dyn Fn(&Point) -> bool,
    ) -> Result<Walked, String> {
        refuse_threads(tracee)?;
        self.shared.look(tracee)?;
        self.shared.close(tracee)?;
        loop {
            let point = match tracee.go_on_to_call()? {
                Stop::Call => {
                    let registers = tracee.registers()?;
                    match Mark::of(&registers) {
                        Some(mark) => return self.marked(tracee, &registers, mark, wanted),
                        None => self.call(tracee, &registers, wanted)?,
                    }
                }
                Stop::Fault(details) => self.fault(tracee, &details, wanted)?,
                Stop::Signal(details) => {
                    tracee.hold_back(details);
                    None
                }
                stop => return Err(stop.to_string()),
            };
            if let Some(point) = point {
                return Ok(Walked::To(point));
            }
        }
    }

    /// Ends the walk at a mark.
    fn marked(
        &mut self,
        tracee: &mut Tracee,
        registers: &Registers,
        mark: Mark,
        wanted: &dyn Fn(&Point) -> bool,
    ) -> Result<Walked, String> {
        let last = self.point(None);
        if mark != Mark::Failed && wanted(&last) {
            return Ok(Walked::To(last));
        }
        skip_call(tracee, registers)?;
        self.shared.open(tracee)?;
        Ok(if mark == Mark::Failed { Walked::Failed } else { Walked::Through })
    }

    /// The moment before `next`.
    fn point(&self, next: Option<&Step>) -> Point {
        Point { number: self.steps.len(), after: self.steps.last().cloned(), before: next.cloned() }
    }

    /// Counts `next`, or gives back the point before it if that is wanted.
    fn count(&mut self, next: Step, wanted: &dyn Fn(&Point) -> bool) -> Option<Point> {
        let point = self.point(Some(&next));
        if wanted(&point) {
            return Some(point);
        }
        self.steps.push(next);
        None
    }

    /// Takes it, which is about to enter a system call, through to its end.
    fn call(
        &mut self,
        tracee: &mut Tracee,
        registers: &Registers,
        wanted: &dyn Fn(&Point) -> bool,
    ) -> Result<Option<Point>, String> {
        let number = registers.orig_rax.cast_signed();
        if let Some((_, what)) = REFUSED.iter().find(|(refused, _)| *refused == number) {
            let call = Call { number };
            return Err(format!("it {what} ({call}), and kill points follow one thread of one program"));
        }
        let next = Step::Call(Call { number });
        let point = self.point(Some(&next));
        if wanted(&point) {
            return Ok(Some(point));
        }
        // The kernel stores as well, and would fail where the process itself is kept from it.
        if !self.shared.is_empty() {
            skip_call(tracee, registers)?;
            self.shared.open(tracee)?;
            // Back to before the instruction, which is two bytes long.
            let (rax, rip) = (registers.orig_rax, registers.rip - 2);
            tracee.set_registers(&Registers { orig_rax: u64::MAX, rax, rip, ..*registers })?;
            if tracee.has_held_back() {
                // The signal comes first, and its handler may not return.
                self.shared.close(tracee)?;
                return Ok(None);
            }
            to_other_end(tracee)?;
        }
        self.steps.push(next);
        to_other_end(tracee)?;
        if MAPPING_CALLS.contains(&number) {
            self.shared.look(tracee)?;
        }
        self.shared.close(tracee)?;
        Ok(None)
    }

    /// Does the store that was kept back, and those that the same instruction has left to do.
    fn fault(
        &mut self,
        tracee: &mut Tracee,
        details: &Details,
        wanted: &dyn Fn(&Point) -> bool,
    ) -> Result<Option<Point>, String> {
        let address = address(details);
        let store = self.shared.store_at(address, false).filter(|_| details.si_signo == libc::SIGSEGV);
        let Some(mut store) = store else {
            tracee.hold_back(*details);
            return Ok(None);
        };
        let instruction = tracee.registers()?.rip;
        self.shared.open_at(address, tracee)?;
        loop {
            if let Some(point) = self.count(Step::Store(store), wanted) {
                return Ok(Some(point));
            }
            if !self.store(tracee)? {
                break;
            }
            // It stands still only in a repeated instruction, which stores to where RDI points, RCX times
            // more.
            let registers = tracee.registers()?;
            if registers.rip != instruction || registers.rcx == 0 {
                break;
            }
            match self.shared.store_at(registers.rdi, true) {
                Some(next) => store = next,
                None => break,
            }
        }
        self.shared.close(tracee)?;
        Ok(None)
    }

    /// Executes one instruction, which stores. Says whether it could.
    fn store(&mut self, tracee: &mut Tracee) -> Result<bool, String> {
        loop {
            match tracee.step()? {
                Stop::Stepped => return Ok(true),
                // Into a second mapping as well.
                Stop::Fault(details) if self.shared.open_at(address(&details), tracee)? => {}
                // The file is shorter than the mapping, for one.
                Stop::Fault(details) => {
                    tracee.hold_back(details);
                    return Ok(false);
                }
                stop => return Err(format!("a store ends otherwise: {stop}")),
            }
        }
    }
}

/// Takes it out of the system call that it has just entered, and that is not made.
fn skip_call(tracee: &mut Tracee, registers: &Registers) -> Result<(), String> {
    // No such call: the kernel goes straight to the exit.
    tracee.set_registers(&Registers { orig_rax: u64::MAX, ..*registers })?;
    to_other_end(tracee)
}

/// From one end of a system call to the other, or to the entry of one that is made again.
fn to_other_end(tracee: &mut Tracee) -> Result<(), String> {
    loop {
        match tracee.go_on_past_signals()? {
            Stop::Call => return Ok(()),
            Stop::Signal(details) => tracee.hold_back(details),
            stop => return Err(format!("a system call ends otherwise: {stop}")),
        }
    }
}

/// Besides the thread that does the steps there may be the one that waits for it in a test harness.
fn refuse_threads(tracee: &Tracee) -> Result<(), String> {
    let path = format!("/proc/{}/task", tracee.process.pid());
    let threads = fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?.count();
    let expected = if tracee.thread() == tracee.process.pid() { 1 } else { 2 };
    if threads <= expected {
        return Ok(());
    }
    let others = threads - expected;
    Err(format!("it has {others} more threads already, and kill points follow one thread alone"))
}

//! One thread of a process, stopped and moved on by ptrace(2).
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::process::ExitStatus;
use std::ptr;

use super::process::{Change, Process};

pub(super) type Registers = libc::user_regs_struct;
/// What the kernel knows of a signal.
pub(super) type Details = libc::siginfo_t;

/// A stopped thread. Only the thread that started its process can move it.
pub(super) struct Tracee {
    pub(super) process: Process,
    thread: libc::pid_t,
    /// Where it has a `syscall` instruction, to be used for calls that we want made in its name.
    call_instruction: u64,
    /// Signals that came when they could not be delivered, with all that is known of them: a handler reads
    /// that.
    held_back: VecDeque<Details>,
}

/// Why it stands still again.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    /// It enters a system call, or leaves it: these come in turns.
    Call,
    /// It has done a single step.
    Stepped,
    /// A signal waits to be delivered, which somebody has sent.
    Signal(Details),
    /// One which the last instruction has caused, since it could not be executed.
    Fault(Details),
    Ended(ExitStatus),
}

#[derive(Clone, Copy, Debug)]
enum How {
    ToCall,
    Step,
    Freely,
}

impl Tracee {
    /// Waits until the process has said by a SIGSTOP that it wants to be traced; or until it has ended
    /// instead.
    pub(super) fn adopt(mut process: Process) -> Result<Result<Self, (Process, ExitStatus)>, String> {
        let thread = match process.wait()? {
            Change::Ended(status) => return Ok(Err((process, status))),
            Change::Stopped(thread, _) => thread,
        };
        let mut tracee = Self { process, thread, call_instruction: 0, held_back: VecDeque::new() };
        // Of itself or of us: whoever goes, the process does not go on alone.
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        // SAFETY: the thread is stopped and ours; the request takes a plain number.
        let result = unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, thread, 0usize, options as usize) };
        done(result, "PTRACE_SETOPTIONS")?;
        // It has just made the call that stopped it, by an instruction of two bytes.
        tracee.call_instruction = tracee.registers()?.rip - 2;
        Ok(Ok(tracee))
    }

    pub(super) fn thread(&self) -> libc::pid_t {
        self.thread
    }

    pub(super) fn registers(&self) -> Result<Registers, String> {
        let mut registers = MaybeUninit::<Registers>::uninit();
        let to = registers.as_mut_ptr();
        // SAFETY: the thread is stopped and ours; there is room for all its registers.
        let result = unsafe { libc::ptrace(libc::PTRACE_GETREGS, self.thread, ptr::null_mut::<u8>(), to) };
        done(result, "PTRACE_GETREGS")?;
        // SAFETY: the kernel has filled all of it, or the call would have failed.
        Ok(unsafe { registers.assume_init() })
    }

    pub(super) fn set_registers(&mut self, registers: &Registers) -> Result<(), String> {
        let from = ptr::from_ref(registers);
        // SAFETY: the thread is stopped and ours; the registers are whole.
        let result = unsafe { libc::ptrace(libc::PTRACE_SETREGS, self.thread, ptr::null_mut::<u8>(), from) };
        done(result, "PTRACE_SETREGS")
    }

    fn details(&self) -> Result<Details, String> {
        let mut details = MaybeUninit::<Details>::uninit();
        let to = details.as_mut_ptr();
        // SAFETY: the thread is stopped and ours; there is room for what is known of a signal.
        let result = unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, self.thread, ptr::null_mut::<u8>(), to) };
        done(result, "PTRACE_GETSIGINFO")?;
        // SAFETY: the kernel has filled all of it, or the call would have failed.
        Ok(unsafe { details.assume_init() })
    }

    /// Goes on to the next entry or exit of a system call, or to a signal; delivers one that was held back.
    pub(super) fn go_on_to_call(&mut self) -> Result<Stop, String> {
        let signal = self.next_signal()?;
        self.resume(How::ToCall, signal)?;
        self.next_stop()
    }

    /// Does the same, and goes on holding back.
    pub(super) fn go_on_past_signals(&mut self) -> Result<Stop, String> {
        self.resume(How::ToCall, 0)?;
        self.next_stop()
    }

    /// Goes on until a signal comes or it ends, without being waited for. Delivers `signal` unless that is 0.
    pub(super) fn go_on_freely(&mut self, signal: i32) -> Result<(), String> {
        self.resume(How::Freely, signal)
    }

    /// Executes one instruction. Of signals only those come back that the instruction itself has caused.
    pub(super) fn step(&mut self) -> Result<Stop, String> {
        loop {
            self.resume(How::Step, 0)?;
            match self.next_stop()? {
                Stop::Signal(details) => self.hold_back(details),
                stop => return Ok(stop),
            }
        }
    }

    /// Delivers a signal when the thread goes on.
    pub(super) fn hold_back(&mut self, details: Details) {
        self.held_back.push_back(details);
    }

    /// The number of the signal to be delivered now, 0 if there is none.
    fn next_signal(&mut self) -> Result<i32, String> {
        let Some(details) = self.held_back.pop_front() else { return Ok(0) };
        let from = ptr::from_ref(&details);
        // SAFETY: the thread is stopped and ours; what is known of the signal is as the kernel has told it.
        let result =
            unsafe { libc::ptrace(libc::PTRACE_SETSIGINFO, self.thread, ptr::null_mut::<u8>(), from) };
        done(result, "PTRACE_SETSIGINFO")?;
        Ok(details.si_signo)
    }

    pub(super) fn has_held_back(&self) -> bool {
        !self.held_back.is_empty()
    }

    /// Makes a system call in the thread's name, where it stands outside of one. Gives back its result.
    pub(super) fn call(&mut self, number: i64, arguments: [u64; 3]) -> Result<i64, String> {
        let before = self.registers()?;
        let mut during = before;
        during.rip = self.call_instruction;
        during.rax = number.cast_unsigned();
        // The call that it has come from must not be started again.
        during.orig_rax = u64::MAX;
        [during.rdi, during.rsi, during.rdx] = arguments;
        self.set_registers(&during)?;
        let stop = self.step()?;
        if !matches!(stop, Stop::Stepped) {
            return Err(format!("a system call in its name ends otherwise: {stop}"));
        }
        let result = self.registers()?.rax.cast_signed();
        self.set_registers(&before)?;
        Ok(result)
    }

    /// Lets it go its way without us.
    pub(super) fn detach(mut self) -> Result<Process, String> {
        let signal = self.next_signal()? as usize;
        // SAFETY: the thread is stopped and ours; the request takes a plain number.
        let result = unsafe { libc::ptrace(libc::PTRACE_DETACH, self.thread, 0usize, signal) };
        done(result, "PTRACE_DETACH")?;
        Ok(self.process)
    }

    fn resume(&mut self, how: How, signal: i32) -> Result<(), String> {
        let (request, name) = match how {
            How::ToCall => (libc::PTRACE_SYSCALL, "PTRACE_SYSCALL"),
            How::Step => (libc::PTRACE_SINGLESTEP, "PTRACE_SINGLESTEP"),
            How::Freely => (libc::PTRACE_CONT, "PTRACE_CONT"),
        };
        // SAFETY: the thread is stopped and ours; the requests take a plain number.
        let result = unsafe { libc::ptrace(request, self.thread, 0usize, signal as usize) };
        done(result, name)
    }

    fn next_stop(&mut self) -> Result<Stop, String> {
        const CALL: i32 = libc::SIGTRAP | 0x80;
        Ok(match self.process.wait()? {
            Change::Ended(status) => Stop::Ended(status),
            Change::Stopped(_, status) if libc::WSTOPSIG(status) == CALL => Stop::Call,
            Change::Stopped(..) => {
                let details = self.details()?;
                // The kernel's own signals have codes above 0, and then these four are about an instruction.
                match details.si_signo {
                    _ if details.si_code <= 0 => Stop::Signal(details),
                    libc::SIGTRAP => Stop::Stepped,
                    libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE => Stop::Fault(details),
                    _ => Stop::Signal(details),
                }
            }
        })
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call => write!(f, "a system call"),
            Self::Stepped => write!(f, "a breakpoint"),
            Self::Signal(details) | Self::Fault(details) => write!(f, "signal {}", details.si_signo),
            Self::Ended(status) => write!(f, "it ended by itself ({status})"),
        }
    }
}

/// Where an access went that the processor refused.
pub(super) fn address(fault: &Details) -> u64 {
    // SAFETY: the kernel has told it for a fault, of which it tells an address; all bytes of it are set.
    unsafe { fault.si_addr() }.addr() as u64
}

fn done(result: libc::c_long, request: &str) -> Result<(), String> {
    if result == 0 { Ok(()) } else { Err(format!("{request}: {}", io::Error::last_os_error())) }
}

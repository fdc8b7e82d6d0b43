//! What the process that dies says to the one that kills it: here my steps begin, here they end, here I fail.
//!
//! It is said by sending itself SIGSTOP with more arguments than the kernel reads, which the tracer sees.
#![allow(unsafe_code)]

use std::io;
use std::panic;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use super::timer::Timer;
use super::tracee::Registers;

/// The steps begin here. It is left behind in a register, where later calls of three arguments still have it:
/// so it means nothing, and the others are made once.
const BEGUN: u64 = 0x6b69_6c6c_7074_0001;
const DONE: u64 = 0x6b69_6c6c_7074_0002;
const FAILED: u64 = 0x6b69_6c6c_7074_0003;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The steps are done, and took so long.
    Done(Duration),
    /// The process panics.
    Failed,
}

impl Mark {
    /// The mark that a thread with these registers makes, entering the call or having made it.
    pub(super) fn of(registers: &Registers) -> Option<Self> {
        let is_call = registers.orig_rax.cast_signed() == libc::SYS_tgkill
            && registers.rdx == u64::from(libc::SIGSTOP.cast_unsigned());
        match registers.r10 {
            DONE if is_call => Some(Self::Done(Duration::from_nanos(registers.r8))),
            FAILED if is_call => Some(Self::Failed),
            _ => None,
        }
    }
}

/// The thread whose steps are counted at the moment; 0 if there is none.
static STEPPING: AtomicI32 = AtomicI32::new(0);

/// Who makes the marks: asked for before the steps, so as to be none of them.
#[derive(Clone, Copy, Debug)]
struct Marker {
    process: i32,
    thread: i32,
}

/// Steps that have begun.
pub(in crate::kill_points) struct Marks {
    marker: Marker,
    began: Instant,
    timer: Option<Timer>,
}

/// From here on the parent sees what this thread does; after `delay`, if there is one, the process dies.
pub(in crate::kill_points) fn begin(delay: Option<Duration>) -> Marks {
    // SAFETY: the call has no arguments and cannot fail.
    let process = unsafe { libc::getpid() };
    // SAFETY: the call has no arguments and cannot fail.
    let thread = unsafe { libc::gettid() };
    let marker = Marker { process, thread };
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        // Only this thread reads what it has itself written.
        if STEPPING.load(Ordering::Relaxed) == thread {
            STEPPING.store(0, Ordering::Relaxed);
            marker.make(FAILED, Duration::ZERO);
        }
        before(what);
    }));
    let timer = delay.map(|delay| Timer::that_kills(delay).expect("the system has timers"));
    // SAFETY: the request has no arguments.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0usize, 0usize) };
    assert_eq!(result, 0, "this process cannot be traced: {}", io::Error::last_os_error());
    STEPPING.store(thread, Ordering::Relaxed);
    marker.make(BEGUN, Duration::ZERO);
    if let Some(timer) = &timer {
        timer.start();
    }
    Marks { marker, began: Instant::now(), timer }
}

impl Marks {
    /// The steps are done.
    pub(in crate::kill_points) fn end(self) {
        let took = self.began.elapsed();
        // It would kill a process that has come through.
        drop(self.timer);
        self.marker.make(DONE, took);
        STEPPING.store(0, Ordering::Relaxed);
    }
}

impl Marker {
    fn make(self, mark: u64, took: Duration) {
        let (process, thread) = (i64::from(self.process), i64::from(self.thread));
        let (signal, took) = (i64::from(libc::SIGSTOP), u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        // SAFETY: the call takes plain numbers.
        unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal, mark, took) };
    }
}

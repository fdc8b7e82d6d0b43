//! A process that is there to be killed: it has a time limit, nothing of it outlives us, and what it says is
//! kept.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::system::goes_with_us;

/// A process that leads a process group of its own. It is killed and reaped when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    pid: libc::pid_t,
    /// Refers to this process even when another one has its number.
    handle: Arc<OwnedFd>,
    output: File,
    end: Option<ExitStatus>,
    limit: Limit,
}

/// What has become of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// One of its threads is stopped and traced by us; the number is what `waitpid` told.
    Stopped(libc::pid_t, i32),
    /// It is gone with all that it had.
    Ended(ExitStatus),
}

impl Process {
    /// Starts `command`. After `limit` the process is killed.
    pub(super) fn start(mut command: Command, limit: Duration) -> Result<Self, String> {
        let output = memory_file().map_err(|error| format!("no file for what it says: {error}"))?;
        let outlet = || output.try_clone().map(Stdio::from);
        command.stdin(Stdio::null());
        command.stdout(outlet().map_err(|error| error.to_string())?);
        command.stderr(outlet().map_err(|error| error.to_string())?);
        // A group of its own: so `waitpid` tells of all its threads, and of no other child of this process.
        goes_with_us(command.process_group(0), libc::SIGKILL);
        let started = command.spawn().map_err(|error| format!("{command:?} does not start: {error}"))?;
        let pid = libc::pid_t::try_from(started.id()).expect("a process id fits");
        // SAFETY: the call takes plain numbers.
        let handle = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        if handle < 0 {
            let error = io::Error::last_os_error();
            let mut child = started;
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("the system gives no handle of a process: {error}"));
        }
        let handle = RawFd::try_from(handle).expect("a descriptor fits");
        // SAFETY: the kernel has just made the descriptor, and nobody else knows it.
        let handle = Arc::new(unsafe { OwnedFd::from_raw_fd(handle) });
        let limit = Limit::new(limit, &handle);
        Ok(Self { pid, handle, output, end: None, limit })
    }

    pub(super) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Waits for the next change.
    pub(super) fn wait(&mut self) -> Result<Change, String> {
        loop {
            if let Some(change) = self.wait_once()? {
                return Ok(change);
            }
        }
    }

    /// The next change, or nothing if it is none to be told.
    fn wait_once(&mut self) -> Result<Option<Change>, String> {
        if let Some(status) = self.end {
            return Ok(Some(Change::Ended(status)));
        }
        let mut status = 0;
        // SAFETY: `status` is ours to write.
        let who = unsafe { libc::waitpid(-self.pid, &raw mut status, libc::__WALL) };
        if who < 0 {
            let error = io::Error::last_os_error();
            let interrupted = error.kind() == io::ErrorKind::Interrupted;
            return if interrupted { Ok(None) } else { Err(format!("waitpid: {error}")) };
        }
        if libc::WIFSTOPPED(status) {
            return Ok(Some(Change::Stopped(who, status)));
        }
        // The end of a thread that is not the first is told apart; the first one's comes last.
        if who == self.pid {
            self.end = Some(ExitStatus::from_raw(status));
        }
        Ok(self.end.map(Change::Ended))
    }

    /// Kills it by SIGKILL and waits until the kernel has taken back all that it had.
    pub(super) fn kill(&mut self) -> Result<ExitStatus, String> {
        if self.end.is_none() {
            send_kill(&self.handle);
        }
        loop {
            if let Change::Ended(status) = self.wait()? {
                return Ok(status);
            }
        }
    }

    /// Waits until it is gone by itself.
    pub(super) fn wait_until_gone(&mut self) -> Result<ExitStatus, String> {
        match self.wait()? {
            Change::Ended(status) => Ok(status),
            Change::Stopped(..) => Err("it stopped when nobody traced it any more".to_owned()),
        }
    }

    /// Whether the limit has killed it.
    pub(super) fn is_late(&self) -> bool {
        self.limit.passed.load(Ordering::Acquire)
    }

    /// What it has said, for messages.
    pub(super) fn said(&mut self) -> String {
        let mut text = Vec::new();
        let read = self.output.rewind().and_then(|()| self.output.read_to_end(&mut text));
        match read {
            Ok(0) => "it said nothing".to_owned(),
            Ok(_) => format!("it said:\n{}", String::from_utf8_lossy(&text).trim()),
            Err(error) => format!("what it said is lost: {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Kills a process that takes too long, so that no wait for it lasts for ever.
#[derive(Debug)]
struct Limit {
    passed: Arc<AtomicBool>,
    /// Never sent through: dropping it is the sign.
    _alive: Sender<()>,
}

impl Limit {
    fn new(limit: Duration, handle: &Arc<OwnedFd>) -> Self {
        let (alive, gone) = channel::<()>();
        let passed = Arc::new(AtomicBool::new(false));
        let (to_set, handle) = (Arc::clone(&passed), Arc::clone(handle));
        thread::spawn(move || {
            if gone.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                // Before the signal: whoever sees the death sees this. Pairs with the load in `is_late`.
                to_set.store(true, Ordering::Release);
                send_kill(&handle);
            }
        });
        Self { passed, _alive: alive }
    }
}

/// As far as the process is there.
fn send_kill(handle: &OwnedFd) {
    let (descriptor, nothing) = (handle.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
    // SAFETY: a descriptor that is open through the call; without details of the signal nothing is read.
    unsafe { libc::syscall(libc::SYS_pidfd_send_signal, descriptor, libc::SIGKILL, nothing, 0) };
}

fn memory_file() -> io::Result<File> {
    // SAFETY: a C string that lives through the call.
    let descriptor = unsafe { libc::memfd_create(c"cenote-test-output".as_ptr(), libc::MFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made the descriptor, and nobody else knows it.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

//! A child process that speaks the line protocol: one command a line in, one reply a line out.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::watchdog::{adopt, lock};

/// How long a peer may take to answer, to start or to leave.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running peer. It is killed when this is dropped.
#[derive(Debug)]
pub struct Peer {
    name: String,
    pid: u32,
    /// Shared with the watchdog, which must be able to kill it.
    child: Arc<Mutex<Child>>,
    input: Option<ChildStdin>,
    replies: Receiver<String>,
    /// The last command sent, for messages.
    asked: String,
    patience: Duration,
}

impl Peer {
    /// Starts `command` and waits until it says that it is ready.
    ///
    /// # Panics
    /// If it does not start, or does not say `ready`.
    #[track_caller]
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        Self::spawn_from(&mut command)
    }

    /// [`spawn`](Self::spawn) for a command that was changed by chained calls.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    #[must_use]
    pub fn spawn_from(command: &mut Command) -> Self {
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let name = program.to_string_lossy().into_owned();
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let pid = child.id();
        let input = child.stdin.take();
        let output = child.stdout.take().expect("its output is a pipe");
        let (to, replies) = channel();
        thread::spawn(move || pass_on(output, &to));
        let child = Arc::new(Mutex::new(child));
        adopt(&child);
        let asked = "(start)".to_owned();
        let mut peer = Self { name, pid, child, input, replies, asked, patience: PATIENCE };
        // A test binary that plays a peer says things of its own first.
        while peer.wait_for_reply().line != "ready" {}
        peer
    }

    /// The process id, as this process sees it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Changes how long an answer may take (30 s at first).
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Panics
    /// If the peer is gone, or does not answer within its patience.
    #[track_caller]
    pub fn ask(&mut self, command: &str) -> Reply {
        self.tell(command);
        self.wait_for_reply()
    }

    /// Sends a command; the reply is for [`reply`](Self::reply) or [`wait_for_reply`](Self::wait_for_reply).
    ///
    /// # Panics
    /// If the peer is gone.
    #[track_caller]
    pub fn tell(&mut self, command: &str) {
        command.clone_into(&mut self.asked);
        let input = self.input.as_mut().expect("the peer was told to finish");
        if let Err(error) = writeln!(input, "{command}") {
            panic!("{} takes no `{command}`: {error}", self.describe());
        }
    }

    /// The next reply, if it comes within `timeout`. Nothing comes from a peer that is gone.
    pub fn reply(&mut self, timeout: Duration) -> Option<Reply> {
        self.next_line(timeout).ok()
    }

    /// The next reply.
    ///
    /// # Panics
    /// If the peer is gone, or does not answer within its patience.
    #[track_caller]
    pub fn wait_for_reply(&mut self) -> Reply {
        match self.next_line(self.patience) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{} does not answer `{}` within {:?}", self.describe(), self.asked, self.patience)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.wait_until_gone();
                panic!("{} ended in `{}`: {status}", self.describe(), self.asked)
            }
        }
    }

    /// Kills the peer without a chance to clean up (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = lock(&self.child).kill();
        let _ = lock(&self.child).wait();
    }

    /// Ends the peer's input and waits until it has left by itself.
    ///
    /// # Panics
    /// If it does not leave within its patience, or reports a failure.
    #[track_caller]
    pub fn finish(mut self) {
        self.input = None;
        let status = self.wait_until_gone();
        assert!(status.success(), "{} left with {status}", self.describe());
    }

    /// Waits until the peer is gone, for whatever reason.
    ///
    /// # Panics
    /// If it does not go within its patience.
    #[track_caller]
    pub fn wait_until_gone(&mut self) -> ExitStatus {
        let end = Instant::now() + self.patience;
        loop {
            // Asked again and again, so that the watchdog can kill it meanwhile.
            match lock(&self.child).try_wait() {
                Ok(Some(status)) => return status,
                Ok(None) if Instant::now() < end => {}
                other => panic!("{} does not leave after `{}`: {other:?}", self.describe(), self.asked),
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn next_line(&self, timeout: Duration) -> Result<Reply, RecvTimeoutError> {
        let line = self.replies.recv_timeout(timeout)?;
        Ok(Reply { to: format!("{}, asked `{}`", self.describe(), self.asked), line })
    }

    fn describe(&self) -> String {
        format!("peer {} (pid {})", self.name, self.pid)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Hands on every line until the peer closes its output or nobody listens.
fn pass_on(output: ChildStdout, to: &Sender<String>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        if to.send(line).is_err() {
            return;
        }
    }
}

/// What a peer answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Who was asked what, for messages.
    to: String,
    line: String,
}

impl Reply {
    /// The value of an `ok` reply, empty if there is none.
    #[must_use]
    pub fn ok(&self) -> Option<&str> {
        let rest = self.line.strip_prefix("ok")?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
    }

    /// The value of a reply that must be `ok`.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn expect_ok(&self) -> &str {
        self.ok().unwrap_or_else(|| panic!("{} answered: {}", self.to, self.line))
    }

    /// The kind of an `err` reply.
    #[must_use]
    pub fn error_kind(&self) -> Option<&str> {
        self.line.strip_prefix("err ")?.split(' ').next()
    }

    /// Makes sure that this is an error of the `kind`.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn expect_error(&self, kind: &str) {
        assert_eq!(self.error_kind(), Some(kind), "{} answered: {}", self.to, self.line);
    }

    /// The whole line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }
}

//! Running the command.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Watchdog, watchdog};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn minute() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// The address of a file mapping that no other test uses.
pub(crate) fn address() -> String {
    format!(r"windows:Local\{}", testkit::names::unique("command"))
}

/// The command, with nothing to read on stdin.
pub(crate) fn cenote(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cenote"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.stdout
    }

    /// Makes sure that it failed with `code`, and said so in two lines.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        let lines: Vec<&str> = self.stderr.lines().collect();
        let told =
            matches!(lines[..], [what, hint] if what.starts_with("cenote: ") && hint.starts_with("  hint: "));
        assert!(told, "{self:?}");
        &self.stderr
    }
}

pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let output = cenote(arguments).output().expect("the command starts");
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

/// A command that runs. It is killed when this is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let stderr = BufReader::new(child.stderr.take().expect("its errors are a pipe"));
        Self { child, stderr }
    }

    /// The next line on stderr.
    pub(crate) fn complaint(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("stderr is UTF-8");
        line.trim_end().to_owned()
    }

    pub(crate) fn type_in(&mut self, bytes: &[u8]) {
        let stdin = self.child.stdin.as_mut().expect("its input is a pipe");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("it reads");
    }

    /// The status that it ends with by itself.
    #[track_caller]
    pub(crate) fn end(&mut self) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code().expect("every process has a status here");
            }
            assert!(Instant::now() < end, "it does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again until `done`, for as long as something slow may take.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "it never came: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

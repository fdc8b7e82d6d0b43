//! Running the command, and a segment of each kind to run it on.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::names::{ShmName, TempDir};
use testkit::qt::QtKey;
use testkit::sysv::SysvKey;
use testkit::{Watchdog, watchdog};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The command, with nothing to read on stdin.
pub(crate) fn cenote<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cenote"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The signal, negative, if one ended it.
    pub(crate) code: i32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stderr: String,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("stdout is UTF-8")
    }

    /// Makes sure that all went well, and gives what was printed.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout()
    }

    /// Makes sure that it failed with `code`, and said so in two lines and nothing else.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.bytes.is_empty(), "{self:?}");
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert!(
            matches!(lines[..], [what, hint] if what.starts_with("cenote: ") && hint.starts_with("  hint: ")),
            "{self:?}"
        );
        &self.stderr
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.ok()).expect("it is JSON")
    }
}

/// Runs the command to its end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    outcome(&mut cenote(arguments))
}

pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().expect("the command starts");
    let code = output.status.code().or_else(|| output.status.signal().map(|signal| -signal));
    Outcome {
        code: code.expect("a code or a signal"),
        bytes: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

/// Runs the command with `input` on stdin.
pub(crate) fn run_with_input(arguments: &[&str], input: &[u8]) -> Outcome {
    let mut child = Running::start(cenote(arguments).stdin(Stdio::piped()));
    let mut stdin = child.child.stdin.take().expect("its input is a pipe");
    // It may end before it has read all.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.end()
}

/// A command that runs. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let stderr = BufReader::new(child.stderr.take().expect("its errors are a pipe"));
        Self { child, stdout, stderr }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line on stdout.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("stdout is UTF-8");
        line.trim_end().to_owned()
    }

    /// Types something.
    pub(crate) fn input(&mut self, bytes: &[u8]) {
        let stdin = self.child.stdin.as_mut().expect("its input is a pipe");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("it reads");
    }

    /// The next line on stderr.
    pub(crate) fn error_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("stderr is UTF-8");
        line.trim_end().to_owned()
    }

    pub(crate) fn signal(&self, number: i32) {
        testkit::system::signal(self.pid(), number);
    }

    /// Waits for its end, and gives what it has said since.
    pub(crate) fn end(mut self) -> Outcome {
        let (mut bytes, mut stderr) = (Vec::new(), String::new());
        self.stdout.read_to_end(&mut bytes).expect("stdout can be read");
        self.stderr.read_to_string(&mut stderr).expect("stderr is UTF-8");
        let status = self.child.wait().expect("it ends");
        let code = status.code().or_else(|| status.signal().map(|signal| -signal));
        Outcome { code: code.expect("a code or a signal"), bytes, stderr }
    }

    /// Does not read its output any further.
    pub(crate) fn close_stdout(mut self) -> Outcome {
        let mut other = Command::new("true").stdout(Stdio::piped()).spawn().expect("true starts");
        self.stdout = BufReader::new(other.stdout.take().expect("its output is a pipe"));
        other.wait().expect("true ends");
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a process is gone, or only waits to be buried.
pub(crate) fn is_gone(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name in brackets.
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// An address of its own, cleaned up behind a failed test, and an end to the test if it hangs.
pub(crate) struct Place {
    pub(crate) address: String,
    _guard: Box<dyn std::any::Any>,
    _watchdog: Watchdog,
}

/// A native segment that a failed test may have left.
struct Native(String);

impl Drop for Native {
    fn drop(&mut self) {
        let _ = cenote::Segment::remove(&*self.0);
    }
}

impl Place {
    fn new(address: String, guard: impl std::any::Any) -> Self {
        Self { address, _guard: Box::new(guard), _watchdog: watchdog(PATIENCE) }
    }

    pub(crate) fn native() -> Self {
        let address = format!("cenote:{}", testkit::names::unique("cli"));
        Self::new(address.clone(), Native(address))
    }

    pub(crate) fn posix() -> Self {
        let name = ShmName::unique("cli");
        Self::new(format!("posix:{}", name.name()), name)
    }

    pub(crate) fn file() -> Self {
        let folder = TempDir::new();
        Self::new(format!("file:{}", folder.join("segment").display()), folder)
    }

    pub(crate) fn sysv() -> Self {
        let key = SysvKey::unique();
        Self::new(format!("sysv:{:#010x}", key.key()), key)
    }

    pub(crate) fn qt() -> Self {
        let key = QtKey::unique();
        Self::new(format!("qt:{}", key.key()), key)
    }

    /// One of each kind.
    pub(crate) fn all() -> [Self; 5] {
        [Self::native(), Self::posix(), Self::file(), Self::sysv(), Self::qt()]
    }
}

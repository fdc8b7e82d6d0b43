//! A place of its own for each test: a /dev/shm and System V objects that nobody else has, where patterns can be tried
//! that would fit anybody's segments; and what the command says there.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::system::{self, goes_with_us, in_own_ipc};
use testkit::{agent, watchdog};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long a test may take.
const LIMIT: Duration = Duration::from_secs(240);

/// Set for the test in its room: the IPC namespace that it was started from.
const OUTSIDE: &str = "CENOTE_TEST_OUTSIDE";

/// The place of one test.
pub(crate) struct Room {
    /// Whether nobody else's segments are here.
    pub(crate) is_own: bool,
}

/// Runs the calling test, which calls this and nothing else, in a room of its own. Without root's rights that is the
/// machine's, and the test keeps to what it has made.
#[track_caller]
pub(crate) fn in_a_room(test: fn(&Room)) {
    let _watchdog = watchdog(LIMIT);
    if let Some(outside) = std::env::var_os(OUTSIDE) {
        return test(&Room { is_own: ipc_namespace() != outside });
    }
    let name = thread::current().name().expect("a test has a name").to_owned();
    let mut command = agent::again();
    command.args([&*name, "--exact", "--nocapture", "--test-threads=1"]).env(OUTSIDE, ipc_namespace());
    goes_with_us(in_own_ipc(&mut command), libc::SIGKILL);
    let output = command.stdin(Stdio::null()).output().expect("the test starts once more");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{stderr}", String::from_utf8_lossy(&output.stdout));
    for line in stderr.lines().filter(|line| line.starts_with("skipped:")) {
        // Past the test harness, as the line came.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

fn ipc_namespace() -> PathBuf {
    fs::read_link("/proc/self/ns/ipc").expect("there is one")
}

impl Room {
    /// What to reap by: all that the pattern fits where nobody else's can be among it, else just these.
    pub(crate) fn patterns(&self, patterns: &[&str], addresses: &[String]) -> Vec<String> {
        if self.is_own { patterns.iter().map(|&one| one.to_owned()).collect() } else { addresses.to_vec() }
    }

    /// Every segment, as `cenote ls` lists it.
    pub(crate) fn list(&self) -> Vec<Entry> {
        let said = Said::of(&mut cenote(&["ls", "--json"]));
        said.json().as_array().expect("an array").iter().map(Entry::of).collect()
    }

    /// Those that one of the processes has.
    pub(crate) fn held_by(&self, pids: &[u32]) -> Vec<Entry> {
        let mut list = self.list();
        list.retain(|entry| entry.holders.iter().any(|pid| pids.contains(pid)));
        list
    }

    /// One, if it is there.
    pub(crate) fn find(&self, address: &str) -> Option<Entry> {
        self.list().into_iter().find(|entry| entry.address == address)
    }

    /// Waits until it is judged so.
    #[track_caller]
    pub(crate) fn until(&self, address: &str, verdict: &str) -> Entry {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.find(address);
            match found {
                Some(entry) if entry.verdict == verdict => return entry,
                other => assert!(Instant::now() < end, "{address} is not {verdict}: {other:#?}"),
            }
        }
    }

    /// Waits until it is not there any more.
    #[track_caller]
    pub(crate) fn until_gone(&self, address: &str) {
        until(&format!("{address} is gone"), || self.find(address).is_none());
    }

    /// Makes sure that `cenote reap` would remove just these, and then that it does. Whoever looks at one at the same moment
    /// has it open, and it is spared.
    #[track_caller]
    pub(crate) fn reaps(&self, patterns: &[String], addresses: &[String]) {
        until(&format!("{addresses:?} would be reaped"), || {
            let would = self.reap(&["--dry-run"], patterns);
            assert!(would.iter().all(|one| addresses.contains(one)), "{would:?}, not {addresses:?}");
            would == addresses
        });
        let mut gone = Vec::new();
        until(&format!("{addresses:?} are reaped"), || {
            gone.extend(self.reap(&[], patterns));
            assert!(gone.iter().all(|one| addresses.contains(one)), "{gone:?}, not {addresses:?}");
            sorted(gone.clone()) == addresses
        });
    }

    /// What `cenote reap` would remove, or removes, whatever its age.
    #[track_caller]
    pub(crate) fn reap(&self, how: &[&str], patterns: &[String]) -> Vec<String> {
        let mut command = cenote(&["reap", "--json", "--older", "0s"]);
        let list = Said::of(command.args(how).args(patterns)).json();
        let went = |one: &&Value| one["outcome"] == "removed" || one["outcome"] == "would-remove";
        let gone = list.as_array().expect("an array").iter().filter(went);
        sorted(gone.map(|one| one["address"].as_str().expect("a text").to_owned()))
    }
}

/// One object of `cenote ls --json`.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) address: String,
    pub(crate) maker: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) verdict: String,
    pub(crate) reason: String,
    pub(crate) holders: Vec<u32>,
}

impl Entry {
    pub(crate) fn of(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let holders = value["holders"].as_array().expect("an array").iter();
        Self {
            address: text("address").expect("it has one"),
            maker: text("maker"),
            label: text("label"),
            verdict: text("verdict").expect("it has one"),
            reason: text("reason").expect("it has one"),
            holders: holders.filter_map(|holder| holder["pid"].as_u64()?.try_into().ok()).collect(),
        }
    }
}

/// The command with these arguments.
pub(crate) fn cenote(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cenote"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("the command starts");
        let text = |bytes| String::from_utf8(bytes).expect("it says text");
        assert!(status.signal().is_none(), "{status}");
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Makes sure that all went well, and gives what it printed.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.stdout
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.ok()).expect("it is JSON")
    }
}

pub(crate) fn sorted(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.into_iter().collect();
    texts.sort();
    texts
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::yield_now();
    }
}

/// Whether what is said of other users' processes is all there is to say.
pub(crate) fn sees_everybody() -> bool {
    system::in_first_pid_namespace()
}

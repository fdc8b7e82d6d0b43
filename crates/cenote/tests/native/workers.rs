//! Workers: processes that are started in numbers, do one piece of work, and are killed. They are this program, run once
//! more with just the test `worker` in it, and say what they have to say by bytes in a pipe.

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::panic;
use std::process::{Child, ChildStdout, ExitStatus, Stdio, exit};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use testkit::{Rng, agent, system};

const ASKED: &str = "CENOTE_TEST_WORKER";
/// How often somebody is killed in an ordinary run.
const KILLS: usize = 1000;
const SIGKILL: i32 = 9;

/// What a worker does, with its words.
pub(crate) type Work = fn(&[&str]);

/// Does the work that this process was started for, and ends the process; in an ordinary run it does nothing.
pub(crate) fn serve_if_asked(works: &[(&str, Work)]) {
    let Ok(asked) = env::var(ASKED) else { return };
    let words: Vec<&str> = asked.split(' ').collect();
    // At once: while a backtrace is made somebody kills it, and it looks like one that had not failed.
    panic::set_hook(Box::new(|panic| {
        eprintln!("a worker failed: {panic}");
        exit(101);
    }));
    let (_, work) = works.iter().find(|(name, _)| *name == words[0]).expect("a work of that name");
    work(&words[1..]);
    exit(0);
}

/// How many are to be killed in this run: `CENOTE_KILLS` says otherwise.
pub(crate) fn kills() -> usize {
    env::var("CENOTE_KILLS").map_or(KILLS, |kills| kills.parse().expect("CENOTE_KILLS is a number"))
}

/// Tests that measure time, and those that keep all processors busy, run one after the other.
pub(crate) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves this process alone for a random time.
pub(crate) fn pause_below(limit: Duration, rng: &mut Rng) {
    let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    std::thread::sleep(Duration::from_nanos(rng.below(limit.max(1))));
}

/// A running worker. It is killed when this is dropped, and when the thread ends that started it.
pub(crate) struct Worker {
    child: Child,
    output: ChildStdout,
}

impl Worker {
    pub(crate) fn start(work: &str, words: &[&str]) -> Self {
        let mut command = agent::again();
        command.args(["worker", "--exact", "--nocapture", "--quiet", "--test-threads=1"]);
        command.env(ASKED, [&[work], words].concat().join(" "));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = system::goes_with_us(&mut command, SIGKILL).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        Self { child, output }
    }

    /// Its process, to be looked at.
    #[allow(dead_code, reason = "of those who use workers, not all look")]
    pub(crate) fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// What it says next: `None` once it is gone.
    pub(crate) fn next_byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        (self.output.read(&mut byte).unwrap() == 1).then_some(byte[0])
    }

    /// Waits until it says `wanted`.
    pub(crate) fn wait_for(&mut self, wanted: u8) {
        while self.next_byte().expect("it ends without a word") != wanted {}
    }

    /// Says something to it.
    pub(crate) fn say(&mut self, byte: u8) {
        self.child.stdin.as_mut().unwrap().write_all(&[byte]).unwrap();
    }

    /// Kills it, and does not wait until it is gone.
    pub(crate) fn send_kill(&self) {
        system::signal(self.child.id(), SIGKILL);
    }

    /// Kills it, and gives what it has said to the last. That it died of this, and had not failed before, is made sure of.
    pub(crate) fn kill(mut self) -> Vec<u8> {
        self.child.kill().unwrap();
        let mut said = Vec::new();
        self.output.read_to_end(&mut said).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(SIGKILL), "it ended before it was killed: {status}");
        said
    }

    /// Waits until it leaves by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let mut said = Vec::new();
        self.output.read_to_end(&mut said).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a worker says something: past the buffers of the standard library, so that what was said before a death is known.
pub(crate) struct Voice(File);

impl Voice {
    pub(crate) fn new() -> Self {
        Self(std::io::stdout().as_fd().try_clone_to_owned().unwrap().into())
    }

    pub(crate) fn say(&mut self, byte: u8) {
        self.0.write_all(&[byte]).unwrap();
    }
}

/// Waits until it is told something: `None` once nobody is there who could.
pub(crate) fn listen() -> Option<u8> {
    let mut byte = [0];
    (std::io::stdin().read(&mut byte).unwrap_or(0) == 1).then_some(byte[0])
}

/// The middle one, and the one that 99 of 100 are not above.
pub(crate) fn median_and_p99(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

//! What other processes do in these tests: the test program, started once more with the test `helper` alone.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write, stdin, stdout};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cenote::catalog::{Outcome, Reap};
use cenote::{ErrorKind, Segment};
use testkit::Rng;

const ASKED: &str = "CENOTE_TEST_CATALOG";

/// One that works until it is stopped, and then says what it counted.
pub(crate) struct Helper {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Helper {
    /// Starts one, and waits until it has begun.
    pub(crate) fn start(words: &[&str]) -> Self {
        let mut command = command(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut helper = Self { child, stdin };
        helper.line();
        helper
    }

    /// Lets it stop, and gives its counts.
    pub(crate) fn stop(mut self) -> Vec<u64> {
        drop(self.stdin.take());
        let said = self.line();
        self.child.wait().unwrap();
        said.split_whitespace().map(|word| word.parse().unwrap()).collect()
    }

    /// The next line that is for us, past what the test harness says.
    fn line(&mut self) -> String {
        let stdout = self.child.stdout.as_mut().unwrap();
        let mut lines = BufReader::with_capacity(1, stdout).lines().map(Result::unwrap);
        lines
            .find_map(|line| line.split_once("helper:").map(|(_, said)| said.to_owned()))
            .expect("it answers")
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = testkit::agent::again();
    command.args(["helper", "--exact", "--nocapture", "--quiet", "--test-threads=1"]);
    command.env(ASKED, words.join(" "));
    command
}

pub(crate) fn serve_if_asked() {
    let Ok(words) = std::env::var(ASKED) else { return };
    let words: Vec<&str> = words.split(' ').collect();
    static STOPPED: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = stdin().read_to_end(&mut Vec::new());
        // Relaxed: nothing else goes with it.
        STOPPED.store(true, Ordering::Relaxed);
    });
    say("ready");
    let stopped = || STOPPED.load(Ordering::Relaxed);
    match words[..] {
        ["reap", pattern] => {
            say(&reap(&Reap::new().matching(pattern).unwrap().older(Duration::ZERO), stopped).to_string());
        }
        ["reap-kept", pattern] => {
            let reaper = Reap::new().matching(pattern).unwrap().older(Duration::ZERO).kept();
            say(&reap(&reaper, stopped).to_string());
        }
        ["come", ref addresses @ ..] => {
            let (came, lost) = come(addresses, stopped);
            say(&format!("{came} {lost}"));
        }
        _ => panic!("{words:?}"),
    }
}

fn say(text: &str) {
    let mut stdout = stdout().lock();
    writeln!(stdout, "helper:{text}").unwrap();
    stdout.flush().unwrap();
}

/// How many it has removed.
fn reap(reap: &Reap, stopped: impl Fn() -> bool) -> u64 {
    let mut removed = 0;
    while !stopped() {
        let found = reap.run().unwrap();
        removed += found.iter().filter(|one| matches!(one.outcome, Outcome::Removed)).count() as u64;
    }
    removed
}

/// Makes the segments if they are missing, lets go of them, and comes back to them after a while that is never the same: how
/// often, and how often a segment had lost its name by the time that we had it.
fn come(addresses: &[&str], stopped: impl Fn() -> bool) -> (u64, u64) {
    let mut random = Rng::new(std::process::id().into());
    let (mut came, mut lost) = (0, 0);
    while !stopped() {
        for &address in addresses {
            let found = match address.strip_prefix("posix:") {
                Some(name) => visit_as_others_do(&PathBuf::from(format!("/dev/shm{name}"))),
                None => visit(address),
            };
            came += u64::from(found.is_some());
            lost += u64::from(found == Some(true));
            idle(random.below(300));
        }
    }
    (came, lost)
}

/// Without sleeping, which takes longer than it is told to.
fn idle(micros: u64) {
    let end = Instant::now() + Duration::from_micros(micros);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

/// Whether what we came for had lost its name by the time that we had it. `None`: it was not there, and is now.
fn visit(address: &str) -> Option<bool> {
    match Segment::options().keep().attach(address) {
        Ok(segment) => {
            idle(50);
            return Some(segment.stat().unwrap().removed);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
    }
    if let Err(error) = Segment::options().keep().create(address, 64) {
        // A System V segment can go between being made and being attached.
        assert!([ErrorKind::AlreadyExists, ErrorKind::NotFound].contains(&error.kind()), "{error}");
    }
    None
}

/// The same as programs do that know nothing of leases: they wait in `open` until it is given back.
fn visit_as_others_do(path: &Path) -> Option<bool> {
    let Ok(file) = File::open(path) else {
        let _ = File::create_new(path);
        return None;
    };
    let ours = file.metadata().unwrap().ino();
    idle(50);
    // While it has another name, somebody is making up its mind.
    loop {
        if path.metadata().is_ok_and(|there| there.ino() == ours) {
            return Some(false);
        }
        if file.metadata().unwrap().nlink() == 0 {
            return Some(true);
        }
        thread::yield_now();
    }
}

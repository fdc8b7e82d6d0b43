//! The processes of one pair, seen by who started them: asked for samples, watched, and ended.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::control::{self, Control};
use super::plan::Plan;
use super::samples::Sample;
use super::{Fault, fault, scratch};
use crate::contenders::Entry;

/// Set by signals: the run ends, and cleans up.
pub(crate) static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

pub(crate) struct Pair {
    pub(crate) entry: &'static Entry,
    pub(crate) plan: Plan,
    first: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// What was read and is no line yet.
    read: Vec<u8>,
    /// Their output ends when they do.
    others: Vec<(Child, ChildStdout)>,
    /// They were told to go.
    is_leaving: bool,
    /// Who has not answered by then hangs.
    patience: Duration,
    /// What its values are counted in.
    pub(crate) unit: String,
}

impl Pair {
    /// Starts the processes, and waits until they have their ends.
    pub(crate) fn start(entry: &'static Entry, mut plan: Plan, patience: Duration) -> Result<Self, Fault> {
        // Whatever was begun goes if the rest fails.
        let guard = Sweep(entry, plan.config.clone());
        for index in 0..plan.config.subscribers {
            let path = plan.config.memory().with_extension(format!("{index}.control"));
            Control::create(&path)?;
            plan.controls.push(path);
        }
        scratch::remember(&plan)?;
        let mut others = Vec::new();
        for index in 0..plan.config.subscribers {
            if !entry.abilities.in_process {
                let mut child = command(&plan, &["answer", &index.to_string()])?
                    .stdin(Stdio::null())
                    .spawn()
                    .map_err(fault("starting the other process"))?;
                let output = child.stdout.take().ok_or("no output")?;
                others.push((child, output));
            }
        }
        let started = command(&plan, &["drive"])?.stdin(Stdio::piped()).spawn();
        let mut first = match started {
            Ok(first) => first,
            Err(error) => {
                end(&mut others);
                return Err(format!("starting the first process: {error}"));
            }
        };
        let (input, output) = (first.stdin.take(), first.stdout.take());
        let mut pair = Self {
            entry,
            plan,
            first,
            input: input.ok_or("no input")?,
            output: output.ok_or("no output")?,
            read: Vec::new(),
            others,
            is_leaving: false,
            patience,
            unit: String::new(),
        };
        // From here on its own end sweeps.
        std::mem::forget(guard);
        let ready = pair.line()?;
        pair.unit = ready.strip_prefix("ready ").ok_or_else(|| no_answer(&ready))?.to_owned();
        Ok(pair)
    }

    pub(crate) fn sample(&mut self) -> Result<Sample, Fault> {
        self.say("sample")?;
        let line = self.line()?;
        let numbers = line.strip_prefix("sample ").ok_or_else(|| no_answer(&line))?;
        let numbers: Vec<f64> = numbers.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [value, before, after] = numbers[..] else { return Err(no_answer(&line)) };
        Ok(Sample { value, before, after })
    }

    /// Lets the processes take down what they have. If they do not, they are ended as they are.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        self.is_leaving = true;
        self.say("quit")?;
        let line = self.line()?;
        if line == "gone" { Ok(()) } else { Err(no_answer(&line)) }
    }

    fn say(&mut self, line: &str) -> Result<(), Fault> {
        writeln!(self.input, "{line}").map_err(|error| self.why(&error.to_string()))
    }

    /// The next line that the first process says.
    fn line(&mut self) -> Result<String, Fault> {
        let end = Instant::now() + self.patience;
        loop {
            if let Some(at) = self.read.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=at).collect();
                let line = String::from_utf8_lossy(&line[..at]).into_owned();
                return match line.strip_prefix("fault ") {
                    Some(why) => Err(self.why(why)),
                    None => Ok(line),
                };
            }
            if INTERRUPTED.load(Relaxed) {
                return Err("interrupted".to_owned());
            }
            if Instant::now() > end {
                return Err(self.why(&format!("no answer within {:?}", self.patience)));
            }
            self.read_more()?;
        }
    }

    /// Waits for a while, until the first process says something or another one is gone.
    fn read_more(&mut self) -> Result<(), Fault> {
        let watched = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let outputs: Vec<BorrowedFd<'_>> = self.others.iter().map(|(_, output)| output.as_fd()).collect();
        let mut fds: Vec<PollFd<'_>> =
            std::iter::once(self.output.as_fd()).chain(outputs).map(watched).collect();
        let while_ = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        match poll(&mut fds, Some(&while_)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(format!("poll: {error}")),
        }
        let first_spoke = !fds[0].revents().is_empty();
        let other_ended = !self.is_leaving && fds[1..].iter().any(|fd| fd.revents().contains(PollFlags::HUP));
        if first_spoke {
            let mut buffer = [0; 1024];
            match rustix::io::read(&self.output, &mut buffer) {
                Ok(0) => return Err(self.why("the first process is gone")),
                Ok(count) => self.read.extend_from_slice(&buffer[..count]),
                Err(Errno::INTR) => {}
                Err(error) => return Err(format!("reading: {error}")),
            }
        } else if other_ended {
            return Err(self.why("the other process is gone"));
        }
        Ok(())
    }

    /// What the other processes say of it, if they do; else what was seen from here.
    fn why(&self, seen: &str) -> Fault {
        let said = self.plan.controls.iter().find_map(|path| control::why_failed(path));
        match said {
            Some(said) if !seen.is_empty() && !seen.contains(&said) => format!("{said} ({seen})"),
            Some(said) => said,
            None => seen.to_owned(),
        }
    }
}

fn no_answer(line: &str) -> Fault {
    format!("{line:?} is no answer")
}

/// This program again, in a role.
fn command(plan: &Plan, role: &[&str]) -> Result<Command, Fault> {
    let mut command = Command::new(std::env::current_exe().map_err(fault("this program"))?);
    command.args(role).arg(plan.text()).env("TMPDIR", &plan.config.folder).stdout(Stdio::piped());
    Ok(command)
}

fn end(others: &mut [(Child, ChildStdout)]) {
    for (child, _) in others {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // They have gone, or shall.
        let _ = self.first.kill();
        let _ = self.first.wait();
        end(&mut self.others);
        scratch::sweep(self.entry, &self.plan.config);
    }
}

struct Sweep(&'static Entry, super::plan::Config);

impl Drop for Sweep {
    fn drop(&mut self) {
        scratch::sweep(self.0, &self.1);
    }
}

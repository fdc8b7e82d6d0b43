//! The two processes as the command sees them: it gives them their cues, hears their reports, and every wait ends.
//!
//! All that can happen arrives at one place, in order: reports, the end of a process, a signal.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::trouble::Trouble;
use super::wire::Report;
use super::{PATIENCE, Role};
use crate::platform;

/// The subcommand that a role is.
const ROLE_COMMAND: &str = "demo-role";

enum Event {
    Said(Role, Report),
    Gone(Role),
    Signal(i32),
}

/// Everybody who takes part. Dropped, it ends them.
pub(super) struct Crew {
    events: Receiver<Event>,
    /// For those who are still to come.
    sender: Sender<Event>,
    actors: Vec<Actor>,
    pub(super) patience: Duration,
}

struct Actor {
    role: Role,
    child: Child,
    input: Option<ChildStdin>,
    heard: VecDeque<Report>,
    /// Its output has ended, and so has it.
    gone: bool,
}

impl Crew {
    /// Nobody yet; from now on signals do not end this process, but the next wait.
    pub(super) fn new() -> Result<Self, Trouble> {
        let (sender, events) = channel();
        let to = sender.clone();
        platform::on_interrupt(move |signal| to.send(Event::Signal(signal)).is_ok())
            .map_err(|error| Trouble::io("signals cannot be received", &error))?;
        Ok(Self { events, sender, actors: Vec::new(), patience: PATIENCE })
    }

    /// Starts this program once more, in a role, and gives the number of the process.
    pub(super) fn start(&mut self, role: Role, arguments: Vec<OsString>) -> Result<u32, Trouble> {
        let program =
            std::env::current_exe().map_err(|error| Trouble::io("this program is not found", &error))?;
        let mut command = Command::new(program);
        command.args([ROLE_COMMAND, role.name()]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // ^C is for this process, which then ends the others in order.
        let mut child = platform::apart(&mut command)
            .spawn()
            .map_err(|error| Trouble::io(&format!("the {} does not start", role.name()), &error))?;
        if let Some(output) = child.stdout.take() {
            let to = self.sender.clone();
            thread::spawn(move || pass_on(role, output, &to));
        }
        let (pid, input) = (child.id(), child.stdin.take());
        self.actors.push(Actor { role, child, input, heard: VecDeque::new(), gone: false });
        Ok(pid)
    }

    /// Tells a role to go on.
    pub(super) fn cue(&mut self, role: Role, word: &str) -> Result<(), Trouble> {
        let actor = self.actor(role)?;
        let sent = actor.input.as_mut().is_some_and(|input| writeln!(input, "{word}").is_ok());
        if sent {
            return Ok(());
        }
        // It is gone; its last words say why.
        self.next(role)?.read::<0>(word)?;
        Err(self.died(role))
    }

    /// Waits for the next report of a role, which must be `word`: when it came, the time it tells, and its numbers.
    pub(super) fn hear<const N: usize>(
        &mut self,
        role: Role,
        word: &str,
    ) -> Result<(Instant, Duration, [u64; N]), Trouble> {
        let report = self.next(role)?;
        let (time, numbers) = report.read(word)?;
        Ok((report.at, time, numbers))
    }

    /// Gives a role that has nothing to do but wait the time to begin with it.
    pub(super) fn let_sleep(&mut self, role: Role) -> Result<(), Trouble> {
        let stat = format!("/proc/{}/stat", self.actor(role)?.child.id());
        let end = Instant::now() + Duration::from_secs(1);
        // Nothing else tells; a system that does not is believed.
        while state(&stat).is_some_and(|state| state != 'S') && Instant::now() < end {
            thread::yield_now();
        }
        Ok(())
    }

    /// Ends a role as nobody can prevent: when that was, and whether it was this that ended it.
    pub(super) fn kill(&mut self, role: Role) -> Result<(Instant, bool), Trouble> {
        let actor = self.actor(role)?;
        let at = Instant::now();
        actor.child.kill().map_err(|error| Trouble::io("kill", &error))?;
        let status = self.end_of(role)?;
        Ok((at, platform::was_killed(status)))
    }

    /// Waits for a role to end in order.
    pub(super) fn farewell(&mut self, role: Role) -> Result<(), Trouble> {
        let status = self.end_of(role)?;
        // If it had anything to say, that is why.
        while let Some(report) = self.actor(role)?.heard.pop_front() {
            report.read::<0>("nothing more")?;
        }
        if status.success() {
            Ok(())
        } else {
            Err(Trouble::unexpected(format!("the {}: {status}", role.name())))
        }
    }

    fn end_of(&mut self, role: Role) -> Result<ExitStatus, Trouble> {
        let end = Instant::now() + self.patience;
        while !self.actor(role)?.gone {
            let event = self.event(end).ok_or_else(|| self.silent(role))?;
            self.take_in(event)?;
        }
        // Its pipe is closed, so there is nothing left to wait for.
        let child = &mut self.actor(role)?.child;
        child.wait().map_err(|error| Trouble::io("wait", &error))
    }

    fn next(&mut self, role: Role) -> Result<Report, Trouble> {
        let end = Instant::now() + self.patience;
        loop {
            let actor = self.actor(role)?;
            if let Some(report) = actor.heard.pop_front() {
                return Ok(report);
            }
            if actor.gone {
                return Err(self.died(role));
            }
            let event = self.event(end).ok_or_else(|| self.silent(role))?;
            self.take_in(event)?;
        }
    }

    fn event(&self, end: Instant) -> Option<Event> {
        self.events.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
    }

    fn take_in(&mut self, event: Event) -> Result<(), Trouble> {
        match event {
            Event::Said(role, report) => self.actor(role)?.heard.push_back(report),
            Event::Gone(role) => self.actor(role)?.gone = true,
            Event::Signal(signal) => return Err(Trouble::Interrupted(signal)),
        }
        Ok(())
    }

    fn actor(&mut self, role: Role) -> Result<&mut Actor, Trouble> {
        let missing = || Trouble::unexpected(format!("the {} was never started", role.name()));
        self.actors.iter_mut().find(|actor| actor.role == role).ok_or_else(missing)
    }

    fn died(&mut self, role: Role) -> Trouble {
        let status = self.actor(role).ok().and_then(|actor| actor.child.wait().ok());
        let how = status.map_or_else(String::new, |status| format!(": {status}"));
        Trouble::unexpected(format!("the {} ended before it was done{how}", role.name()))
    }

    fn silent(&self, role: Role) -> Trouble {
        Trouble::unexpected(format!("the {} said nothing for {:?}", role.name(), self.patience))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for actor in &mut self.actors {
            // It has ended already, or does so now.
            let _ = actor.child.kill();
        }
        let end = Instant::now() + PATIENCE;
        while self.actors.iter().any(|actor| !actor.gone) {
            match self.event(end) {
                // A second signal changes nothing: this is the end it asks for.
                Some(event) => drop(self.take_in(event)),
                None => return,
            }
        }
        for actor in &mut self.actors {
            let _ = actor.child.wait();
        }
    }
}

fn pass_on(role: Role, output: ChildStdout, to: &Sender<Event>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if to.send(Event::Said(role, Report::new(line))).is_err() {
            return;
        }
    }
    // Nobody may be there any more to hear it.
    let _ = to.send(Event::Gone(role));
}

/// What a process does, in one letter of proc(5). It follows the program's name, which may have brackets in it.
fn state(stat: &str) -> Option<char> {
    std::fs::read_to_string(stat).ok()?.rsplit_once(") ")?.1.chars().next()
}

//! Containers: PID namespaces of their own, which share `/dev/shm` with this one. In each, other numbers mean other
//! processes.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::system::goes_with_us;
use crate::{Peer, agent, skipped};

const SIGKILL: i32 = 9;

const UNSHARE: [&str; 4] = ["--pid", "--fork", "--kill-child", "--mount-proc"];

/// Whether the system lets us make containers: if not, it says that the test is skipped.
#[must_use]
pub fn has_containers() -> bool {
    let mut command = Command::new("unshare");
    let tried = command.args(UNSHARE).arg("true").stderr(Stdio::null()).status();
    let has = tried.is_ok_and(|status| status.success());
    if !has {
        skipped("no PID namespaces can be made here: that takes root, and `unshare` of util-linux");
    }
    has
}

/// A container with its own numbers, its own `/proc`, and an agent in it.
#[derive(Debug)]
pub struct Container {
    /// What is asked.
    pub agent: Peer,
    /// Number 1 in it, as seen from outside.
    pub init: u32,
    /// The agent, as seen from outside.
    pub pid: u32,
}

impl Container {
    /// The agent is its number 1: what ends with it is all of it.
    #[must_use]
    pub fn of_one() -> Self {
        Self::start(r#"exec "$@" 2>&3"#, false)
    }

    /// The agent is its number 2, and number 1 is a shell, which outlives it.
    #[must_use]
    pub fn of_two() -> Self {
        Self::start(r#"sh -c 'exec "$@" 2>&3' agent "$@"; cat"#, true)
    }

    fn start(script: &str, has_init: bool) -> Self {
        let own = agent::command();
        let mut command = Command::new("sh");
        // Only the agent's complaints are worth a line: that somebody was killed is no news.
        command.args(["-c", r#"exec unshare "$@" 3>&2 2>/dev/null"#, "sh"]).args(UNSHARE);
        command.args(["sh", "-c", script, "init"]).arg(own.get_program()).args(own.get_args());
        for (name, value) in own.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let agent = Peer::spawn_from(goes_with_us(&mut command, SIGKILL));
        let init = only_child(agent.pid());
        Self { init, pid: if has_init { only_child(init) } else { init }, agent }
    }

    /// What the container itself calls its agent.
    ///
    /// # Panics
    /// If it is gone.
    #[must_use]
    pub fn number_inside(&self) -> u32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it is there");
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let last = numbers.and_then(|numbers| numbers.split_whitespace().last());
        last.and_then(|number| number.parse().ok()).expect("Linux says so")
    }
}

/// Number 1 goes with `unshare`, of which it is a child, and all others with number 1.
impl Drop for Container {
    fn drop(&mut self) {
        self.agent.kill();
        wait_until_gone(self.init);
    }
}

fn only_child(pid: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it is there");
    children.trim().parse().expect("it has one")
}

/// Waits for the end of one that is not a child of ours: so nobody tells us.
pub fn wait_until_gone(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        thread::sleep(Duration::from_millis(1));
    }
}

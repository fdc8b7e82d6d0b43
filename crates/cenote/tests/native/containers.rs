//! Two containers that share `/dev/shm`: PID namespaces of their own, where other numbers mean other processes. Who has a
//! lock has the same number in one of them as who waits for it has in the other.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use cenote::catalog::{self, Verdict};
use testkit::system::{goes_with_us, signal};
use testkit::{Peer, agent, skipped};

use super::{Name, minute};

const SIGKILL: i32 = 9;

const UNSHARE: [&str; 4] = ["--pid", "--fork", "--kill-child", "--mount-proc"];

/// Whether the system lets us make containers: if not, it says that the test is skipped.
fn has_containers() -> bool {
    let mut command = Command::new("unshare");
    let tried = command.args(UNSHARE).arg("true").stderr(Stdio::null()).status();
    let has = tried.is_ok_and(|status| status.success());
    if !has {
        skipped("no PID namespaces can be made here: that takes root, and `unshare` of util-linux");
    }
    has
}

/// A container with its own numbers, its own `/proc`, and an agent in it.
struct Container {
    agent: Peer,
    /// Number 1 in it, as seen from outside.
    init: u32,
    /// The agent, as seen from outside.
    pid: u32,
}

impl Container {
    /// The agent is its number 1: what ends with it is all of it.
    fn of_one() -> Self {
        Self::start(r#"exec "$@" 2>&3"#, false)
    }

    /// The agent is its number 2, and number 1 is a shell, which outlives it.
    fn of_two() -> Self {
        Self::start(r#"sh -c 'exec "$@" 2>&3' agent "$@"; cat"#, true)
    }

    fn start(script: &str, has_init: bool) -> Self {
        let own = agent::command();
        let mut command = Command::new("sh");
        // Only the agent's complaints are worth a line: that somebody was killed is no news.
        command.args(["-c", r#"exec unshare "$@" 3>&2 2>/dev/null"#, "sh"]).args(UNSHARE);
        command.args(["sh", "-c", script, "init"]).arg(own.get_program()).args(own.get_args());
        for (name, value) in own.get_envs() {
            command.env(name, value.unwrap());
        }
        let agent = Peer::spawn_from(goes_with_us(&mut command, SIGKILL));
        let init = only_child(agent.pid());
        Self { init, pid: if has_init { only_child(init) } else { init }, agent }
    }

    /// What the container itself calls its agent.
    fn number_inside(&self) -> u32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap();
        numbers.split_whitespace().last().unwrap().parse().unwrap()
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
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.trim().parse().expect("it has one")
}

/// Not a child of ours: so nobody tells us.
fn wait_until_gone(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// What dies.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// The agent alone, and its container goes on.
    OfAgent,
    /// Number 1 of the container, and so all in it.
    OfInit,
}

#[test]
fn a_lock_is_handed_on_from_one_to_the_other() {
    let _watchdog = minute();
    if !has_containers() {
        return;
    }
    let kinds: [(fn() -> Container, Death); 3] = [
        (Container::of_one, Death::OfInit),
        (Container::of_two, Death::OfAgent),
        (Container::of_two, Death::OfInit),
    ];
    for (start, death) in kinds {
        let (name, mut holder, mut waiter) = (Name::unique(), start(), start());
        assert_eq!(holder.number_inside(), waiter.number_inside());
        waiter.agent.ask(&format!("create {} 64", name.address())).expect_ok();
        holder.agent.ask(&format!("attach {}", name.address())).expect_ok();
        holder.agent.ask("lock").expect_ok();
        holder.agent.ask("write 0 2a").expect_ok();
        // Longer than it takes to look whether the holder lives.
        waiter.agent.ask("lock 100").expect_error("Timeout");
        waiter.agent.tell("lock 20000");
        match death {
            Death::OfAgent => signal(holder.pid, SIGKILL),
            Death::OfInit => signal(holder.init, SIGKILL),
        }
        assert_eq!(waiter.agent.wait_for_reply().expect_ok(), "yes", "{death:?}");
        assert_eq!(waiter.agent.ask("read 0 1").expect_ok(), "2a");
        waiter.agent.ask("unlock").expect_ok();
        assert_eq!(waiter.agent.ask("lock").expect_ok(), "no", "told once");
        waiter.agent.ask("unlock").expect_ok();
        waiter.agent.ask("detach").expect_ok();
        assert!(!name.is_there());
    }
}

/// Who leaves sees the holders in other containers, and does not see the dead.
#[test]
fn lives_and_deaths_are_seen_from_the_other() {
    let _watchdog = minute();
    if !has_containers() {
        return;
    }
    let verdict = |name: &Name| catalog::look(&name.address().parse().unwrap()).unwrap().verdict;
    for attach in ["attach", "attach-ro"] {
        let (name, mut maker, mut other) = (Name::unique(), Container::of_one(), Container::of_two());
        maker.agent.ask(&format!("create {} 64", name.address())).expect_ok();
        maker.agent.ask("write 0 2a").expect_ok();
        other.agent.ask(&format!("{attach} {}", name.address())).expect_ok();
        let entry = catalog::look(&name.address().parse().unwrap()).unwrap();
        let mut pids: Vec<u32> = entry.holders.iter().map(|holder| holder.pid).collect();
        pids.sort_unstable();
        let mut expected = [maker.pid, other.pid];
        expected.sort_unstable();
        assert_eq!(pids, expected, "as they are called out here");

        maker.agent.ask("detach").expect_ok();
        assert!(name.is_there(), "the other one has it");
        assert_eq!(verdict(&name), Verdict::Live);
        maker.agent.ask(&format!("attach {}", name.address())).expect_ok();
        assert_eq!(maker.agent.ask("read 0 1").expect_ok(), "2a");
        maker.agent.ask("detach").expect_ok();
        assert!(name.is_there());

        signal(other.init, SIGKILL);
        wait_until_gone(other.pid);
        assert_eq!(verdict(&name), Verdict::Stale);
        maker.agent.ask(&format!("attach {}", name.address())).expect_error("NotFound");
        assert!(!name.is_there(), "and whoever finds it so removes it");
    }
    // The last one leaves after the other's death, and takes the name along.
    let (name, mut maker, mut other) = (Name::unique(), Container::of_two(), Container::of_one());
    maker.agent.ask(&format!("create {} 64", name.address())).expect_ok();
    other.agent.ask(&format!("attach {}", name.address())).expect_ok();
    signal(maker.init, SIGKILL);
    wait_until_gone(maker.pid);
    other.agent.ask("detach").expect_ok();
    assert!(!name.is_there());
}

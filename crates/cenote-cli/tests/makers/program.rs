//! A program of somebody else's that runs, with all the processes that it has started.

use std::fs;
use std::process::Command;

use testkit::{Peer, Reply, system};

use crate::room::until;

/// A program behind the line protocol. It is killed, with all that it has started, when this is dropped.
pub(crate) struct Program {
    peer: Peer,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self { peer: Peer::spawn_from(command) }
    }

    /// Its processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        with_descendants(self.peer.pid())
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str) -> Reply {
        self.peer.ask(command)
    }

    /// Kills its first process alone.
    pub(crate) fn kill_first(&mut self) {
        self.peer.kill();
    }

    /// Lets it end by itself.
    pub(crate) fn finish(&mut self) {
        self.peer.ask("exit").expect_ok();
        self.peer.wait_until_gone();
    }

    /// `kill -9` of all its processes at once, and waits until none of them runs.
    pub(crate) fn kill(&mut self) {
        kill_all(&self.pids(), || self.peer.kill());
    }
}

impl From<Peer> for Program {
    fn from(peer: Peer) -> Self {
        Self { peer }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills the processes, of which the first is a child of ours that `reap` waits for. None of them lives to see another's end:
/// they are stopped before.
pub(crate) fn kill_all(pids: &[u32], reap: impl FnOnce()) {
    for signal in [libc::SIGSTOP, libc::SIGKILL] {
        for &pid in pids.iter().filter(|&&pid| runs(pid)) {
            system::signal_if_there(pid, signal);
        }
    }
    reap();
    until("they end", || !pids.iter().any(|&pid| runs(pid)));
}

/// The process, its children, and theirs.
pub(crate) fn with_descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for thread in threads {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        found.extend(children.flat_map(with_descendants));
    }
    found
}

/// Whether it is there and is no zombie.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

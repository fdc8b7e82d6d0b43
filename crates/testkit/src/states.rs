//! The states of another process: whether it sleeps, and stopping it.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::{Peer, system};

const SIGSTOP: i32 = 19;
const SIGCONT: i32 = 18;

/// Waits until all of its threads are in such a state: `S` asleep, `T` stopped.
///
/// # Panics
/// If it is gone.
pub fn wait_until_all_are(pid: u32, state: char) {
    let is_so = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(state))
    };
    let tasks = || fs::read_dir(format!("/proc/{pid}/task")).expect("it is there");
    while !tasks().flatten().all(is_so) {
        thread::sleep(Duration::from_micros(200));
    }
}

/// Stops it, until [`go_on`].
///
/// # Panics
/// If it is gone.
pub fn stop(peer: &Peer) {
    system::signal(peer.pid(), SIGSTOP);
    wait_until_all_are(peer.pid(), 'T');
}

/// Lets it go on.
pub fn go_on(peer: &Peer) {
    system::signal(peer.pid(), SIGCONT);
}

//! Agents that are somebody else, with that user's rights.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::names::TempDir;
use crate::{Peer, agent, system};

/// A copy of this program that is within everybody's reach: the build folder may be in somebody's home.
#[derive(Debug)]
pub struct Program(TempDir);

impl Program {
    /// Copies it, if this process is root and so can be others. If not, it says that the test is skipped.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[must_use]
    pub fn within_reach() -> Option<Self> {
        if !system::has_root() {
            return None;
        }
        let copy = Self(TempDir::new());
        let program = copy.0.join("agent");
        // By another process: a child that is forked while we had it open for writing would keep it so for a moment,
        // and nobody can start a program that is being written.
        let ours = agent::command();
        let copied = Command::new("cp").args([ours.get_program(), program.as_os_str()]).status();
        assert!(copied.as_ref().is_ok_and(std::process::ExitStatus::success), "{copied:?}");
        for path in [copy.0.path(), &program] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("they are ours");
        }
        Some(copy)
    }

    /// Starts an agent with these numbers for its user and its only group.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    #[must_use]
    pub fn agent(&self, uid: u32, gid: u32) -> Peer {
        let ours = agent::command();
        let mut command = Command::new(self.0.join("agent"));
        command.args(ours.get_args()).current_dir("/");
        for (name, value) in ours.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        Peer::spawn_from(system::as_user(&mut command, uid, gid))
    }
}

//! An agent that is somebody else: nobody, who may do little.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use testkit::names::TempDir;
use testkit::{Peer, agent, system};

/// A running agent, and the copy of this program that is within its reach.
pub(crate) struct OtherUser {
    pub(crate) agent: Peer,
    _program: TempDir,
}

/// Starts one, if this process is root and so can.
pub(crate) fn other_user() -> Option<OtherUser> {
    if !system::has_root() {
        return None;
    }
    let folder = TempDir::new();
    let program = folder.join("agent");
    let ours = agent::command();
    // A copy: the build folder may be in somebody's home. By another process: a child that is forked while we had it
    // open for writing would keep it so for a moment, and nobody can start a program that is being written.
    let copied = Command::new("cp").args([ours.get_program(), program.as_os_str()]).status().unwrap();
    assert!(copied.success(), "{copied}");
    for path in [folder.path(), &program] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(&program);
    command.args(ours.get_args()).current_dir("/");
    for (name, value) in ours.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let agent = Peer::spawn_from(system::as_other_user(&mut command));
    Some(OtherUser { agent, _program: folder })
}

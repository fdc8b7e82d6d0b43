//! This program, started once more at the other end of a socket: the one thing that the two have in common.

use std::fs::{self, Permissions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use testkit::names::TempDir;
use testkit::{agent, system};

use crate::{handing, hostile, sealing};

const TASK: &str = "CENOTE_TEST_TASK";

/// What a child can be asked to do with its end of the socket. It panics if it finds something amiss.
type Task = fn(&UnixStream);

const TASKS: [(&str, Task); 8] = [
    ("look at the picture", handing::look_at_the_picture),
    ("send a picture twice and die", handing::send_a_picture_twice_and_die),
    ("connect and stay", handing::connect_and_stay),
    ("write into it", handing::write_into_it),
    ("lock it", handing::lock_it),
    ("attack what is sealed", sealing::attack_what_is_sealed),
    ("attack what is read-only", sealing::attack_what_is_read_only),
    ("receive what is hostile", hostile::receive_what_is_hostile),
];

/// Does the task, and ends the process, if it was started for one.
pub(crate) fn run_if_asked() {
    let Some(task) = std::env::var_os(TASK) else { return };
    let (_, run) = TASKS.iter().find(|(name, _)| *name == task).expect("a known task");
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    run(&UnixStream::from(socket));
    std::process::exit(0);
}

/// A child, and our end of the socket. It is killed when this is dropped.
pub(crate) struct Other {
    pub(crate) socket: UnixStream,
    child: Child,
    _program: Option<TempDir>,
}

impl Other {
    pub(crate) fn start(task: &str) -> Self {
        Self::run(agent::again(), task, None)
    }

    /// As another user, if this process is root and so can.
    pub(crate) fn start_as_another_user(task: &str) -> Option<Self> {
        if !system::has_root() {
            return None;
        }
        let folder = TempDir::new();
        let program = folder.join("child");
        // A copy, by another process, that is within reach: see tests/errors/other_user.rs.
        let ours = std::env::current_exe().unwrap();
        let copied = Command::new("cp").args([&ours, &program]).status().unwrap();
        assert!(copied.success(), "{copied}");
        for path in [folder.path(), &program] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = agent::run(&program);
        system::as_other_user(command.current_dir("/"));
        Some(Self::run(command, task, Some(folder)))
    }

    fn run(mut command: Command, task: &str, program: Option<TempDir>) -> Self {
        let (socket, theirs) = UnixStream::pair().unwrap();
        command.args(["child", "--exact", "--nocapture", "--quiet", "--test-threads=1"]);
        let child = command.env(TASK, task).stdin(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
        // Its end is in the command too, and must not keep the connection open.
        drop(command);
        Self { socket, child, _program: program }
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the child found something amiss: {status}");
    }

    /// Waits until it has been killed.
    pub(crate) fn wait_for_death(&mut self) {
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "{status}");
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! One shell for one document, where a reader would sit: in the repository, with `cenote` installed.
//!
//! What it makes is not the reader's: its folder has links to what the repository has, home and temporary
//! files are its own, and so are, where the system lets us, `/dev/shm` and all System V objects.

use std::collections::HashMap;
use std::env;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use testkit::names::TempDir;
use testkit::qt::QtFolder;
use testkit::system::{goes_with_us, in_own_ipc};

/// How long a command may take; one that compiles may take longer.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_FOR_CARGO: Duration = Duration::from_secs(900);

/// What `cargo` is in the shell. What cargo makes of a path depends on where the path is, so it is told where
/// the repository is, and compiles nothing twice; a program that it runs is in the shell's folder all the
/// same.
const CARGO: &str = r#"#!/bin/sh
case "$1" in
    xtask | install) cd "$REPOSITORY" && exec "$REAL_CARGO" "$@" ;;
esac
task=$1
shift
exec "$REAL_CARGO" "$task" --manifest-path "$REPOSITORY/Cargo.toml" "$@"
"#;

/// A shell that waits for commands. It is killed when this is dropped, with all that it has started.
pub(crate) struct Session {
    shell: Child,
    lines: Receiver<String>,
    /// What no command says.
    mark: String,
    target: PathBuf,
    place: TempDir,
    _temporary: QtFolder,
}

/// What a command said on stdout and stderr, and how it ended.
pub(crate) struct Answer {
    pub(crate) lines: Vec<String>,
    pub(crate) code: i32,
}

impl Session {
    pub(crate) fn start(repository: &Path) -> Self {
        let (place, temporary, target) = (TempDir::new(), QtFolder::new(), target());
        for entry in fs::read_dir(repository).expect("it can be read").flatten() {
            if ![".git", "target"].iter().any(|name| entry.file_name() == *name) {
                symlink(entry.path(), place.path().join(entry.file_name())).expect("a link");
            }
        }
        symlink(&target, place.join("target")).expect("a link");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).current_dir(place.path()).process_group(0);
        command.env_clear().envs(environment(repository, &target, temporary.path()));
        command.stdin(Stdio::piped()).stdout(writer.try_clone().expect("a descriptor")).stderr(writer);
        in_own_ipc(goes_with_us(&mut command, libc::SIGKILL));
        let shell = command.spawn().expect("bash starts");
        // Its own copies of the pipe's end would keep the pipe open.
        drop(command);
        let (to, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                if to.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        let mark = testkit::names::unique("mark");
        let mut session = Self { shell, lines, mark, target, place, _temporary: temporary };
        assert!(session.run("true").is_some_and(|answer| answer.code == 0), "the shell is ready");
        session
    }

    pub(crate) fn has_peers(&self) -> bool {
        self.target.join("peers").is_dir()
    }

    /// What is there of files beside the reader's, of shared memory and of programs that still run.
    pub(crate) fn traces(&mut self) -> Vec<String> {
        let ours = fs::read_link("/proc/self/ns/ipc").expect("its name can be read");
        let command = format!(
            "ls -A '{}'; find \"$TMPDIR\" -name 'qipc_*'; jobs -r
            if [ \"$(readlink /proc/self/ns/ipc)\" != '{}' ]; then
                ls -A /dev/shm; tail -qn +2 /proc/sysvipc/*
            fi",
            self.place.path().display(),
            ours.display(),
        );
        self.run(&command).expect("the shell answers").lines
    }

    /// Runs a command and waits for its end. None if it does not come.
    pub(crate) fn run(&mut self, command: &str) -> Option<Answer> {
        let shell = self.shell.stdin.as_mut().expect("its input is a pipe");
        let mark = &self.mark;
        writeln!(shell, "{{ {command}\n}} < /dev/null\nprintf '\\n%s %d\\n' {mark} $?").ok()?;
        let patience = if command.contains("cargo") { PATIENCE_FOR_CARGO } else { PATIENCE };
        let end = Instant::now() + patience;
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
            if let Some(code) = line.strip_prefix(mark.as_str()) {
                // The mark has a line of its own, also behind what does not end with one.
                lines.pop_if(|last: &mut String| last.is_empty());
                return Some(Answer { lines, code: code.trim().parse().ok()? });
            }
            lines.push(line);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let group = i32::try_from(self.shell.id()).expect("a process id fits");
        testkit::system::kill_group(group);
        let _ = self.shell.wait();
    }
}

/// Where cargo has built what runs.
fn target() -> PathBuf {
    let test = env::current_exe().expect("this runs");
    // target/debug/deps/test, or one level deeper when built for a named target.
    let mut folders = test.ancestors().skip(3);
    let folder = folders.next().expect("it is in a build folder").to_owned();
    if folder.join("CACHEDIR.TAG").is_file() { folder } else { folders.next().unwrap_or(&folder).to_owned() }
}

/// What the shell and its commands know: where cargo is and how it builds, and nothing else of who runs the
/// tests.
fn environment(repository: &Path, target: &Path, temporary: &Path) -> HashMap<String, PathBuf> {
    let mut known: HashMap<_, _> =
        ["RUSTFLAGS", "RUSTUP_TOOLCHAIN", "USER", "LOGNAME", "CENOTE_REQUIRE_PEERS"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), env::var_os(name)?.into())))
            .collect();
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let folder = env::var_os(name).map_or_else(|| home.join(folder), Into::into);
        known.insert(name.to_owned(), folder);
    }
    let cenote = Path::new(env!("CARGO_BIN_EXE_cenote")).parent().expect("it is in a folder");
    let path = env::var_os("PATH").unwrap_or_default();
    let own = [temporary.join("bin"), cenote.to_owned()];
    let path = env::join_paths(own.into_iter().chain(env::split_paths(&path)));
    let set = [
        ("PATH", path.expect("no colon in it").into()),
        ("LANG", "C.UTF-8".into()),
        ("HOME", temporary.join("home")),
        ("TMPDIR", temporary.to_owned()),
        ("REAL_CARGO", env::var_os("CARGO").expect("cargo runs the tests").into()),
        ("REPOSITORY", repository.to_owned()),
        ("CARGO_TARGET_DIR", target.to_owned()),
        ("CARGO_INSTALL_ROOT", temporary.join("installed")),
    ];
    for name in ["home", "bin"] {
        fs::create_dir(temporary.join(name)).expect("a new folder");
    }
    let cargo = temporary.join("bin/cargo");
    fs::write(&cargo, CARGO).expect("a new file");
    fs::set_permissions(&cargo, Permissions::from_mode(0o755)).expect("it is ours");
    known.extend(set.map(|(name, value)| (name.to_owned(), value)));
    known
}

//! Where things are, and the commands that every task starts from.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The repository that this program was built from.
pub(crate) struct Repository {
    pub(crate) root: PathBuf,
    /// Where cargo builds: `target`, unless `CARGO_TARGET_DIR` says otherwise.
    pub(crate) target: PathBuf,
    /// On a build server (`CI=true`): nothing may be skipped.
    pub(crate) strict: bool,
}

impl Repository {
    pub(crate) fn here() -> Self {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().expect("xtask is a folder of the repository").to_path_buf();
        let target = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
        let strict = env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        Self { root, target, strict }
    }

    /// `program`, started in the repository's root.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        command
    }

    /// The cargo that started us, which must not fetch another toolchain on its own.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.env("RUSTUP_AUTO_INSTALL", "0");
        cargo
    }

    /// Every file that is part of the repository, relative to its root: what git knows or would add,
    /// or, outside a git checkout, whatever is not a build folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let listing = self
            .command("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .stderr(Stdio::null())
            .output();
        let mut files = match listing {
            Ok(listing) if listing.status.success() => String::from_utf8_lossy(&listing.stdout)
                .split_terminator('\0')
                .map(PathBuf::from)
                .filter(|path| self.root.join(path).is_file())
                .collect(),
            _ => self.walk(Path::new("")),
        };
        files.sort();
        files.dedup();
        files
    }

    fn walk(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.root.join(folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != "target" && entry.file_name() != ".git" => {
                    files.extend(self.walk(&path));
                }
                Ok(kind) if kind.is_file() => files.push(path),
                _ => {}
            }
        }
        files
    }
}

/// Whether `program` is in the search path.
pub(crate) fn is_installed(program: &str) -> bool {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(&file).is_file()))
}

/// Runs `command` with our own output, and says in words how it failed.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown = show(command);
    println!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` failed: {status}")),
        Err(error) => Err(format!("`{shown}` could not be started: {error}")),
    }
}

/// [`run`], which ends what takes longer than `limit`, and all that it has started.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<(), String> {
    let shown = show(command);
    println!("$ {shown}");
    let started = command.spawn();
    let mut child = started.map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{shown}` failed: {status}")),
            Ok(None) if Instant::now() < end => sleep(Duration::from_millis(20)),
            other => {
                let below = descendants(child.id());
                let _ = child.kill();
                let _ = child.wait();
                for pid in below {
                    // It may be gone by now.
                    let _ =
                        Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
                }
                return Err(format!("`{shown}` is not done after {limit:?}: {other:?}"));
            }
        }
    }
}

/// The children of the process, and theirs; none where there is no /proc.
fn descendants(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

/// What `command` prints, without showing it.
pub(crate) fn output_of(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("`{}`: {error}", show(command)))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{}` failed: {}: {}", show(command), output.status, said.trim()))
    }
}

/// The command as one would type it, with the program's bare name.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_takes_too_long_is_ended() {
        let started = Instant::now();
        let error = run_within(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert!(error.contains("is not done"), "{error}");
        assert!(started.elapsed() < MINUTE / 2);
        assert!(run_within(&mut Command::new("true"), MINUTE).is_ok());
        assert!(run_within(&mut Command::new("false"), MINUTE).is_err_and(|error| error.contains("failed")));
    }

    /// The end of a pipe that all of them hold tells when the last of them is gone.
    #[test]
    #[cfg(target_os = "linux")]
    fn what_it_has_started_is_ended_too() {
        let (mut ours, theirs) = std::io::pipe().unwrap();
        let started = Instant::now();
        {
            let mut command = Command::new("sh");
            command.args(["-c", "sh -c 'sleep 60; :' & wait"]).stdout(theirs);
            run_within(&mut command, Duration::from_millis(500)).unwrap_err();
        }
        std::io::Read::read_to_end(&mut ours, &mut Vec::new()).unwrap();
        assert!(started.elapsed() < MINUTE / 2);
    }
}

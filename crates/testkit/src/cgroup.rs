//! A control group with little memory, under version 1 or 2 of the kernel's interface.
#![allow(unsafe_code)]

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::names::unique;

/// A control group; removed when dropped, by when its processes must be gone.
#[derive(Debug)]
pub struct Cgroup(PathBuf);

/// Makes a group whose processes together may use `bytes` of memory, and no swap. Only root can, and
/// only where the system lends us the memory controller: the error says what is missing.
///
/// # Errors
/// What the system said.
pub fn in_memory_cgroup(bytes: u64) -> io::Result<Cgroup> {
    let version_1 = Path::new("/sys/fs/cgroup/memory");
    if version_1.is_dir() {
        let group = Cgroup::make(version_1)?;
        group.set("memory.limit_in_bytes", bytes)?;
        // Missing where the kernel does not count swap.
        let _ = group.set("memory.memsw.limit_in_bytes", bytes);
        return Ok(group);
    }
    let version_2 = Path::new("/sys/fs/cgroup");
    // Children get the controller only if their parent passes it on; often it does already.
    let _ = fs::write(version_2.join("cgroup.subtree_control"), "+memory");
    let group = Cgroup::make(version_2)?;
    group.set("memory.max", bytes)?;
    let _ = group.set("memory.swap.max", 0);
    Ok(group)
}

impl Cgroup {
    fn make(parent: &Path) -> io::Result<Self> {
        let path = parent.join(unique("memory"));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn set(&self, file: &str, value: u64) -> io::Result<()> {
        fs::write(self.0.join(file), value.to_string())
    }

    /// The group's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Moves the running process `pid` into the group. What it had before is not counted.
    ///
    /// # Errors
    /// What the system said.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
    }

    /// Lets the child begin its life in the group.
    ///
    /// # Errors
    /// What the system said.
    pub fn confine<'a>(&self, command: &'a mut Command) -> io::Result<&'a mut Command> {
        let mut members = OpenOptions::new().write(true).open(self.0.join("cgroup.procs"))?;
        // 0 stands for whoever writes it.
        let enter = move || members.write_all(b"0");
        // SAFETY: between fork and exec the closure makes one write to an open file; it allocates nothing.
        Ok(unsafe { command.pre_exec(enter) })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that was just reaped leaves its group a moment later.
        for _ in 0..200 {
            match fs::remove_dir(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
    }
}

//! Whether there is memory for a segment: asked before reserving it, because the kernel does not fail but kills when
//! a reservation exceeds the limit of its memory cgroup.
//!
//! See cgroups(7), and `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst` in Linux.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Small segments are let through until they add up to this: reading the limits costs more than making one.
const UNCHECKED: u64 = 16 << 20;
/// But only to that part of what is left: other processes of the group think the same.
const SHARE: u64 = 16;
/// What a segment costs beside its bytes (the kernel's own tables), and what this process needs to go on.
const MARGIN: u64 = 256 << 10;

/// `OutOfResources` if `size` bytes would not fit into the machine's memory or the cgroup's limit.
pub(crate) fn check(size: u64) -> Result<()> {
    // 0 at first, so that a process that makes a single segment looks as well.
    static MAY_GO_UNCHECKED: AtomicU64 = AtomicU64::new(0);
    // Relaxed, here and below: a tally, which orders nothing.
    let less = |left: u64| left.checked_sub(size);
    if MAY_GO_UNCHECKED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
        return Ok(());
    }
    let with_tables = size.saturating_add(size / 64).saturating_add(MARGIN);
    let mut left = u64::MAX;
    if let Some(free) = machine(with_tables) {
        refuse_beyond(
            size,
            with_tables,
            free,
            "this machine has",
            "free memory, or wait until others need less",
        )?;
        left = left.min(free - with_tables);
    }
    if let Some(free) = cgroup(with_tables) {
        let what_to_do = "raise the group's memory limit";
        refuse_beyond(size, with_tables, free, "the memory cgroup of this process has", what_to_do)?;
        left = left.min(free - with_tables);
    }
    MAY_GO_UNCHECKED.store(UNCHECKED.min(left / SHARE), Ordering::Relaxed);
    Ok(())
}

fn refuse_beyond(size: u64, needed: u64, free: u64, whose: &str, what_to_do: &str) -> Result<()> {
    if needed <= free {
        return Ok(());
    }
    let what = format!(
        "{size} bytes were asked for, {needed} with the kernel's own tables, and {whose} {free} left"
    );
    Err(Error::new(ErrorKind::OutOfResources, what).with_hint(format!("{what_to_do}, or ask for less")))
}

/// The memory cgroup of this process that has least left: its limit, and how much of it is used and would not give way.
pub(crate) fn tightest_cgroup() -> Option<(u64, u64)> {
    // More than any group has left, so that caches are always counted as room.
    let left =
        |version: &Version, group: &Path| Some((version.limit(group)?, version.left(group, u64::MAX)?));
    let (limit, left) = each_cgroup(left).into_iter().min_by_key(|&(_, left)| left)?;
    Some((limit, limit.saturating_sub(left)))
}

/// What the machine can still give, swap included.
fn machine(size: u64) -> Option<u64> {
    let quick = rustix::system::sysinfo();
    let unused = quick.freeram.saturating_mul(quick.mem_unit.into());
    if size <= unused / 2 {
        return Some(unused);
    }
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name| field(&text, name);
    Some((kib("MemAvailable:")? + kib("SwapFree:").unwrap_or(0)) * 1024)
}

/// The least that any of the process's groups has left, from its own up to the root.
fn cgroup(size: u64) -> Option<u64> {
    each_cgroup(|version, group| version.left(group, size)).into_iter().min()
}

/// What `look` says of each of the process's groups, from its own up to the root.
fn each_cgroup<T>(look: impl Fn(&Version, &Path) -> Option<T>) -> Vec<T> {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut found = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let version = match controllers {
            "" => &V2,
            _ if controllers.split(',').any(|name| name == "memory") => &V1,
            _ => continue,
        };
        for root in version.roots {
            let groups = Path::new(path.trim_start_matches('/')).ancestors();
            found.extend(groups.filter_map(|group| look(version, &Path::new(root).join(group))));
        }
    }
    found
}

/// What the files of one version of cgroups are called.
struct Version {
    roots: &'static [&'static str],
    limit: &'static str,
    usage: &'static str,
    /// The caches in `memory.stat` that give way before anything is killed.
    reclaimable: [&'static str; 2],
}

const V2: Version = Version {
    roots: &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
    limit: "memory.max",
    usage: "memory.current",
    reclaimable: ["inactive_file", "active_file"],
};
const V1: Version = Version {
    roots: &["/sys/fs/cgroup/memory"],
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    reclaimable: ["total_inactive_file", "total_active_file"],
};

impl Version {
    /// None where there is no limit ("max" is no number, nor is what the kernel can count to), or no such group.
    fn limit(&self, group: &Path) -> Option<u64> {
        number(&group.join(self.limit)).filter(|&limit| limit < 1 << 60)
    }

    fn left(&self, group: &Path, size: u64) -> Option<u64> {
        let limit = self.limit(group)?;
        let usage = number(&group.join(self.usage))?;
        // The caches cost more to find out than the rest together.
        if size <= limit.saturating_sub(usage) {
            return Some(limit - usage);
        }
        let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let caches: u64 = self.reclaimable.iter().filter_map(|name| field(&stat, name)).sum();
        Some(limit.saturating_sub(usage.saturating_sub(caches)))
    }
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The number behind a name at the beginning of a line.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    let mut words = text
        .lines()
        .map(str::split_whitespace)
        .find_map(|mut words| (words.next() == Some(name)).then_some(words))?;
    words.next()?.parse().ok()
}

/// Where a file system keeps its bytes, what is free there, and which file uses most: for errors.
pub(super) fn describe_space(directory: &Path) -> String {
    let free = rustix::fs::statvfs(directory).map(|fs| fs.f_bavail * fs.f_frsize);
    let free = free.map_or_else(|_| "an unknown amount".to_owned(), |free| format!("{free} bytes"));
    let mut text = format!("{} has {free} free", directory.display());
    if let Some((path, used)) = largest(directory) {
        text += &format!("; {} uses most, {used} bytes", path.display());
    }
    text
}

fn largest(directory: &Path) -> Option<(PathBuf, u64)> {
    use std::os::unix::fs::MetadataExt;
    let files = fs::read_dir(directory).ok()?.flatten();
    let sizes = files.filter_map(|entry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((entry.path(), metadata.blocks() * 512))
    });
    sizes.max_by_key(|&(_, used)| used)
}

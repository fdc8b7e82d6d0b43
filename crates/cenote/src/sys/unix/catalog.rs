//! What the kernel tells of all segments and processes: /proc, see proc(5) and sysvipc(7).

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use super::os_error;
use crate::error::Result;
use crate::sys::Program;

pub(crate) const TELLS_WHO_MAPS_FILES: bool = true;

/// Whether the system tells of all segments and processes.
#[allow(clippy::unnecessary_wraps, reason = "not every system does")]
pub(crate) fn can_look_round() -> Result<()> {
    Ok(())
}

/// A process that has a lock on the file, from the `lock:` lines of /proc/PID/fdinfo:
/// `1: OFDLCK ADVISORY WRITE -1 00:1b:42 0 EOF`, with device and inode.
pub(super) fn lock_owner(file: &OwnedFd) -> Option<u32> {
    let stat = rustix::fs::fstat(file).ok()?;
    let (major, minor) = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    let place = format!(" {major:02x}:{minor:02x}:{} ", stat.st_ino);
    let mut pids = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |path: std::path::PathBuf| {
        let info = fs::read_to_string(path).unwrap_or_default();
        let is_range = |line: &str| line.contains("OFDLCK") || line.contains("POSIX");
        info.lines().any(|line| line.starts_with("lock:") && is_range(line) && line.contains(&place))
    };
    let has_it = |&pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo"));
        descriptors.is_ok_and(|list| list.flatten().any(|descriptor| holds(descriptor.path())))
    };
    pids.find(has_it)
}

/// The command line of a process, as far as it can be read, and not more than is told of one: it may have megabytes.
pub(crate) fn command_of(pid: u32) -> Option<String> {
    const MOST: u64 = 4096;
    let mut line = Vec::new();
    let file = fs::File::open(format!("/proc/{pid}/cmdline")).ok()?;
    file.take(MOST).read_to_end(&mut line).ok()?;
    let words = line.split(|&byte| byte == 0).filter(|word| !word.is_empty());
    let text = words.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    if !text.is_empty() {
        return Some(text);
    }
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// The user that a process runs as, by name if it has one.
pub(crate) fn user_of(pid: u32) -> Option<String> {
    let uid = uid_of(pid)?;
    Some(user_name(uid).unwrap_or_else(|| uid.to_string()))
}

pub(super) fn uid_of(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|metadata| metadata.uid())
}

/// The user with that login name, as /etc/passwd has it.
pub(crate) fn uid_of_name(name: &str) -> Option<u32> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// The login name of a user, as /etc/passwd has it.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// Whether this process can see every process of the machine: it is in the first PID namespace, and /proc hides none.
pub(crate) fn sees_all_processes() -> bool {
    const FIRST_PID_NAMESPACE: u64 = 0xeffffffc;
    let in_first =
        fs::metadata("/proc/self/ns/pid").is_ok_and(|metadata| metadata.ino() == FIRST_PID_NAMESPACE);
    in_first && !hides_processes()
}

/// Whether /proc hides the processes of other users from this one (its option `hidepid`): the first is always there. Or it
/// is a container's, which this process has entered by its mounts alone: then it is not in there itself.
pub(crate) fn hides_processes() -> bool {
    fs::metadata("/proc/1").is_err() || fs::metadata("/proc/self").is_err()
}

/// The names of the files in a directory, those that are UTF-8.
pub(crate) fn file_names(directory: &std::path::Path) -> Result<Vec<String>> {
    let list = fs::read_dir(directory).map_err(|error| {
        os_error("opendir", error).because(format!("{} cannot be listed", directory.display()))
    })?;
    let files = list.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    Ok(files.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Whether a process has ended, though nobody has asked how it ended: no thread of it runs. Its first one may have ended
/// before the others.
pub(super) fn has_ended(pid: u32) -> bool {
    const ZOMBIE: &str = "Z";
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it is in parentheses, and may have some itself.
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    state == Some(ZOMBIE) && fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|tasks| tasks.count() == 1)
}

/// All processes that run, by what the kernel calls their programs: the first 15 bytes of the name.
pub(crate) fn programs() -> Vec<Program> {
    let list = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = list.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let program = |pid| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned();
        Some(Program { name, uid: uid_of(pid)? })
    };
    pids.filter(|&pid| !has_ended(pid)).filter_map(program).collect()
}

/// Where a process runs, if that is another PID namespace than ours: the container's id as far as its cgroup tells, else
/// the namespace's number.
pub(crate) fn container_of(pid: u32) -> Option<String> {
    let namespace = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/pid")).map(|found| found.ino()).ok();
    let theirs = namespace(&pid.to_string())?;
    if namespace("self")? == theirs {
        return None;
    }
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    Some(container_in(&groups).unwrap_or_else(|| format!("pid:[{theirs}]")))
}

/// A container's name in a path of cgroups: 64 hexadecimal digits in docker's, podman's and Kubernetes' manner, of which 12
/// are shown as those do, or a word behind `lxc`.
fn container_in(groups: &str) -> Option<String> {
    const ID: usize = 64;
    const SHOWN: usize = 12;
    let parts = || groups.lines().flat_map(|line| line.split(['/', ':']));
    let id = parts().find_map(|part| {
        let bare = part.strip_suffix(".scope").unwrap_or(part);
        let id = bare.rsplit('-').next()?;
        (id.len() == ID && id.bytes().all(|digit| digit.is_ascii_hexdigit())).then(|| id[..SHOWN].to_owned())
    });
    id.or_else(|| {
        let lxc = parts().find_map(|part| part.strip_prefix("lxc.payload.").map(str::to_owned));
        lxc.or_else(|| parts().skip_while(|part| *part != "lxc").nth(1).map(str::to_owned))
    })
}

#[cfg(test)]
mod tests {
    use super::container_in;

    #[test]
    fn containers_are_known_by_their_groups() {
        let id = "0123456789abcdef".repeat(4);
        for groups in [
            format!("0::/system.slice/docker-{id}.scope"),
            format!("12:memory:/docker/{id}\n1:name=systemd:/docker/{id}"),
            format!("0::/machine.slice/libpod-{id}.scope/container"),
            format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("4:cpu:/kubepods/besteffort/pod1/{id}"),
        ] {
            assert_eq!(container_in(&groups).as_deref(), Some("0123456789ab"), "{groups}");
        }
        assert_eq!(container_in("0::/lxc.payload.web/init.scope").as_deref(), Some("web"));
        assert_eq!(container_in("4:cpu:/lxc/web").as_deref(), Some("web"));
        assert_eq!(container_in("0::/user.slice/user-0.slice"), None);
        assert_eq!(container_in(""), None);
    }
}

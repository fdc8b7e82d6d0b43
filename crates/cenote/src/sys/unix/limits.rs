//! What the kernel allows for System V objects and how much of it is used, and its settings for huge pages:
//! sysvipc(7), proc_sys_kernel(5), proc_sysvipc(5).
//!
//! All of it can be read by everybody, of one's own IPC namespace.

use std::collections::HashMap;
use std::fs;

use super::object::time;
use super::shm::SHM_DEST;
use super::whole_pages;
use crate::sys::{IpcLimits, QueueRow, SemRow, ShmFacts, ShmRow};

pub(crate) fn ipc_limits() -> IpcLimits {
    let sem = text("/proc/sys/kernel/sem").and_then(|text| {
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        numbers.try_into().ok()
    });
    let number = |name: &str| text(&format!("/proc/sys/kernel/{name}"))?.trim().parse().ok();
    IpcLimits {
        shmmax: number("shmmax"),
        shmall: number("shmall"),
        shmmni: number("shmmni"),
        msgmax: number("msgmax"),
        msgmnb: number("msgmnb"),
        msgmni: number("msgmni"),
        sem,
    }
}

/// All segments, those that may not be looked at otherwise too. `None` where the kernel hides them.
pub(crate) fn shm_rows() -> Option<Vec<ShmRow>> {
    rows(&text("/proc/sysvipc/shm")?, |row| {
        let number = |name: &str| row.get(name)?.parse::<u64>().ok();
        let when = |name: &str| time(row.get(name)?.parse().ok()?);
        let mode = u32::from_str_radix(row.get("perms")?, 8).ok()?;
        let facts = ShmFacts {
            id: row.get("shmid")?.parse().ok()?,
            key: row.get("key")?.parse().ok()?,
            size: number("size")?,
            uid: row.get("uid")?.parse().ok()?,
            gid: row.get("gid")?.parse().ok()?,
            mode: mode & 0o777,
            removed: mode & SHM_DEST != 0,
            attached: number("nattch")?,
            creator: row.get("cpid")?.parse().ok()?,
            last_attach: when("atime"),
            last_detach: when("dtime"),
            changed: when("ctime"),
        };
        Some(ShmRow { facts, memory: number("rss") })
    })
}

/// All semaphore sets.
pub(crate) fn sem_rows() -> Option<Vec<SemRow>> {
    rows(&text("/proc/sysvipc/sem")?, |row| {
        Some(SemRow {
            id: row.get("semid")?.parse().ok()?,
            key: row.get("key")?.parse().ok()?,
            count: row.get("nsems")?.parse().ok()?,
            mode: u32::from_str_radix(row.get("perms")?, 8).ok()? & 0o777,
            uid: row.get("uid")?.parse().ok()?,
        })
    })
}

/// All message queues.
pub(crate) fn queue_rows() -> Option<Vec<QueueRow>> {
    rows(&text("/proc/sysvipc/msg")?, |row| {
        let user = |name: &str| row.get(name)?.parse().ok().filter(|&pid| pid != 0);
        let mut last_users: Vec<u32> = [user("lspid"), user("lrpid")].into_iter().flatten().collect();
        last_users.dedup();
        Some(QueueRow {
            id: row.get("msqid")?.parse().ok()?,
            key: row.get("key")?.parse().ok()?,
            mode: u32::from_str_radix(row.get("perms")?, 8).ok()? & 0o777,
            uid: row.get("uid")?.parse().ok()?,
            bytes: row.get("cbytes")?.parse().ok()?,
            messages: row.get("qnum")?.parse().ok()?,
            last_users,
        })
    })
}

/// The pages that a segment counts as.
pub(crate) fn pages(bytes: u64) -> u64 {
    whole_pages(bytes) / page_size()
}

/// What the offset of a mapping in its file is a multiple of.
pub(crate) fn granularity() -> u64 {
    page_size()
}

pub(crate) fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

/// Whether the kernel uses huge pages for shared memory by itself: `never`, `advise`, ...
pub(crate) fn shmem_huge_pages() -> Option<String> {
    let text = text("/sys/kernel/mm/transparent_hugepage/shmem_enabled")?;
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// The huge pages that are set aside: how many, how many of them are free, and the bytes of one.
pub(crate) fn huge_pages() -> Option<(u64, u64, u64)> {
    let text = text("/proc/meminfo")?;
    let field = |name| super::headroom::field(&text, name);
    Some((field("HugePages_Total:")?, field("HugePages_Free:")?, field("Hugepagesize:")? * 1024))
}

/// Whether a process of this id runs, which /proc may hide.
pub(crate) fn process_exists(pid: u32) -> bool {
    let id = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH))
        && !super::catalog::has_ended(pid)
}

/// The user that this process acts as.
pub(crate) fn own_user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The rows of a table, by the names in its first line. A row that cannot be read is left out.
fn rows<T>(table: &str, read: impl Fn(&HashMap<&str, &str>) -> Option<T>) -> Option<Vec<T>> {
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next()?.split_whitespace().collect();
    Some(
        lines
            .filter_map(|line| read(&names.iter().copied().zip(line.split_whitespace()).collect()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn columns_are_found_by_name() {
        let table = "   key  shmid perms\n -1  7  600\nbroken\n 1749 32769 1666\n";
        let read = rows(table, |row| Some((row.get("shmid")?.parse().ok()?, row.get("perms")?.len())));
        assert_eq!(read, Some(vec![(7, 3), (32769, 4)]));
        assert_eq!(rows::<u8>("", |_| None), None);
    }
}

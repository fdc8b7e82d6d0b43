//! Whether there is room: in /dev/shm, and in the memory cgroup.

use super::super::Verdict;
use super::super::holders::Holders;
use super::super::verdicts::who;
use super::making_room::making_room;
use super::things::{Class, Thing, Things};
use super::{Finding, Found, Item, NEARLY_ALL, Remedy, State, nearly_all};
use crate::sys;

/// Less than this is not worth a word: the kernel's own tables.
const WORTH_NAMING: u64 = 64 << 10;

pub(super) fn look(things: &Things, holders: &Holders) -> Vec<Finding> {
    let mut findings = match sys::shm_space() {
        Ok(space) => shm(&space, things, holders),
        Err(error) => vec![missing(&error.to_string())],
    };
    findings.push(cgroup());
    findings
}

fn missing(why: &str) -> Finding {
    let found = Found::Words("cannot be used".to_owned());
    let remedy = "mkdir -p /dev/shm && mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm";
    Finding::new("shm-space", "/dev/shm space", found, "")
        .in_state(State::Mend, format!("there are no posix: segments without it: {why}"))
        .with_remedy(Remedy::run(remedy, "as root"))
}

fn shm(space: &sys::ShmSpace, things: &Things, holders: &Holders) -> Vec<Finding> {
    let files = things.of(|thing| matches!(thing.class, Class::ShmFile { .. }));
    let nameless = nameless(space, &files, things, holders);
    let mut largest: Vec<&Item> =
        files.iter().map(|thing| &thing.item).filter(|item| item.bytes > Some(0)).collect();
    largest.extend(&nameless);
    largest.sort_by_key(|item| std::cmp::Reverse(item.bytes));

    let found = Found::Bytes { used: space.used, limit: space.size };
    let mut bytes =
        Finding::new("shm-space", "/dev/shm space", found, "room for posix: segments").with_items(largest);
    if nearly_all(space.used, space.size) {
        bytes = bytes.in_state(
            State::Mend,
            "it is full or nearly so: new segments fail, and programs that reserve nothing are killed by SIGBUS",
        );
        let surplus = surplus(space.used, space.size);
        bytes.remedies = making_room(&files, surplus, Thing::bytes, nameless.as_ref());
        if let Some(size) = space.size.filter(|_| space.in_memory) {
            let command = format!("mount -o remount,size={} /dev/shm", size.saturating_mul(2));
            bytes
                .remedies
                .push(Remedy::run(command, "as root: twice the size, if the machine has the memory"));
        }
    } else if !space.in_memory {
        bytes = bytes.in_state(State::Note, "it is no tmpfs: segments lie on a disk, which is slower");
    }

    let found = Found::Count { used: space.inodes_used, limit: space.inodes };
    let mut inodes = Finding::new("shm-inodes", "/dev/shm inodes", found, "files that it can have");
    if nearly_all(space.inodes_used, space.inodes) {
        inodes = inodes
            .in_state(
                State::Mend,
                "it has nearly as many files as it can have: new segments fail, however small",
            )
            .with_items(files.iter().map(|thing| &thing.item));
        inodes.remedies = making_room(&files, surplus(space.inodes_used, space.inodes), |_| 1, None);
        if let Some(limit) = space.inodes.filter(|_| space.in_memory) {
            let command = format!("mount -o remount,nr_inodes={} /dev/shm", limit.saturating_mul(2));
            inodes.remedies.push(Remedy::run(command, "as root: twice as many"));
        }
    }
    vec![bytes, inodes, super::rights::directory(space.mode)]
}

/// How much is to go until it is no longer nearly all.
fn surplus(used: u64, limit: Option<u64>) -> u64 {
    let limit = limit.map_or(u128::MAX / 100, u128::from);
    // The most that is not nearly all yet.
    let enough = (limit * u128::from(NEARLY_ALL)).div_ceil(100).saturating_sub(1);
    used.saturating_sub(u64::try_from(enough).unwrap_or(u64::MAX))
}

/// What is used by files without a name: those of processes that still map them, or that cannot be seen.
fn nameless(space: &sys::ShmSpace, files: &[&Thing], things: &Things, holders: &Holders) -> Option<Item> {
    let named: u64 = files.iter().map(|thing| thing.bytes()).sum();
    let bytes = space.used.saturating_sub(named);
    // On a disk everything else is used too.
    if bytes < WORTH_NAMING || !space.in_memory {
        return None;
    }
    let found = holders.of_nameless(space.device, &things.named);
    let (verdict, reason) = if found.is_empty() {
        let reason =
            "removed and still held, or in folders that may not be read; no process is seen to map it";
        (Verdict::Unknown, reason.to_owned())
    } else {
        (Verdict::Live, who(&found))
    };
    Some(Item {
        what: "files without a name".to_owned(),
        bytes: Some(bytes),
        owner: String::new(),
        mode: 0,
        verdict,
        reason,
        holders: found,
    })
}

/// The room that the memory cgroup of this process leaves, and so of those that are started beside it.
fn cgroup() -> Finding {
    const MEANING: &str =
        "the memory limit of this process's group; segments count for who writes them first";
    let Some((limit, used)) = sys::tightest_cgroup() else {
        return Finding::new("cgroup", "cgroup memory", Found::Words("no limit".to_owned()), MEANING);
    };
    let finding = Finding::new("cgroup", "cgroup memory", Found::Bytes { used, limit: Some(limit) }, MEANING);
    if !nearly_all(used, Some(limit)) {
        return finding;
    }
    finding
        .in_state(
            State::Mend,
            "the limit is nearly reached: the kernel kills who goes beyond it, segments included",
        )
        .with_remedy(Remedy::run("cenote ls", "remove what is not needed, or raise the group's limit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_the_surplus_is_enough_and_no_more_than_needed() {
        for (used, limit) in [(100, 100), (90, 100), (1 << 20, 1 << 20), (u64::MAX, u64::MAX), (95, 99)] {
            let surplus = surplus(used, Some(limit));
            assert!(nearly_all(used, Some(limit)) && !nearly_all(used - surplus, Some(limit)), "{used}");
        }
        assert_eq!(surplus(100, Some(100)), 11);
    }
}

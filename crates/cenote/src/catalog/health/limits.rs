//! The kernel's limits on System V objects, how much of them is used, and its huge pages.

use super::{Finding, Found, Remedy, State, nearly_all};
use crate::sys;

/// Above this a limit is none: the kernel's own defaults lie there.
const NO_LIMIT: u64 = 1 << 60;

pub(super) fn look() -> Vec<Finding> {
    let limits = sys::ipc_limits();
    let (segments, sets) = (sys::shm_rows(), sys::sem_rows());
    let mut findings = match segments {
        Some(rows) => of_segments(&limits, &rows),
        None => vec![hidden("sysv-segments", "System V segments")],
    };
    match sets {
        Some(rows) => findings.extend(of_sets(&limits, &rows)),
        None => findings.push(hidden("sysv-sets", "semaphore sets")),
    }
    findings.push(match sys::queue_rows() {
        Some(rows) => of_queues(&limits, rows.len() as u64),
        None => hidden("message-queues", "message queues"),
    });
    findings.push(huge_pages());
    findings
}

fn hidden(name: &'static str, title: &'static str) -> Finding {
    Finding::new(name, title, Found::Words("cannot be seen".to_owned()), "")
        .in_state(State::Note, "this kernel or container has no table of them in /proc/sysvipc")
}

fn of_segments(limits: &sys::IpcLimits, rows: &[sys::ShmRow]) -> Vec<Finding> {
    let see = || {
        Remedy::run(
            "cenote reap sysv: qt:",
            "removes those that nobody has attached; `cenote ls sysv:` shows the others",
        )
    };
    let raise = |name: &str, limit: Option<u64>| {
        let to = limit.unwrap_or(0).saturating_mul(2);
        Remedy::run(format!("sysctl -w kernel.{name}={to}"), "as root, until the next start: twice the limit")
    };
    let count = rows.len() as u64;
    let found = Found::Count { used: count, limit: limits.shmmni };
    let number =
        Finding::new("sysv-segments", "System V segments", found, "sysv: and qt: segments (limit: shmmni)");
    let number = mend_if(
        nearly_all(count, limits.shmmni),
        number,
        "nearly as many as the kernel allows (shmmni)",
        [see(), raise("shmmni", limits.shmmni)],
    );

    let pages: u64 = rows.iter().map(|row| sys::pages(row.facts.size)).sum();
    let bytes = |pages: u64| pages.saturating_mul(sys::page_size());
    let found = Found::Bytes { used: bytes(pages), limit: limits.shmall.map(bytes).and_then(limit) };
    let sum =
        Finding::new("sysv-memory", "System V memory", found, "of all segments together (limit: shmall)");
    let sum = mend_if(
        nearly_all(pages, limits.shmall),
        sum,
        "nearly as much as the kernel allows (shmall)",
        [see(), raise("shmall", limits.shmall)],
    );

    let used = rows.iter().map(|row| row.facts.size).max().unwrap_or(0);
    let found = Found::Bytes { used, limit: limits.shmmax.and_then(limit) };
    let largest = Finding::new("sysv-largest", "largest segment", found, "of System V (limit: shmmax)");
    vec![number, sum, largest]
}

fn of_sets(limits: &sys::IpcLimits, rows: &[sys::SemRow]) -> Vec<Finding> {
    let [per_set, all, at_once, sets] = limits.sem.map_or([None; 4], |limits| limits.map(Some));
    let remedy = |index: usize| {
        let mut numbers = limits.sem.unwrap_or_default();
        numbers[index] = numbers[index].saturating_mul(2);
        let command =
            format!("sysctl -w kernel.sem=\"{}\"", numbers.map(|number| number.to_string()).join(" "));
        Remedy::run(command, "as root, until the next start: twice the limit")
    };
    let see = || Remedy::run("ipcs -s", "lists them; `ipcrm -s ID` removes one that nobody wants");
    let used = rows.len() as u64;
    let number = Finding::new(
        "sysv-sets",
        "semaphore sets",
        Found::Count { used, limit: sets },
        "locks of sysv: and qt: segments among them (limit: SEMMNI)",
    );
    let number = mend_if(
        nearly_all(used, sets),
        number,
        "nearly as many as the kernel allows (SEMMNI)",
        [see(), remedy(3)],
    );
    let used = rows.iter().map(|row| row.count).sum();
    let meaning = format!(
        "in all sets (limit: SEMMNS); {} a set (SEMMSL), {} at once (SEMOPM)",
        told(per_set),
        told(at_once)
    );
    let sum =
        Finding::new("semaphores", "semaphores", Found::Count { used, limit: all.and_then(limit) }, meaning);
    let sum = mend_if(
        nearly_all(used, all),
        sum,
        "nearly as many as the kernel allows (SEMMNS)",
        [see(), remedy(1)],
    );
    vec![number, sum]
}

fn of_queues(limits: &sys::IpcLimits, used: u64) -> Finding {
    let meaning = format!(
        "of System V (limit: msgmni); {} bytes a message (msgmax), {} a queue (msgmnb)",
        told(limits.msgmax),
        told(limits.msgmnb)
    );
    let found = Found::Count { used, limit: limits.msgmni };
    let finding = Finding::new("message-queues", "message queues", found, meaning);
    let see = Remedy::run("ipcs -q", "lists them; `ipcrm -q ID` removes one that nobody wants");
    mend_if(nearly_all(used, limits.msgmni), finding, "nearly as many as the kernel allows (msgmni)", [see])
}

fn mend_if<const N: usize>(bad: bool, finding: Finding, meaning: &str, remedies: [Remedy; N]) -> Finding {
    if !bad {
        return finding;
    }
    remedies.into_iter().fold(finding.in_state(State::Mend, meaning), Finding::with_remedy)
}

fn told(number: Option<u64>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

fn limit(number: u64) -> Option<u64> {
    (number < NO_LIMIT).then_some(number)
}

fn huge_pages() -> Finding {
    let by_itself = sys::shmem_huge_pages().unwrap_or_else(|| "unknown".to_owned());
    let meaning = match sys::huge_pages() {
        None | Some((0, _, _)) => {
            "for shared memory by itself (shmem_enabled); none set aside (nr_hugepages)".to_owned()
        }
        Some((all, free, bytes)) => format!(
            "for shared memory by itself (shmem_enabled); {all} of {bytes} bytes set aside (nr_hugepages), {free} free"
        ),
    };
    Finding::new("huge-pages", "huge pages", Found::Words(by_itself), meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(few: u64) -> sys::IpcLimits {
        sys::IpcLimits {
            shmmax: Some(1 << 30),
            shmall: Some(few),
            shmmni: Some(few),
            msgmax: None,
            msgmnb: None,
            msgmni: Some(few),
            sem: Some([250, few, 32, few]),
        }
    }

    fn states(few: u64) -> Vec<State> {
        let segment = |id| {
            let facts = sys::ShmFacts {
                id,
                key: id,
                size: 1,
                uid: 0,
                gid: 0,
                mode: 0o600,
                removed: false,
                attached: 0,
                creator: 0,
                last_attach: None,
                last_detach: None,
                changed: None,
            };
            sys::ShmRow { facts, memory: None }
        };
        let set = |id| sys::SemRow { id, key: id, count: 1, mode: 0o600, uid: 0 };
        let segments: Vec<_> = (0..9).map(segment).collect();
        let sets: Vec<_> = (0..9).map(set).collect();
        let findings = [of_segments(&limits(few), &segments), of_sets(&limits(few), &sets)].concat();
        findings.into_iter().chain([of_queues(&limits(few), 9)]).map(|finding| finding.state).collect()
    }

    #[test]
    fn what_nears_a_limit_is_to_be_mended() {
        use State::{Mend, Ok};
        assert_eq!(states(11), [Ok; 6]);
        // The largest segment may be as large as segments may be.
        assert_eq!(states(10), [Mend, Mend, Ok, Mend, Mend, Mend]);
    }

    #[test]
    fn the_remedy_raises_the_limit_that_is_near() {
        let sets: Vec<_> =
            (0..9).map(|id| sys::SemRow { id, key: id, count: 1, mode: 0o600, uid: 0 }).collect();
        let findings = of_sets(&limits(10), &sets);
        let Some(Remedy::Run { command, .. }) = findings[0].remedies.last() else { panic!("{findings:?}") };
        assert_eq!(command, "sysctl -w kernel.sem=\"250 10 32 20\"");
    }
}

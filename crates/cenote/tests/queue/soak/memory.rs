//! What those need who stay all the time: it must be the same at the end as when they were warm.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::Stage;

const PAGE: u64 = 4;

/// How much more than before a process may need: memory for what it does at once, at the worst moment; and something is
/// always under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slack {
    memory: u64,
    others: u64,
}

/// Of a worker: it has another file or mapping while it comes anew.
pub(super) const WORKERS: Slack = Slack { memory: 512, others: 2 };
/// Of the test: its books, and the pipes of all whom the courses start.
pub(super) const OURS: Slack = Slack { memory: 64 << 10, others: 100 };

/// What a process needs: memory of its own in KiB, open files, and mappings. What it shares is counted by the mappings, and
/// in `/dev/shm`: how much of that it has touched says nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    memory: u64,
    files: u64,
    mappings: u64,
}

impl Needs {
    fn of(process: u32) -> Self {
        let read = |what: &str| fs::read_to_string(format!("/proc/{process}/{what}")).unwrap();
        let pages: Vec<u64> =
            read("statm").split_whitespace().map(|word| word.parse().expect("a number")).collect();
        let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count() as u64;
        Self { memory: (pages[1] - pages[2]) * PAGE, files, mappings: read("maps").lines().count() as u64 }
    }

    fn most(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            files: self.files.max(other.files),
            mappings: self.mappings.max(other.mappings),
        }
    }
}

/// Of each of those who stay: the most until they were warm, and since; and of their files.
pub(super) struct Household {
    slack: Slack,
    processes: Vec<(u32, Needs, Needs)>,
    shm: (u64, u64),
    /// What the stage has been told of these.
    told: u64,
}

impl Household {
    pub(super) fn new(slack: Slack) -> Self {
        Self { slack, processes: Vec::new(), shm: (0, 0), told: 0 }
    }

    pub(super) fn look(&mut self, staying: impl Iterator<Item = u32>, files: &[PathBuf], stage: &Stage) {
        let mut largest = 0;
        for process in staying {
            if !self.processes.iter().any(|(known, ..)| *known == process) {
                self.processes.push((process, Needs::default(), Needs::default()));
            }
            let needs = Needs::of(process);
            largest = largest.max(needs.memory);
            let known = self.processes.iter_mut().find(|(known, ..)| *known == process);
            let (_, warm, since) = known.expect("it was there, or was put there");
            let most = if stage.is_warm() { since } else { warm };
            *most = most.most(needs);
        }
        let shm: u64 = files.iter().map(|file| fs::metadata(file).unwrap().blocks() / 2).sum();
        let most = if stage.is_warm() { &mut self.shm.1 } else { &mut self.shm.0 };
        *most = shm.max(*most);
        stage.shm.fetch_add(shm.wrapping_sub(self.told), Ordering::Relaxed);
        self.told = shm;
        stage.largest.fetch_max(largest, Ordering::Relaxed);
    }

    /// That nobody has grown, in numbers.
    pub(super) fn verdict(&self) -> String {
        let mut said = Vec::new();
        for (process, warm, since) in &self.processes {
            let is_flat = |warm: u64, since: u64, slack: u64| since <= warm + slack;
            assert!(
                is_flat(warm.memory, since.memory, self.slack.memory)
                    && is_flat(warm.files, since.files, self.slack.others)
                    && is_flat(warm.mappings, since.mappings, self.slack.others),
                "process {process} has grown from {warm:?} to {since:?}, beyond {:?}",
                self.slack
            );
            said.push(format!("{} then {} KiB", warm.memory, since.memory));
        }
        assert!(self.shm.1 <= self.shm.0, "more in /dev/shm: {:?} KiB", self.shm);
        let shm = format!("in /dev/shm {} then {} KiB", self.shm.0, self.shm.1);
        format!("of their own {}; {shm}", said.join(", "))
    }
}

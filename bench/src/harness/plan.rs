//! What a pair of processes shall do, as a small text that both are started with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::scratch::MEMORY;
use crate::tests::Test;

/// How an end waits for its turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Wait {
    /// It looks again and again.
    Spin,
    /// It sleeps in the kernel until it is woken.
    Sleep,
}

/// What a contender needs to know to make its ends in either process.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Config {
    /// For names of anything; nobody else uses it, and what bears it in /dev/shm is swept.
    pub(crate) name: String,
    /// For files of any kind; it goes with the run.
    pub(crate) folder: PathBuf,
    /// The first of [`KEYS`] keys of System V.
    pub(crate) key: i32,
    /// The bytes of every message: a multiple of 8.
    pub(crate) bytes: usize,
    /// How many messages a ring should have room for.
    pub(crate) depth: usize,
    pub(crate) wait: Wait,
    /// How many receive; more than one only where one publishes to all.
    pub(crate) subscribers: usize,
}

/// Keys of System V that each link may use.
pub(crate) const KEYS: i32 = 4;

impl Config {
    /// The same for the link to one of several.
    pub(crate) fn of_subscriber(&self, index: usize) -> Self {
        Self {
            name: format!("{}.{index}", self.name),
            key: self.key + KEYS * index as i32,
            subscribers: 1,
            ..self.clone()
        }
    }

    pub(crate) fn words(&self) -> usize {
        self.bytes / 8
    }

    /// A path for a socket, a FIFO or a file, `purpose` telling them apart.
    pub(crate) fn path(&self, purpose: &str) -> PathBuf {
        self.folder.join(format!("{}-{purpose}", self.name))
    }

    /// A path in the file system of POSIX shared memory.
    pub(crate) fn memory(&self) -> PathBuf {
        Path::new(MEMORY).join(&self.name)
    }
}

/// Everything that a process of a pair is told.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) contender: String,
    pub(crate) test: Test,
    pub(crate) config: Config,
    /// Where the first process runs, and the others.
    pub(crate) cores: [usize; 2],
    /// Who started the processes; they do not outlive it.
    pub(crate) parent: i32,
    /// How long a sample should take.
    pub(crate) sample_ns: u64,
    /// The memory that they are told things through, one for each of the other processes.
    pub(crate) controls: Vec<PathBuf>,
}

impl Plan {
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("a plan is text and numbers")
    }

    pub(crate) fn parse(text: &str) -> Result<Self, super::Fault> {
        serde_json::from_str(text).map_err(super::fault("the plan"))
    }
}

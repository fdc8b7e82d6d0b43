//! What came out of killing an operation: for messages, and for tests that count.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::step::Step;

/// What an operation does, and how often it was killed in it.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) operation: String,
    /// Those of the child that came through; nothing of children that were not followed.
    pub(super) steps: Vec<Step>,
    pub(super) killed: usize,
    pub(super) completed: usize,
    pub(super) seed: Option<u64>,
    /// The steps of all children together, and the time they took with starts and deaths.
    pub(super) followed: usize,
    pub(super) time: Duration,
}

impl Report {
    /// Every step of the operation, in order, as the child did them that was not killed. Empty for
    /// [`at_random`](super::at_random), which follows nobody.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many of the steps are stores to shared memory.
    #[must_use]
    pub fn stores(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Store(_))).count()
    }

    /// How many of the steps are system calls.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.steps.len() - self.stores()
    }

    /// How many children were killed.
    #[must_use]
    pub fn killed(&self) -> usize {
        self.killed
    }

    /// How many children came through.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.completed
    }

    /// How many steps of children were followed in a second, the starts of the children included.
    #[must_use]
    pub fn steps_per_second(&self) -> f64 {
        self.followed as f64 / self.time.as_secs_f64()
    }
}

/// `` `publish`: 6 killed, 1 came through, in 24 ms; steps: 5 (fcntl 2, open 1, store 2), 815 a second ``
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, killed, completed, time, steps, .. } = self;
        write!(f, "`{operation}`: {killed} killed, {completed} came through, in {} ms", time.as_millis())?;
        if let Some(seed) = self.seed {
            return write!(f, "; at random, seed {seed}");
        }
        let mut kinds = BTreeMap::<String, usize>::new();
        for step in steps {
            let kind = match step {
                Step::Call(call) => call.to_string(),
                Step::Store(_) => "store".to_owned(),
            };
            *kinds.entry(kind).or_default() += 1;
        }
        let kinds: Vec<String> = kinds.iter().map(|(kind, times)| format!("{kind} {times}")).collect();
        write!(f, "; steps: {} ({}), ", steps.len(), kinds.join(", "))?;
        write!(f, "{:.0} a second", self.steps_per_second())
    }
}

//! The side that dies: the same program, started once more with the name of an operation.

use std::cell::Cell;
use std::env;
use std::process::{Command, exit};
use std::time::Duration;

use super::tracer;
use crate::agent;
use crate::words::{decode, encode};

const ASKED: &str = "CENOTE_TEST_KILL_POINTS";
/// In nanoseconds, for a child that is to die at a moment and not at a point.
const DELAY: &str = "CENOTE_TEST_KILL_AFTER";

/// The process that does an operation, and is killed in the middle of it.
#[derive(Debug)]
pub struct Child {
    words: Vec<String>,
    has_stepped: Cell<bool>,
}

impl Child {
    /// The word number `index` of those that the test gave to [`Round::child`](super::Round::child).
    ///
    /// # Panics
    /// If there are not so many.
    #[track_caller]
    #[must_use]
    pub fn word(&self, index: usize) -> &str {
        self.words.get(index).unwrap_or_else(|| panic!("{index} is past the last of {:?}", self.words))
    }

    /// Does `work`, whose steps are counted and lead to death. What comes before it is preparation, and what
    /// comes after it is done by one child only, the last.
    ///
    /// # Panics
    /// If it is called twice, or the system does not let this process be traced.
    pub fn steps<R>(&self, work: impl FnOnce() -> R) -> R {
        assert!(!self.has_stepped.replace(true), "the steps of an operation are in one piece");
        let delay = env::var(DELAY).ok().and_then(|delay| delay.parse().ok());
        let marks = tracer::begin(delay.map(Duration::from_nanos));
        let result = work();
        marks.end();
        result
    }
}

/// What is killed: it prepares itself and calls [`Child::steps`].
pub type Operation = fn(&Child);

/// Does the operation that this process was started for, and ends the process; in an ordinary run it does
/// nothing.
///
/// # Panics
/// If there is no operation of that name, or it has no steps.
pub fn serve_if_asked(operations: &[(&str, Operation)]) {
    let Ok(asked) = env::var(ASKED) else { return };
    let mut words = asked.split(' ').map(decode);
    let name = words.next().unwrap_or_default();
    let Some((_, operation)) = operations.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = operations.iter().map(|(known, _)| *known).collect();
        panic!("there is no operation `{name}` among {known:?}");
    };
    let child = Child { words: words.collect(), has_stepped: Cell::new(false) };
    operation(&child);
    assert!(child.has_stepped.get(), "`{name}` never calls `Child::steps`");
    exit(0);
}

/// The command that starts this program once more, to do an operation.
pub(super) fn command(operation: &str, words: &[&str], delay: Option<Duration>) -> Command {
    let mut asked = encode(operation);
    for word in words {
        asked.push(' ');
        asked.push_str(&encode(word));
    }
    let mut command = agent::again();
    // An ordinary program, as an example in a documentation is, has no use for these words.
    command.args(["kill_points", "--exact", "--nocapture", "--quiet", "--test-threads=1"]);
    command.env(ASKED, asked);
    if let Some(delay) = delay {
        command.env(DELAY, delay.as_nanos().to_string());
    }
    command
}

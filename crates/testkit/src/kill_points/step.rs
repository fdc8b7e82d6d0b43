//! What a process does that others can see, and the moments between.

use std::fmt;
use std::sync::Arc;

use super::calls;

/// One thing that others can see: nothing between two steps changes what they find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A system call, whatever it does.
    Call(Call),
    /// A store to memory that is mapped shared, whether it changes the bytes or not.
    Store(Store),
}

/// A system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number on this system.
    pub number: i64,
}

impl Call {
    /// Its name, if it is one of those that have been given one here.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        calls::name(self.number)
    }
}

/// A store to shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// What is mapped there, as `/proc/PID/maps` calls it: a path, `/memfd:LABEL (deleted)`, `/SYSV...`.
    pub mapping: Arc<str>,
    /// Where in the mapped file it begins, in bytes.
    pub offset: u64,
    /// Whether the instruction has stored before and goes on: the later bytes of a `rep movsb`.
    pub goes_on: bool,
}

impl Step {
    /// The name of the call; nothing for a store.
    #[must_use]
    pub fn call(&self) -> Option<&'static str> {
        match self {
            Self::Call(call) => call.name(),
            Self::Store(_) => None,
        }
    }

    /// The offset of the store; nothing for a call.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Call(_) => None,
            Self::Store(store) => Some(store.offset),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => write!(f, "{call}"),
            Self::Store(Store { mapping, offset, .. }) => write!(f, "the store to {mapping} at {offset}"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name}"),
            None => write!(f, "system call {}", self.number),
        }
    }
}

/// A moment at which a process can die: after one step, and before the next. What it does in between, no
/// other process can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// How many steps have been done.
    pub number: usize,
    /// The last step that was done; nothing before the first.
    pub after: Option<Step>,
    /// The step that would have been next; nothing behind the last.
    pub before: Option<Step>,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "point {}: ", self.number)?;
        match (&self.after, &self.before) {
            (None, None) => write!(f, "there are no steps"),
            (None, Some(before)) => write!(f, "before {before}, the first step"),
            (Some(after), None) => write!(f, "after {after}, the last step"),
            (Some(after), Some(before)) => write!(f, "after {after}, before {before}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_says_where_it_is() {
        let store = Step::Store(Store { mapping: "/dev/shm/x".into(), offset: 8, goes_on: false });
        let point = |after: Option<&Step>, before: Option<&Step>| {
            Point { number: 3, after: after.cloned(), before: before.cloned() }.to_string()
        };
        assert_eq!(point(None, Some(&store)), "point 3: before the store to /dev/shm/x at 8, the first step");
        assert_eq!(point(Some(&store), None), "point 3: after the store to /dev/shm/x at 8, the last step");
        let unknown = Step::Call(Call { number: 1 << 40 });
        assert!(point(Some(&unknown), Some(&store)).contains("after system call 1099511627776, before"));
    }
}

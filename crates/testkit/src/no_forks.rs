//! An agent on a system that does not fork: nobody asks it to.

use cenote::Segment;

const NO_FORKS: &str = "processes do not fork here";

pub(crate) fn run(words: &[&str], _segment: &Segment) -> String {
    panic!("{NO_FORKS}: fork {words:?}");
}

pub(crate) fn split() -> Option<bool> {
    panic!("{NO_FORKS}");
}

pub(crate) fn leave(_content: bool) -> ! {
    panic!("{NO_FORKS}");
}

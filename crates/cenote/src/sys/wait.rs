//! How long somebody is willing to wait, and how to wait where the system has no timed call.

use std::time::{Duration, Instant};

/// How long to wait for a lock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    /// Not at all.
    Try,
    /// Until that moment.
    Until(Instant),
    /// As long as it takes.
    Forever,
}

impl Wait {
    /// `None` is for ever; so is a time too far away to be told.
    pub(crate) fn up_to(timeout: Option<Duration>) -> Self {
        timeout.and_then(|timeout| Instant::now().checked_add(timeout)).map_or(Self::Forever, Self::Until)
    }

    /// Whether there was a time to wait, and it is over.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Until(end) if Instant::now() >= end)
    }

    /// The time left: `None` when it is over, otherwise at most `most`.
    pub(crate) fn left(self, most: Duration) -> Option<Duration> {
        match self {
            Self::Try => None,
            Self::Forever => Some(most),
            Self::Until(end) => {
                let left = end.saturating_duration_since(Instant::now());
                (!left.is_zero()).then_some(left.min(most))
            }
        }
    }
}

/// Looks again after growing pauses: quick at first, and never a burden.
pub(crate) struct Backoff {
    pause: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_micros(20);
    /// One look costs about 1 us, so that waiting takes a thousandth of a core at most.
    const LONGEST: Duration = Duration::from_millis(1);

    pub(crate) fn new() -> Self {
        Self { pause: Self::FIRST }
    }

    /// Pauses; false once the waiting is over.
    pub(crate) fn pause(&mut self, wait: Wait) -> bool {
        let Some(pause) = wait.left(self.pause) else { return false };
        std::thread::sleep(pause);
        self.pause = (self.pause * 2).min(Self::LONGEST);
        true
    }
}

//! What algorithms need of the system: sleeping, waking, and to learn of deaths. Loom's models have their own.

use super::lock::Holder;
use crate::sys::Wait;

/// How to sleep, and to wake.
pub(crate) trait Sleeper<W> {
    /// Sleeps while the low half is `half`: until it is woken, the wait ends, or a moment is over.
    fn sleep(&self, word: &W, half: u32, wait: Wait);

    /// Wakes one that sleeps.
    fn wake_one(&self, word: &W);

    /// Wakes all that sleep.
    fn wake_all(&self, word: &W);

    /// Leaves the words alone for a moment.
    fn pause(&self);
}

/// Who also knows who lives.
pub(crate) trait Door<W>: Sleeper<W> {
    type Error;

    /// Whether an attachment is no more.
    fn is_gone(&self, holder: Holder) -> Result<bool, Self::Error>;
}

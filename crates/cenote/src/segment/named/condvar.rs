//! Waiting, without a lock, for something that is looked at with it.

use std::time::Duration;

use super::{Guard, Named};
use crate::error::Result;
use crate::sys::Wait;

/// How long the lock is waited for at least, where nothing else is said.
const AGAIN: Duration = Duration::from_secs(1);

/// A condition variable in a native segment, by [`Segment::condvar`](crate::Segment::condvar): who waits lets go of a
/// lock, sleeps until somebody notifies, and has the lock again.
///
/// What is waited for lies in the segment, and is looked at with the lock: waking up says only that it may have come. A
/// notifier that dies between notifying and waking has the others wait some ten milliseconds longer; who dies waiting
/// keeps nobody.
///
/// ```
/// # let name = format!("cenote-doc-condvar-{}", std::process::id());
/// use std::time::Duration;
///
/// let segment = cenote::Segment::create(name.as_str(), 4096)?;
/// let changed = segment.condvar("changed")?;
/// let mut guard = segment.lock()?;
/// # segment.write_at(0, &[1])?;
/// while guard.read_value::<u8>(0)? == 0 {
///     guard = changed.wait(guard, Duration::from_secs(1))?.0;
/// }
/// // Elsewhere, after writing with the lock:
/// changed.notify_all()?;
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Condvar<'a>(Named<'a>);

impl<'a> Condvar<'a> {
    pub(super) fn new(named: Named<'a>) -> Self {
        Self(named)
    }

    /// Lets go of the lock, waits until somebody notifies, but not longer than `timeout`, and takes the lock again, for
    /// which it waits as long as [`Options::timeout`](crate::Options::timeout) allows, and without that once more as long as
    /// `timeout`, and no less than a second. Gives the new guard, which may tell that the lock was [abandoned](Guard::abandoned) meanwhile, and whether
    /// somebody has notified.
    ///
    /// A guard that tells of a death is for mending first: whoever has the lock while this one waits is told of nothing.
    ///
    /// # Errors
    /// Those of letting go and of taking it, `Timeout` among them; then the lock is not held any more.
    pub fn wait<'g>(&self, guard: Guard<'g>, timeout: Duration) -> Result<(Guard<'g>, bool)> {
        let wait = Wait::up_to(Some(timeout));
        let listened = self.0.during("wait in", self.0.native.listen(self.0.place))?;
        let paused = guard.pause()?;
        let came = self.0.native.wait_for_notice(self.0.place, listened, wait);
        let guard = paused.resume(timeout.max(AGAIN))?;
        Ok((guard, self.0.during("wait in", came)?))
    }

    /// Wakes all that wait.
    ///
    /// # Errors
    /// `LockError` (in a forked child that has not attached itself), `Corrupt`.
    pub fn notify_all(&self) -> Result<()> {
        self.0.during("notify in", self.0.native.notify(self.0.place))
    }
}

//! Something that has happened, or not yet.

use std::time::Duration;

use super::Named;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Wait;

/// An event in a native segment, by [`Segment::event`](crate::Segment::event): set or not, and those who wait for it.
///
/// It has no holder, and stays as it is when a process dies: what was set is set. Who dies between setting it and waking
/// the others has them wait some ten milliseconds longer. Who dies having [taken](Self::take) it has taken it.
///
/// ```
/// # let name = format!("cenote-doc-event-{}", std::process::id());
/// let segment = cenote::Segment::create(name.as_str(), 4096)?;
/// let ready = segment.event("ready")?;
/// assert!(!ready.is_set()?);
/// ready.set()?;
/// ready.wait()?; // goes on at once, as for everybody
/// ready.reset()?;
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Event<'a>(Named<'a>);

impl<'a> Event<'a> {
    pub(super) fn new(named: Named<'a>) -> Self {
        Self(named)
    }

    /// Whether it is set.
    ///
    /// # Errors
    /// `LockError` (in a forked child that has not attached itself), `Corrupt`.
    pub fn is_set(&self) -> Result<bool> {
        self.0.during("look at an event in", self.0.native.event_is_set(self.0.place))
    }

    /// Sets it, and lets all go on that wait: false if it was set already. Who has not come to look by the time that
    /// somebody resets it, or takes it, goes on waiting.
    ///
    /// # Errors
    /// Those of [`is_set`](Self::is_set).
    pub fn set(&self) -> Result<bool> {
        self.0.during("set an event in", self.0.native.set_event(self.0.place))
    }

    /// From now on whoever comes waits: false if it was not set.
    ///
    /// # Errors
    /// Those of [`is_set`](Self::is_set).
    pub fn reset(&self) -> Result<bool> {
        self.0.during("reset an event in", self.0.native.reset_event(self.0.place))
    }

    /// Waits until it is set.
    ///
    /// # Errors
    /// Those of [`is_set`](Self::is_set).
    pub fn wait(&self) -> Result<()> {
        self.until(false, Wait::Forever)
    }

    /// Waits until it is set, but not longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and those of [`is_set`](Self::is_set).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        self.until(false, Wait::up_to(Some(timeout)))
    }

    /// Waits until it is set, and resets it: each time that it is set, one of those who take goes on.
    ///
    /// # Errors
    /// Those of [`is_set`](Self::is_set).
    #[doc(alias = "auto-reset")]
    pub fn take(&self) -> Result<()> {
        self.until(true, Wait::Forever)
    }

    /// The same, but not longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and those of [`is_set`](Self::is_set).
    pub fn take_timeout(&self, timeout: Duration) -> Result<()> {
        self.until(true, Wait::up_to(Some(timeout)))
    }

    fn until(&self, take: bool, wait: Wait) -> Result<()> {
        let came = self.0.native.wait_for_event(self.0.place, take, wait);
        if self.0.during("wait for an event in", came)? {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Timeout, "nobody has set it")
            .with_hint("`cenote show` names those who could; or wait longer");
        Err(error.during("wait for an event in", self.0.segment.address()))
    }
}

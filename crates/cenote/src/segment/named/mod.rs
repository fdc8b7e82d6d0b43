//! What a native segment has by name: locks, locks with readers, semaphores, events, condition variables.

mod condvar;
mod event;
mod lock;
mod rwlock;
mod semaphore;
mod share;

pub use condvar::Condvar;
pub use event::Event;
pub use lock::NamedLock;
pub use rwlock::{ReadGuard, RwLock};
pub use semaphore::{Permit, Semaphore};

use std::fmt;
use std::time::Duration;

use super::{Guard, Segment};
use crate::backend::AttachedNative;
use crate::backend::lock::{Locked, Locker};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::PlaceKind;
use crate::sys::Wait;

/// How long the door may be somebody else's: whoever has it is gone in microseconds.
const DOOR_PATIENCE: Duration = Duration::from_secs(5);

/// Things with a name: made by the first to ask for them, and there as long as the segment is. A segment has room for
/// 16, whose names have at most 40 bytes. One name is one thing: asked for as another, it is `Incompatible`.
///
/// They are of native segments that are attached read-write. With others they are `Unsupported`, or `PermissionDenied`.
impl Segment {
    /// One of several locks in the segment.
    ///
    /// ```
    /// # let name = format!("cenote-doc-named-{}", std::process::id());
    /// let segment = cenote::Segment::create(name.as_str(), 4096)?;
    /// let (left, right) = (segment.named_lock("left")?, segment.named_lock("right")?);
    /// let guard = left.lock()?;
    /// guard.write_at(0, b"mine")?;
    /// assert!(left.try_lock()?.is_none() && right.try_lock()?.is_some());
    /// # drop(guard);
    /// # Ok::<(), cenote::Error>(())
    /// ```
    ///
    /// # Errors
    /// `KeyError` (a name of no bytes, or of too many), `Incompatible`, `OutOfResources` (all places are taken),
    /// `Unsupported`, `PermissionDenied`, `Timeout` (a stopped process kept others from making it).
    pub fn named_lock(&self, name: &str) -> Result<NamedLock<'_>> {
        self.named("find a named lock in", name, PlaceKind::Lock, 0).map(NamedLock::new)
    }

    /// A lock that many can have for reading, or one for writing.
    ///
    /// # Errors
    /// Those of [`named_lock`](Self::named_lock).
    pub fn rw_lock(&self, name: &str) -> Result<RwLock<'_>> {
        self.named("find an rwlock in", name, PlaceKind::RwLock, 0).map(RwLock::new)
    }

    /// A semaphore of so many permits. A process that dies gives its own back.
    ///
    /// # Errors
    /// Those of [`named_lock`](Self::named_lock). `InvalidSize` if there are to be none, `Incompatible` also if it has another number of them.
    pub fn semaphore(&self, name: &str, permits: u32) -> Result<Semaphore<'_>> {
        if permits == 0 {
            let error = Error::new(ErrorKind::InvalidSize, "nobody could ever have one of 0 permits")
                .with_hint("make it with 1 or more");
            return Err(error.during("make a semaphore in", &self.address));
        }
        let named = self.named("find a semaphore in", name, PlaceKind::Semaphore, permits)?;
        Ok(Semaphore::new(named, permits))
    }

    /// An event, not set at first.
    ///
    /// # Errors
    /// Those of [`named_lock`](Self::named_lock).
    pub fn event(&self, name: &str) -> Result<Event<'_>> {
        self.named("find an event in", name, PlaceKind::Event, 0).map(Event::new)
    }

    /// A condition variable, for the segment's lock or one of its named ones.
    ///
    /// # Errors
    /// Those of [`named_lock`](Self::named_lock).
    pub fn condvar(&self, name: &str) -> Result<Condvar<'_>> {
        self.named("find a condvar in", name, PlaceKind::Condvar, 0).map(Condvar::new)
    }

    fn named(&self, what: &'static str, name: &str, kind: PlaceKind, permits: u32) -> Result<Named<'_>> {
        let found = self.attached().native().and_then(|native| {
            let wait = Wait::up_to(Some(self.timeout.unwrap_or(DOOR_PATIENCE)));
            Ok(Named { segment: self, native, place: native.place(name, kind, permits, wait)? })
        });
        found.map_err(|error| error.during(what, &self.address))
    }
}

/// Where something with a name is.
#[derive(Clone, Copy)]
struct Named<'a> {
    segment: &'a Segment,
    native: &'a AttachedNative,
    place: u32,
}

impl fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named")
            .field("segment", self.segment)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl<'a> Named<'a> {
    /// A guard, if the wait did not end first.
    fn guard(self, locked: Result<Option<Locked>>) -> Result<Option<Guard<'a>>> {
        let native: &dyn Locker = self.native;
        Ok(self.during("lock", locked)?.map(|locked| Guard::new(self.segment, native, locked)))
    }

    fn during<T>(&self, what: &'static str, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.during(what, &self.segment.address))
    }

    #[cold]
    fn timed_out(&self, what: &'static str, why: &'static str) -> Error {
        Error::new(ErrorKind::Timeout, why).during(what, &self.segment.address)
    }
}

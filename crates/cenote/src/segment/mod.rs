//! Segments: attached memory, its bytes and its lock, the same for every kind.

mod content;
mod guard;
pub mod handover;
mod named;
mod options;
mod sealed;
mod view;

use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use zerocopy::{FromBytes, Immutable, IntoBytes};

pub use guard::Guard;
pub use named::{Condvar, Event, NamedLock, Permit, ReadGuard, RwLock, Semaphore};
pub use options::Options;
pub use sealed::{SealError, Sealed};
pub use view::View;

use crate::address::Address;
use crate::backend::lock::{Locked, Locker, Quick};
use crate::backend::{self, Attached, Stat};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Wait;

/// How long a drop waits for a lock that detaching asks for; `detach()` waits as long as its options say.
const DROP_WAITS: Duration = Duration::from_secs(1);

/// Shared memory, attached to this process.
///
/// Other processes may change its bytes at any time, so they are copied in and out: no call here can be made to
/// misbehave by what they do. Copies of 1, 2, 4 and 8 bytes at a multiple of their size are never torn; all others may
/// mix old and new bytes, unless everybody takes the [lock](Self::lock).
///
/// Dropped, it detaches; [`detach`](Self::detach) does so and reports errors. It may be used by many threads at once.
/// A forked child may go on using it: it has locks of its own, and never those that its parent held at the fork. Of a
/// native segment it has the bytes, and is a holder, who can lock, only when it has attached it itself.
///
/// If another process shrinks the file behind it, accesses fail with [`ErrorKind::Corrupt`] from then on; the process
/// lives on. (This takes a handler for SIGBUS, installed with the first segment of kind `posix`, `file` or `memfd`; it
/// passes on all faults elsewhere.)
///
/// ```
/// use cenote::Segment;
/// # let name = format!("posix:/cenote-doc-{}", std::process::id());
/// # let name = name.as_str();
/// let server = Segment::create(name, 1024)?;
/// server.lock()?.write_at(0, b"Hello, Client!\0")?;
///
/// let client = Segment::options().read_only().attach(name)?;
/// assert_eq!(client.lock()?.read_to_vec(..14)?, b"Hello, Client!");
///
/// Segment::remove(name)?;
/// # Ok::<(), cenote::Error>(())
/// ```
pub struct Segment {
    address: Address,
    /// None only while it is detached.
    attached: Option<Box<dyn Attached>>,
    /// A lock to use instead of the segment's own.
    elsewhere: Option<Box<dyn Locker>>,
    timeout: Option<Duration>,
    created: bool,
    /// Whether its own lock is used, and that is one that can be taken quickly.
    quick: bool,
}

impl Segment {
    /// How to create or attach, if not in the usual way.
    pub fn options() -> Options {
        Options::new()
    }

    /// Makes a segment of `size` zero bytes and attaches to it, read-write, for this user alone.
    ///
    /// The memory is reserved: a full `/dev/shm` or memory cgroup is an error now, not a crash later.
    ///
    /// # Errors
    /// `AlreadyExists`, `InvalidSize` (0, or beyond what the system allows), `OutOfResources`, `PermissionDenied`,
    /// `KeyError` (the name cannot be used), `Unsupported` (this kind, here). With Qt's kinds it waits for their lock.
    /// Under a native name there may be what is no segment, or a damaged one: see [`attach`](Self::attach).
    pub fn create<A>(address: A, size: u64) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().create(address, size)
    }

    /// Attaches to a segment that exists, read-write.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `InvalidSize` (it has no size yet), `KeyError`, `Untrusted`, `Unsupported`.
    /// With Qt's kinds it waits for their lock: give [`Options::timeout`] if that must not be for ever.
    /// Of a native segment also `Corrupt`, `Incompatible` (another version's), `OutOfResources` (256 may write at a time),
    /// `LockError` (somebody keeps readers out), `Timeout` (somebody is stopped while it comes or leaves; without a
    /// timeout that is waited for five seconds) and `Unknown` (it appears and disappears all the time).
    pub fn attach<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().attach(address)
    }

    /// Attaches to a segment of at least `size` bytes, or makes it if there is none.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`attach`](Self::attach); `InvalidSize` if there is one that is smaller.
    pub fn open_or_create<A>(address: A, size: u64) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().open_or_create(address, size)
    }

    /// Takes a segment's name away. Whoever has it attached keeps the memory; nobody new can attach.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `KeyError` (what is there is no segment; under a native name that is `Untrusted`).
    /// Of a native segment also `Timeout`, `LockError` and `Unknown`, as in [`attach`](Self::attach).
    pub fn remove<A>(address: A) -> Result<()>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().remove(address)
    }

    /// What the system knows of a segment, without attaching to it.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `KeyError`; of a native segment also `Untrusted`, `Corrupt`, `Incompatible` and
    /// `LockError`.
    pub fn stat_of<A>(address: A) -> Result<Stat>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        let address = address.try_into()?;
        backend::of(&address)
            .and_then(|backend| backend.stat())
            .map_err(|error| error.during("look at", &address))
    }

    /// Where it is. Of new anonymous memory (`memfd:label`), and of what was received, that is this process and its
    /// descriptor, `memfd:PID/FD`: there others find it.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its size in bytes, as it was when it was attached.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no segment is empty")]
    pub fn len(&self) -> usize {
        self.attached().mapping().len()
    }

    /// Whether it was attached read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        !self.attached().mapping().writable()
    }

    /// Whether this handle made the segment, rather than found it.
    #[must_use]
    pub fn was_created(&self) -> bool {
        self.created
    }

    /// What the system knows of it now: also that its name is gone, although it is attached.
    ///
    /// # Errors
    /// What the system says, which is nothing as a rule; `Corrupt` and `Incompatible` if a native segment was damaged.
    pub fn stat(&self) -> Result<Stat> {
        let stat = self.attached().stat().map_err(|error| error.during("look at", &self.address))?;
        // With the name gone, or given to another, nobody can join this segment any more.
        let named = backend::of(&self.address).and_then(|backend| backend.mapped());
        let given_away = named.is_ok_and(|named| self.attached().mapped().is_ok_and(|ours| ours != named));
        let removed = stat.removed || given_away;
        Ok(Stat { removed, ..stat })
    }

    /// Waits until nobody else has the lock, and takes it.
    ///
    /// The lock is that of the segment's kind, shared with all programs that follow the kind's rules: see the table of
    /// addresses in `docs/addresses.md`. A thread that has it and calls this again waits for itself, for ever.
    /// If the holder dies, the kernel frees the lock, or, of a native segment, tells the next one that it may take it
    /// over; [`Guard::abandoned`] tells where that can be known. A native segment's lock lies in it: read-only
    /// attachments have no part in it (`PermissionDenied`). POSIX named
    /// semaphores, and so `qt:posix:` segments, are the exception, and on Windows Qt's: there a dead holder's lock stays
    /// locked until somebody [breaks](Options::break_lock) it.
    ///
    /// # Errors
    /// `LockError`, `PermissionDenied` (the lock belongs to another user), `Unsupported`, `Corrupt` (the memory that the
    /// lock lies in is gone).
    #[inline]
    pub fn lock(&self) -> Result<Guard<'_>> {
        match self.lock_quickly() {
            Some(guard) => Ok(guard),
            None => self.lock_or_time_out(Wait::Forever),
        }
    }

    /// Takes the lock if nobody has it: `None` otherwise.
    ///
    /// # Errors
    /// Those of [`lock`](Self::lock).
    #[inline]
    pub fn try_lock(&self) -> Result<Option<Guard<'_>>> {
        match self.lock_quickly() {
            Some(guard) => Ok(Some(guard)),
            None => self.lock_until(Wait::Try),
        }
    }

    /// Waits for the lock, but not longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, and those of [`lock`](Self::lock).
    #[inline]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Guard<'_>> {
        match self.lock_quickly() {
            Some(guard) => Ok(guard),
            None => self.lock_or_time_out(Wait::up_to(Some(timeout))),
        }
    }

    /// A part of the segment, by offset and length in bytes.
    ///
    /// # Errors
    /// `InvalidSize` if it does not lie within the segment.
    pub fn view(&self, offset: usize, len: usize) -> Result<View<'_>> {
        self.whole().view(offset, len)
    }

    /// See [`View::read_at`].
    ///
    /// # Errors
    /// `InvalidSize`, `Corrupt`.
    #[inline]
    pub fn read_at(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        self.whole().read_at(offset, to)
    }

    /// See [`View::read_to_vec`].
    ///
    /// # Errors
    /// `InvalidSize`, `Corrupt`, `OutOfResources`.
    pub fn read_to_vec(&self, range: impl RangeBounds<usize>) -> Result<Vec<u8>> {
        self.whole().read_to_vec(range)
    }

    /// See [`View::read_value`].
    ///
    /// # Errors
    /// `InvalidSize`, `Corrupt`.
    #[inline]
    pub fn read_value<T: FromBytes>(&self, offset: usize) -> Result<T> {
        self.whole().read_value(offset)
    }

    /// See [`View::write_at`].
    ///
    /// # Errors
    /// `InvalidSize`, `PermissionDenied`, `Corrupt`.
    #[inline]
    pub fn write_at(&self, offset: usize, from: &[u8]) -> Result<()> {
        self.whole().write_at(offset, from)
    }

    /// See [`View::write_value`].
    ///
    /// # Errors
    /// `InvalidSize`, `PermissionDenied`, `Corrupt`.
    #[inline]
    pub fn write_value<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) -> Result<()> {
        self.whole().write_value(offset, value)
    }

    /// See [`View::fill`].
    ///
    /// # Errors
    /// `InvalidSize`, `PermissionDenied`, `Corrupt`.
    pub fn fill(&self, range: impl RangeBounds<usize>, byte: u8) -> Result<()> {
        self.whole().fill(range, byte)
    }

    /// See [`View::copy_to`].
    ///
    /// # Errors
    /// `InvalidSize`, `PermissionDenied`, `Corrupt`.
    pub fn copy_to(&self, range: impl RangeBounds<usize>, to: View<'_>) -> Result<()> {
        self.whole().copy_to(range, to)
    }

    /// Detaches, does what the last to detach does by the rules of the kind, and reports errors.
    ///
    /// A Qt segment is removed by the last to detach, unless it had no holder when it was attached here, or was
    /// created or attached with [`Options::keep`]. The other kinds stay until they are removed.
    ///
    /// # Errors
    /// `Timeout` if Qt's lock could not be had in the time allowed, or a native segment's other users hold up those who
    /// leave; what the system says. The memory is detached even so.
    pub fn detach(mut self) -> Result<()> {
        let wait = Wait::up_to(self.timeout);
        let Some(attached) = self.attached.take() else { return Ok(()) };
        attached.detach(wait).map_err(|error| error.during("detach", &self.address))
    }

    fn whole(&self) -> View<'_> {
        View::whole(self.attached().mapping(), &self.address)
    }

    #[expect(clippy::expect_used, reason = "only detach() takes it out, and consumes self")]
    #[inline]
    fn attached(&self) -> &dyn Attached {
        self.attached.as_deref().expect("attached until it is dropped")
    }

    fn locker(&self) -> &dyn Locker {
        self.elsewhere.as_deref().unwrap_or_else(|| self.attached().locker())
    }

    /// The way of a lock that is free: short, so that it is compiled into whoever locks, and what it gives stays in
    /// registers. `None` says nothing.
    #[inline]
    fn lock_quickly(&self) -> Option<Guard<'_>> {
        if !self.quick {
            return None;
        }
        self.attached().lock_quickly().map(|locked| Guard::quick(self, locked))
    }

    #[inline(never)]
    fn lock_or_time_out(&self, wait: Wait) -> Result<Guard<'_>> {
        self.lock_until(wait)?.ok_or_else(|| self.timed_out())
    }

    fn lock_until(&self, wait: Wait) -> Result<Option<Guard<'_>>> {
        let locker = self.locker();
        let locked = locker.lock(wait).map_err(|error| error.during("lock", &self.address))?;
        Ok(locked.map(|locked| Guard::new(self, locker, locked)))
    }

    /// Lets go of the lock, unless it is the parent's and this is a forked child.
    #[inline(never)]
    fn unlock(&self, locker: &dyn Locker, locked: Locked) -> Result<()> {
        if !locked.is_ours() {
            return Ok(());
        }
        locker.unlock(locked).map_err(|error| error.during("unlock", &self.address))
    }

    /// The same for one that was free.
    #[inline]
    fn unlock_quickly(&self, locked: Quick) -> Result<()> {
        match self.attached().unlock_quickly(locked) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.during("unlock", &self.address)),
        }
    }

    #[cold]
    fn timed_out(&self) -> Error {
        let error = Error::new(ErrorKind::Timeout, "somebody else held the lock all the time");
        let error = match self.locker().timeout_hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        error.during("lock", &self.address)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(attached) = self.attached.take() {
            let wait = Wait::up_to(Some(self.timeout.unwrap_or(DROP_WAITS)));
            // `detach()` reports errors; here nobody could hear of them.
            let _ = attached.detach(wait);
        }
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Segment");
        debug.field("address", &self.address.to_string()).field("len", &self.len());
        debug.field("read_only", &self.is_read_only()).finish_non_exhaustive()
    }
}

/// A range's start and length, within `len` bytes. Out of bounds is left to the access itself to report.
pub(crate) fn resolve(range: &impl RangeBounds<usize>, len: usize) -> (usize, usize) {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len.max(start),
    };
    (start, end.saturating_sub(start))
}

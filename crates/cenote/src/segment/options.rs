//! How to create or attach, in the manner of `std::fs::OpenOptions`.

use std::ops::{Bound, RangeBounds};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Segment;
use super::content::another_lock;
use crate::address::{Address, Kind};
use crate::backend::lock::{from_elsewhere, semaphore_name, unbreakable};
use crate::backend::{self, Attached, Backend, Extent, How, Typed};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::Wait;

/// How long others may make and remove a segment while somebody wants it, where no time was given.
const RESTLESS: Duration = Duration::from_secs(5);

/// How to create or attach a segment, if not in the usual way.
///
/// ```
/// use cenote::Segment;
/// use std::time::Duration;
/// # let name = format!("posix:/cenote-doc-options-{}", std::process::id());
/// # let name = name.as_str();
/// let made = Segment::options().mode(0o640).create(name, 4096)?;
/// let read = Segment::options().read_only().timeout(Duration::from_secs(1)).attach(name)?;
/// assert!(read.write_at(0, b"no").is_err());
/// # Segment::remove(name)?;
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    how: How,
    file: Option<PathBuf>,
    lock_with: Option<Address>,
}

impl Options {
    /// Read-write, for this user alone, memory reserved, waiting as long as it takes.
    pub fn new() -> Self {
        Self {
            how: How {
                writable: true,
                mode: 0o600,
                sparse: false,
                extent: Extent::ALL,
                keep: false,
                timeout: None,
                content: None,
            },
            file: None,
            lock_with: None,
        }
    }

    /// Attach read-only: the system itself then refuses writes, and so does every call here.
    pub fn read_only(mut self) -> Self {
        self.how.writable = false;
        self
    }

    /// The permission bits of a new segment, as in `chmod`, whatever the umask. 0600 unless said otherwise.
    /// Those of a native segment let its owner read and write (`Unsupported` otherwise).
    pub fn mode(mut self, mode: u32) -> Self {
        self.how.mode = mode & 0o777;
        self
    }

    /// Do not reserve the memory of a new segment. It is then found when it is first touched; if there is none by
    /// then, the segment is lost (`Corrupt`), or the kernel kills somebody.
    pub fn sparse(mut self) -> Self {
        self.how.sparse = true;
        self
    }

    /// Attach only these bytes of the segment, for one that is larger than what is to be mapped here: offsets count
    /// from the first of them, and [`Segment::len`] is how many there are. They may begin anywhere; where the system
    /// maps from certain places only (pages, on Windows 64 KiB), a little more in front of them is mapped. The size of
    /// a new segment is not touched by this, nor is the lock: it is that of the whole segment.
    ///
    /// For native, `posix:`, `file:` and `windows:` segments; the systems attach the other kinds as a whole (`Unsupported`).
    /// A range that is empty, or not within the segment, is `InvalidSize`.
    ///
    /// ```
    /// # let name = format!("posix:/cenote-doc-range-{}", std::process::id());
    /// # let name = name.as_str();
    /// let whole = cenote::Segment::create(name, 100_000)?;
    /// whole.write_at(70_000, b"far away")?;
    /// let part = cenote::Segment::options().range(70_000..).attach(name)?;
    /// assert_eq!((part.len(), part.read_to_vec(..8)?), (30_000, b"far away".to_vec()));
    /// # cenote::Segment::remove(name)?;
    /// # Ok::<(), cenote::Error>(())
    /// ```
    #[doc(alias = "dwFileOffsetLow")]
    pub fn range(mut self, range: impl RangeBounds<u64>) -> Self {
        let from = match range.start_bound() {
            Bound::Included(&from) => from,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(&last) => Some(last.saturating_add(1)),
            Bound::Excluded(&to) => Some(to),
            Bound::Unbounded => None,
        };
        self.how.extent = Extent { from, to };
        self
    }

    /// Make a new `windows:` segment over this file, and not in the system's paging file: others find it by its name,
    /// and what they write is in the file when all have gone. A file that is there keeps its bytes and becomes as
    /// large as the segment, if it is smaller; otherwise it is made. It changes nothing for a segment that exists.
    ///
    /// Other kinds are `Unsupported`: `file:` segments are files without this.
    #[doc(alias = "CreateFileMapping")]
    pub fn over_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Leave the segment there when this handle detaches, even where the last to detach removes it by the rules of
    /// the kind (Qt). A native segment that is created with this is kept for all: it stays until somebody removes it.
    pub fn keep(mut self) -> Self {
        self.how.keep = true;
        self
    }

    /// How long creating, attaching, detaching and removing may wait for the lock that Qt's rules ask for; without
    /// this, as long as it takes. Native segments wait for others that attach or leave at this moment: without this, for
    /// 5 seconds at most. The other kinds wait for nobody here.
    ///
    /// See [`lock_timeout`](Segment::lock_timeout) for the lock itself. Where that is taken by other calls, this is their
    /// time: storing a value or a blob, and the end of [`Condvar::wait`](crate::Condvar::wait).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.how.timeout = Some(timeout);
        self
    }

    /// Lock with something else than the kind's own lock.
    ///
    /// | address | as a lock |
    /// |---|---|
    /// | `file:/path` | a lock file, made if it is missing: a byte-range lock, as `lockf` takes it |
    /// | `posix:/name` | a named semaphore of `sem_open`. **A holder that dies never lets go of one** |
    /// | `windows:NAME` | a named mutex, made if it is missing: on Windows |
    /// | `sysv:...` | a System V semaphore (the first of its set), 1 = free, taken with `SEM_UNDO`; one of Cenote's own sets by its own rules |
    /// | `qt:KEY`, `qt:posix:/name`, ... | `QSystemSemaphore` of that key with the initial value 1 |
    ///
    /// # Errors
    /// `KeyError` if the address cannot be parsed. Whether the lock is there shows when the segment is attached.
    pub fn lock_with<A>(mut self, lock: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.lock_with = Some(lock.try_into()?);
        Ok(self)
    }

    /// The same, for a segment of that content.
    pub(crate) fn with_content(&self, content: Typed) -> Result<Self> {
        if self.how.extent != Extent::ALL {
            return Err(Error::new(ErrorKind::Unsupported, "a value is attached as a whole")
                .with_hint("leave out the range"));
        }
        if self.lock_with.is_some() {
            return Err(another_lock());
        }
        let how = How { content: Some(content), ..self.how.clone() };
        Ok(Self { how, ..self.clone() })
    }

    /// As [`Segment::create`], in this way.
    ///
    /// # Errors
    /// Those of [`Segment::create`]; `Timeout`.
    pub fn create<A>(&self, address: A, size: u64) -> Result<Segment>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.run("create", address.try_into()?, |backend| Ok((backend.create(size, &self.how)?, true)))
    }

    /// As [`Segment::attach`], in this way.
    ///
    /// # Errors
    /// Those of [`Segment::attach`]; `Timeout`.
    pub fn attach<A>(&self, address: A) -> Result<Segment>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.run("attach", address.try_into()?, |backend| Ok((backend.attach(&self.how)?, false)))
    }

    /// As [`Segment::open_or_create`], in this way.
    ///
    /// # Errors
    /// Those of [`Segment::open_or_create`]; `Timeout`.
    pub fn open_or_create<A>(&self, address: A, size: u64) -> Result<Segment>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.run("attach or create", address.try_into()?, |backend| {
            // Others may make and remove it meanwhile, but not for ever.
            let (begun, mut taken) = (Instant::now(), None);
            for _ in 0..100 {
                if begun.elapsed() > self.how.timeout.unwrap_or(RESTLESS) && taken.is_some() {
                    break;
                }
                let timeout = self.how.timeout.map(|whole| whole.saturating_sub(begun.elapsed()));
                let how = How { timeout, ..self.how.clone() };
                match backend.attach(&how) {
                    Ok(attached) => return large_enough(attached, size).map(|attached| (attached, false)),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
                match backend.create(size, &how) {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => taken = Some(error),
                    result => return result.map(|attached| (attached, true)),
                }
            }
            Err(taken
                .unwrap_or_else(|| Error::new(ErrorKind::Unknown, "it appears and disappears all the time")))
        })
    }

    /// As [`Segment::remove`], waiting no longer than [`timeout`](Self::timeout) for Qt's lock.
    ///
    /// # Errors
    /// Those of [`Segment::remove`]; `Timeout`.
    pub fn remove<A>(&self, address: A) -> Result<()>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        let address = address.try_into()?;
        backend::of(&address)
            .and_then(|backend| backend.remove(Wait::up_to(self.how.timeout)))
            .map_err(|error| error.during("remove", &address))
    }

    /// Frees a lock that a dead holder has left locked: true if it was locked. With [`lock_with`](Self::lock_with)
    /// that lock, otherwise the segment's own.
    ///
    /// For locks that the kernel does not free: POSIX named semaphores, and so `qt:posix:` segments. A native segment's
    /// lock needs none of this at a death; while its holder lives it is a `LockError`. It is freed only
    /// if it is proven that nobody has the semaphore open, in whatever container, and in this process neither: then
    /// nobody can hold it. While that is looked at, nobody can open it. On Windows this is of Qt's semaphores, and
    /// never proven: one that nobody has open is gone, and with it what was taken from it.
    ///
    /// # Errors
    /// `LockError` if it cannot be proven: somebody has it open ([`catalog::lock_users`](crate::catalog::lock_users)
    /// tells who, as far as they can be seen), or it is another user's. `Unsupported` (the kernel frees the lock at a
    /// death, and not before), `NotFound`, `PermissionDenied`; of a native segment also `Untrusted`, `Corrupt` and
    /// `Incompatible`.
    pub fn break_lock<A>(&self, address: A) -> Result<bool>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.break_with(&address.try_into()?, false)
    }

    /// The same, **whoever has the lock**: if its holder lives, two have it from then on. For a person who knows that
    /// it does not.
    ///
    /// # Errors
    /// Those of [`break_lock`](Self::break_lock), `LockError` excepted.
    pub fn break_lock_by_force<A>(&self, address: A) -> Result<bool>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.break_with(&address.try_into()?, true)
    }

    fn break_with(&self, address: &Address, force: bool) -> Result<bool> {
        let broken = match &self.lock_with {
            Some(lock) => semaphore_name(lock).and_then(|name| match name {
                Some(name) => name.break_it(force),
                None => Err(unbreakable()),
            }),
            // What is not there has no lock.
            None => backend::of(address)
                .and_then(|backend| backend.stat().and_then(|_| backend.break_lock(force))),
        };
        broken.map_err(|error| error.during("break the lock of", address))
    }

    fn run(
        &self,
        operation: &'static str,
        address: Address,
        work: impl FnOnce(&dyn Backend) -> Result<(Box<dyn Attached>, bool)>,
    ) -> Result<Segment> {
        let lock = self.lock_with.as_ref();
        let elsewhere =
            lock.map(|lock| from_elsewhere(lock).map_err(|error| error.during("lock with", lock)));
        let elsewhere = elsewhere.transpose()?;
        let (attached, created) = self
            .backend(&address)
            .and_then(|backend| work(&*backend))
            .map_err(|error| error.during(operation, &address))?;
        // New memory without a name is found where it was made.
        let address = if created { attached.address().unwrap_or(address) } else { address };
        let quick = elsewhere.is_none() && attached.is_quick();
        Ok(Segment {
            address,
            attached: Some(attached),
            elsewhere,
            timeout: self.how.timeout,
            created,
            quick,
        })
    }

    fn backend(&self, address: &Address) -> Result<Box<dyn Backend>> {
        let kind = address.kind();
        if self.how.extent != Extent::ALL
            && !matches!(kind, Kind::Cenote | Kind::Posix | Kind::File | Kind::Windows)
        {
            let what = format!("{kind}: segments are attached as a whole");
            let hint = "leave out the range: views of a segment take parts of it";
            return Err(Error::new(ErrorKind::Unsupported, what).with_hint(hint));
        }
        match &self.file {
            Some(file) => backend::over_file(address, file),
            None => backend::of(address),
        }
    }
}

fn large_enough(attached: Box<dyn Attached>, size: u64) -> Result<Box<dyn Attached>> {
    // Perhaps only a part of it is mapped.
    let there = attached.stat()?.size;
    if there >= size {
        return Ok(attached);
    }
    let what = format!("there is one of {there} bytes, and {size} are needed");
    Err(Error::new(ErrorKind::InvalidSize, what).with_hint("remove it first, or use it as it is"))
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

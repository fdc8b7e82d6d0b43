//! Bytes of any number up to a capacity.

use std::fmt;
use std::time::Duration;

use zerocopy::IntoBytes;
use zerocopy::little_endian::U64;

use super::pair::{Pair, Wanted};
use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{BLOB_LENGTH, Content, Copies};
use crate::segment::{Guard, Options, Segment};
use crate::sys::Mapping;

/// Bytes in shared memory: stored and loaded as a whole, by any number of processes, whoever dies.
///
/// As a [`Value`](super::Value), with bytes for the type: a JSON text, a picture, a message of protobuf. How many there
/// are may change with each store, up to the capacity that it was made with.
///
/// ```
/// use cenote::Blob;
///
/// # let name = format!("doc/blob-{}", std::process::id());
/// # let name = name.as_str();
/// let config = Blob::create(name, 4096)?;
/// assert_eq!(config.load()?, b"");
/// config.store(br#"{"speed": 2}"#)?;
///
/// let seen = Blob::attach(name)?; // in another process
/// assert_eq!(seen.load()?, br#"{"speed": 2}"#);
/// assert_eq!(seen.capacity(), 4096);
/// # Ok::<(), cenote::Error>(())
/// ```
pub struct Blob {
    pair: Pair,
    capacity: usize,
}

impl Blob {
    /// Makes a blob with room for `capacity` bytes, of which it has none yet.
    ///
    /// # Errors
    /// Those of [`Segment::create`]; `Unsupported` for an address that is not native.
    pub fn create<A>(address: A, capacity: u64) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::create_with(&Segment::options(), address, capacity)
    }

    /// Attaches to a blob, whatever its capacity is.
    ///
    /// # Errors
    /// Those of [`Segment::attach`]; `Incompatible` if it is no blob; `Corrupt` if it cannot be one.
    pub fn attach<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::attach_with(&Segment::options(), address)
    }

    /// Attaches to a blob of at least that capacity, or makes it if there is none.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and [`attach`](Self::attach); `InvalidSize` if there is one of a smaller
    /// capacity.
    pub fn open_or_create<A>(address: A, capacity: u64) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::open_or_create_with(&Segment::options(), address, capacity)
    }

    /// [`create`](Self::create) in the way that `options` say: [`mode`](Options::mode), [`keep`](Options::keep),
    /// [`sparse`](Options::sparse), and [`timeout`](Options::timeout), which is then how long a store waits for its turn.
    ///
    /// # Errors
    /// Those of [`create`](Self::create); `Unsupported` for options that a blob cannot have: a range, another lock.
    pub fn create_with<A>(options: &Options, address: A, capacity: u64) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::of(Pair::create(options, address.try_into()?, wanted(capacity))?)
    }

    /// [`attach`](Self::attach) in the way that `options` say, [`read_only`](Options::read_only) above all.
    ///
    /// # Errors
    /// Those of [`attach`](Self::attach); `Unsupported` as for [`create_with`](Self::create_with).
    pub fn attach_with<A>(options: &Options, address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::of(Pair::attach(options, address.try_into()?, wanted(0))?)
    }

    /// [`open_or_create`](Self::open_or_create) in the way that `options` say.
    ///
    /// # Errors
    /// Those of [`create_with`](Self::create_with) and [`attach_with`](Self::attach_with); `InvalidSize`.
    pub fn open_or_create_with<A>(options: &Options, address: A, capacity: u64) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        let blob = Self::of(Pair::open_or_create(options, address.try_into()?, wanted(capacity))?)?;
        // The segment may be large enough for it, and the room of its copies not.
        if (blob.capacity() as u64) < capacity {
            let what = format!("there is one for {} bytes, and {capacity} are needed", blob.capacity());
            return Err(Error::new(ErrorKind::InvalidSize, what)
                .with_hint("remove it first, or use it as it is")
                .during("attach or create", blob.segment().address()));
        }
        Ok(blob)
    }

    /// Of a segment that is attached, and has a blob.
    ///
    /// # Errors
    /// `Incompatible` if it has none; `Corrupt` if it cannot be one; `Unsupported` if it is attached with options that a
    /// blob cannot have: a range, another lock.
    pub fn of_segment(segment: Segment) -> Result<Self> {
        let content = segment.ensure_own_lock().and_then(|()| segment.content());
        let content = content.map_err(|error| error.during("attach", segment.address()))?;
        if content.is_some_and(|content| content.kind == Content::BLOB) {
            return Self::of(Pair::of(segment)?);
        }
        Err(Error::new(ErrorKind::Incompatible, "it has no blob")
            .with_hint("`cenote show` tells what it has")
            .during("attach", segment.address()))
    }

    /// Of what has a blob by its header.
    pub(super) fn of(pair: Pair) -> Result<Self> {
        if let Some(capacity) = pair.copies().capacity() {
            return Ok(Self { pair, capacity });
        }
        let what = format!("its copies have {} bytes, and a blob's length takes {BLOB_LENGTH}", pair.room());
        Err(Error::new(ErrorKind::Corrupt, what).during("attach", pair.segment().address()))
    }

    /// The bytes as they are now.
    ///
    /// # Errors
    /// `Corrupt` if their length is beyond the capacity, or the memory was taken away; `Timeout` if they changed under
    /// each of many copies, for the time that [`Options::timeout`] allows or for a second; `OutOfResources`.
    pub fn load(&self) -> Result<Vec<u8>> {
        self.load_with_version().map(|(bytes, _)| bytes)
    }

    /// The same, and which version it is: for [`wait_for_change`](Self::wait_for_change).
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_with_version(&self) -> Result<(Vec<u8>, u64)> {
        let mut bytes = Vec::new();
        let version = self.load_into(&mut bytes)?;
        Ok((bytes, version))
    }

    /// Puts the bytes as they are now in place of what is in `to`, and tells their version: once `to` is large enough,
    /// nothing is allocated.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and then anything may be in `to`.
    pub fn load_into(&self, to: &mut Vec<u8>) -> Result<u64> {
        let capacity = self.capacity();
        // A length of another version is no length: it is checked when it is known that it is none.
        let copy_out = |mapping: &Mapping, offset: usize| {
            let len = mapping.read_value::<U64>(offset)?.get();
            if len > capacity as u64 {
                return Ok(Some(len));
            }
            read_into(to, mapping, offset + BLOB_LENGTH, len as usize)?;
            Ok(None)
        };
        match self.pair.load(copy_out)? {
            (None, version) => Ok(version),
            (Some(len), _) => Err(self.too_long(len)),
        }
    }

    #[cold]
    fn too_long(&self, len: u64) -> Error {
        let what = format!("it says that it has {len} bytes, and there is room for {}", self.capacity());
        Error::new(ErrorKind::Corrupt, what)
            .with_hint("somebody has scribbled over it: store it anew")
            .during("read", self.segment().address())
    }

    /// Makes `bytes` what is in it, and tells its version.
    ///
    /// # Errors
    /// `InvalidSize` if they are more than the capacity; `PermissionDenied` if it is attached read-only; `Timeout` if
    /// others had the lock for all the time that [`Options::timeout`] allows, without which it waits as long as it
    /// takes; `LockError`, `Corrupt`.
    pub fn store(&self, bytes: &[u8]) -> Result<u64> {
        self.fits(bytes)?;
        let lock = self.pair.lock()?;
        let version = self.publish(&lock, bytes)?;
        lock.unlock()?;
        Ok(version)
    }

    /// Loads, changes and stores the bytes, with nobody storing in between, and gives what `change` gives.
    ///
    /// A panic in `change` stores nothing, and others go on with the bytes as they were. A store to this blob in
    /// `change` waits for itself, for ever.
    ///
    /// # Errors
    /// Those of [`load`](Self::load) and [`store`](Self::store).
    pub fn update<R>(&self, change: impl FnOnce(&mut Vec<u8>) -> R) -> Result<R> {
        let lock = self.pair.lock()?;
        let mut bytes = self.load()?;
        let result = change(&mut bytes);
        self.fits(&bytes)?;
        self.publish(&lock, &bytes)?;
        lock.unlock()?;
        Ok(result)
    }

    /// Takes the lock for many stores: those of all others wait until the writer is dropped. Loads never wait.
    ///
    /// # Errors
    /// Those of [`store`](Self::store).
    pub fn writer(&self) -> Result<BlobWriter<'_>> {
        Ok(BlobWriter { lock: self.pair.lock()?, blob: self })
    }

    /// How many bytes it has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How often it was stored since it was made.
    ///
    /// # Errors
    /// `Corrupt` if the memory was taken away.
    pub fn version(&self) -> Result<u64> {
        self.pair.version()
    }

    /// Waits until the version is another than `since`, and tells which: as
    /// [`Value::wait_for_change`](super::Value::wait_for_change).
    ///
    /// # Errors
    /// `Timeout`; `Corrupt` if the memory was taken away.
    pub fn wait_for_change(&self, since: u64, timeout: Duration) -> Result<u64> {
        self.pair.wait_for_change(since, timeout)
    }

    /// The segment that it lies in. Its lock is the one that stores take: who has it and stores waits for itself.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        self.pair.segment()
    }

    /// The same, given away: it stays attached.
    #[must_use]
    pub fn into_segment(self) -> Segment {
        self.pair.into_segment()
    }

    /// Detaches, and reports errors: as [`Segment::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(self) -> Result<()> {
        self.pair.into_segment().detach()
    }

    fn fits(&self, bytes: &[u8]) -> Result<()> {
        if bytes.len() <= self.capacity() {
            return Ok(());
        }
        let what = format!("{} bytes do not fit into {}", bytes.len(), self.capacity());
        Err(Error::new(ErrorKind::InvalidSize, what)
            .with_hint("store less, or make it with a larger capacity")
            .during("write", self.segment().address()))
    }

    /// Of bytes that fit.
    fn publish(&self, lock: &Guard<'_>, bytes: &[u8]) -> Result<u64> {
        self.pair.publish(lock, |mapping, offset| {
            mapping.write(offset, U64::new(bytes.len() as u64).as_bytes())?;
            mapping.write(offset + BLOB_LENGTH, bytes)
        })
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Blob");
        debug.field("segment", self.segment()).field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

/// The only one to store in a blob, until it is dropped. From [`Blob::writer`].
///
/// It stays in its thread, as the [`Guard`] in it does. A panic with it in hand does no harm.
#[must_use = "others wait until it is dropped"]
pub struct BlobWriter<'a> {
    lock: Guard<'a>,
    blob: &'a Blob,
}

impl BlobWriter<'_> {
    /// As [`Blob::store`].
    ///
    /// # Errors
    /// `InvalidSize`; `Corrupt` if the memory was taken away.
    pub fn store(&mut self, bytes: &[u8]) -> Result<u64> {
        self.blob.fits(bytes)?;
        self.blob.publish(&self.lock, bytes)
    }

    /// As [`Blob::load`]: it is what was stored last.
    ///
    /// # Errors
    /// As there.
    pub fn load(&self) -> Result<Vec<u8>> {
        self.blob.load()
    }
}

impl fmt::Debug for BlobWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter").field("blob", self.blob).finish_non_exhaustive()
    }
}

fn wanted(capacity: u64) -> Result<Wanted<'static>> {
    let room = usize::try_from(capacity).ok().and_then(|capacity| capacity.checked_add(BLOB_LENGTH));
    let copies = Copies::new(room.unwrap_or(usize::MAX))?;
    Ok(Wanted { content: Content { kind: Content::BLOB, ..Content::default() }, copies, first: &[] })
}

/// In place of what is in `to`: no more is allocated than there are bytes, and what is new is not cleared first.
fn read_into(to: &mut Vec<u8>, mapping: &Mapping, offset: usize, len: usize) -> Result<()> {
    if to.capacity() < len {
        *to = mapping.read_to_vec(offset, len)?;
        return Ok(());
    }
    to.resize(len, 0);
    mapping.read(offset, to)
}

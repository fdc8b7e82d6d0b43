//! A value of a type.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

use super::checked::Copied;
use super::pair::{Pair, Wanted};
use super::shared::{Shared, content_of};
use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Copies;
use crate::segment::{Guard, Options, Segment};

/// A value in shared memory: stored and loaded as a whole, by any number of processes, whoever dies.
///
/// A load takes no lock and never waits for a process: not for one that stores, nor for one that was killed or stopped
/// while it did. What it gives was stored in one piece. Stores take turns by the lock of the segment; from one whose
/// holder was killed the next one takes it over, and finds the value as it was last stored. Each store is a new
/// [version](Self::version), which others can [wait for](Self::wait_for_change).
///
/// The type is a struct, an enum without fields, an array or a number. It has [`Shared`], which says how it lies in
/// memory, and those traits of zerocopy that say how it is made from bytes: all are derived. Programs that mean
/// different types by the same address are told so (`Incompatible`).
///
/// ```
/// use cenote::Value;
///
/// # let name = format!("doc/value-{}", std::process::id());
/// # let name = name.as_str();
/// let goal = Value::create(name, [0.0_f64; 3])?;
/// goal.store(&[1.0, 2.0, 0.5])?;
///
/// let seen = Value::<[f64; 3]>::attach(name)?; // in another process
/// assert_eq!(seen.load()?, [1.0, 2.0, 0.5]);
/// # Ok::<(), cenote::Error>(())
/// ```
///
/// It is a native segment, and lives as one: until its last holder leaves, or, made with [`Options::keep`], until it is
/// removed. Attached read-only ([`Options::read_only`]) it is loaded and waited for, and never changed.
///
/// What is loaded, and what `update` works on, lies on the stack, and in a debug build more than once: a thread has 2 MiB of
/// it, and a type of some 100 KiB is as large as is wise. A [`Blob`](super::Blob) takes as much as there is memory.
///
/// It may be used by many threads at once. A forked child may go on loading; to store it attaches anew.
pub struct Value<T> {
    pair: Pair,
    of: PhantomData<fn(T) -> T>,
}

impl<T> Value<T>
where
    T: Shared + TryFromBytes + IntoBytes + Immutable + KnownLayout,
{
    /// Makes a value that is `initial` as soon as others can see it.
    ///
    /// # Errors
    /// Those of [`Segment::create`]; `Unsupported` for an address that is not native, `InvalidSize` for a type that is too
    /// large, or whose description is.
    pub fn create<A>(address: A, initial: T) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::create_with(&Segment::options(), address, initial)
    }

    /// Attaches to a value of this type.
    ///
    /// # Errors
    /// Those of [`Segment::attach`]; `Incompatible` if it is of another type, or no value at all; `Corrupt` if it cannot
    /// be one.
    pub fn attach<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::attach_with(&Segment::options(), address)
    }

    /// Attaches to the value, or makes it as [`create`](Self::create) does if there is none.
    ///
    /// # Errors
    /// Those of both.
    pub fn open_or_create<A>(address: A, initial: T) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::open_or_create_with(&Segment::options(), address, initial)
    }

    /// [`create`](Self::create) in the way that `options` say: [`mode`](Options::mode), [`keep`](Options::keep),
    /// and [`timeout`](Options::timeout), which is then how long a store waits for its turn.
    ///
    /// # Errors
    /// Those of [`create`](Self::create); `Unsupported` for options that a value cannot have: a range, another lock.
    #[expect(clippy::needless_pass_by_value, reason = "it becomes the value")]
    pub fn create_with<A>(options: &Options, address: A, initial: T) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Pair::create(options, address.try_into()?, wanted(&initial)).and_then(Self::of)
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
        Pair::attach(options, address.try_into()?, wanted_as::<T>(&[])).and_then(Self::of)
    }

    /// [`open_or_create`](Self::open_or_create) in the way that `options` say.
    ///
    /// # Errors
    /// Those of [`create_with`](Self::create_with) and [`attach_with`](Self::attach_with).
    #[expect(clippy::needless_pass_by_value, reason = "it becomes the value")]
    pub fn open_or_create_with<A>(options: &Options, address: A, initial: T) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Pair::open_or_create(options, address.try_into()?, wanted(&initial)).and_then(Self::of)
    }

    /// Of what has a value of this type by its header.
    fn of(pair: Pair) -> Result<Self> {
        if pair.room() == size_of::<T>() {
            return Ok(Self { pair, of: PhantomData });
        }
        let what = format!("its copies have {} bytes, and its type has {}", pair.room(), size_of::<T>());
        Err(Error::new(ErrorKind::Corrupt, what).during("attach", pair.segment().address()))
    }

    /// The value as it is now.
    ///
    /// # Errors
    /// `Corrupt` if its bytes are none of this type (a bool that is 7), or the memory was taken away; `Timeout` if it
    /// changed under each of many copies, for the time that [`Options::timeout`] allows or for a second.
    #[inline]
    pub fn load(&self) -> Result<T> {
        let mut copied = Copied::<T>::new();
        if self.pair.load_at_once(|mapping, offset| copied.fill(mapping, offset))?.is_none() {
            return self.load_from_the_restless().map(|(value, _)| value);
        }
        copied.value(|| self.none_of_its_type())
    }

    /// The same, and which version it is: for [`wait_for_change`](Self::wait_for_change).
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    #[inline]
    pub fn load_with_version(&self) -> Result<(T, u64)> {
        // Here alone: what the slow way has the address of lies in memory.
        let mut copied = Copied::<T>::new();
        let Some(((), version)) = self.pair.load_at_once(|mapping, offset| copied.fill(mapping, offset))?
        else {
            return self.load_from_the_restless();
        };
        Ok((copied.value(|| self.none_of_its_type())?, version))
    }

    #[cold]
    #[inline(never)]
    fn load_from_the_restless(&self) -> Result<(T, u64)> {
        let mut copied = Copied::<T>::new();
        let ((), version) =
            self.pair.load_from_the_restless(|mapping, offset| copied.fill(mapping, offset))?;
        Ok((copied.value(|| self.none_of_its_type())?, version))
    }

    /// Makes `value` the value, and tells its version.
    ///
    /// # Errors
    /// `PermissionDenied` if it is attached read-only; `Timeout` if others had the lock for all the time that
    /// [`Options::timeout`] allows, without which it waits as long as it takes; `LockError`, `Corrupt`.
    #[inline]
    pub fn store(&self, value: &T) -> Result<u64> {
        let lock = self.pair.lock()?;
        let version = self.publish(&lock, value)?;
        lock.unlock()?;
        Ok(version)
    }

    /// Loads, changes and stores it, with nobody storing in between, and gives what `change` gives.
    ///
    /// A panic in `change` stores nothing, and others go on with the value as it was. A store to this value in
    /// `change` waits for itself, for ever.
    ///
    /// # Errors
    /// Those of [`load`](Self::load) and [`store`](Self::store).
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R> {
        let lock = self.pair.lock()?;
        let mut value = self.load()?;
        let result = change(&mut value);
        self.publish(&lock, &value)?;
        lock.unlock()?;
        Ok(result)
    }

    /// Takes the lock for many stores: those of all others wait until the writer is dropped. Loads never wait.
    ///
    /// # Errors
    /// Those of [`store`](Self::store).
    pub fn writer(&self) -> Result<ValueWriter<'_, T>> {
        Ok(ValueWriter { lock: self.pair.lock()?, value: self })
    }

    #[inline]
    fn publish(&self, lock: &Guard<'_>, value: &T) -> Result<u64> {
        self.pair.publish(lock, |mapping, offset| mapping.write_value(offset, value))
    }

    #[cold]
    fn none_of_its_type(&self) -> Error {
        let what = format!("its bytes are no {}", T::description());
        Error::new(ErrorKind::Corrupt, what)
            .with_hint("somebody has written past the value: store it anew")
            .during("read", self.segment().address())
    }
}

impl<T> Value<T> {
    /// How often it was stored since it was made.
    ///
    /// # Errors
    /// `Corrupt` if the memory was taken away.
    pub fn version(&self) -> Result<u64> {
        self.pair.version()
    }

    /// Waits until the version is another than `since`, and tells which: at once if it is another already.
    ///
    /// Asleep, it is woken by the store; attached read-only, where nobody can know of it, it looks every millisecond.
    ///
    /// # Errors
    /// `Timeout`; `Corrupt` if the memory was taken away.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # let name = format!("doc/wait-{}", std::process::id());
    /// # let name = name.as_str();
    /// let count = cenote::Value::create(name, 0_u64)?;
    /// let (seen, version) = count.load_with_version()?;
    /// count.store(&(seen + 1))?; // in another process
    /// count.wait_for_change(version, Duration::from_secs(1))?;
    /// assert_eq!(count.load()?, 1);
    /// # Ok::<(), cenote::Error>(())
    /// ```
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
}

impl<T> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("segment", self.segment()).finish_non_exhaustive()
    }
}

/// The only one to store in a value, until it is dropped: for a publisher that stores again and again, and needs no
/// lock for each. From [`Value::writer`].
///
/// It stays in its thread, as the [`Guard`] in it does. A panic with it in hand does no harm.
#[must_use = "others wait until it is dropped"]
pub struct ValueWriter<'a, T> {
    lock: Guard<'a>,
    value: &'a Value<T>,
}

impl<T> ValueWriter<'_, T>
where
    T: Shared + TryFromBytes + IntoBytes + Immutable + KnownLayout,
{
    /// As [`Value::store`].
    ///
    /// # Errors
    /// `Corrupt` if the memory was taken away.
    #[inline]
    pub fn store(&mut self, value: &T) -> Result<u64> {
        self.value.publish(&self.lock, value)
    }

    /// As [`Value::load`]: it is what was stored last.
    ///
    /// # Errors
    /// As there.
    pub fn load(&self) -> Result<T> {
        self.value.load()
    }

    /// As [`Value::update`].
    ///
    /// # Errors
    /// Those of [`load`](Self::load) and [`store`](Self::store).
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Result<R> {
        let mut value = self.load()?;
        let result = change(&mut value);
        self.store(&value)?;
        Ok(result)
    }
}

impl<T> fmt::Debug for ValueWriter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueWriter").field("value", self.value).finish_non_exhaustive()
    }
}

fn wanted<T: Shared + IntoBytes + Immutable>(initial: &T) -> Result<Wanted<'_>> {
    wanted_as::<T>(initial.as_bytes())
}

fn wanted_as<T: Shared>(first: &[u8]) -> Result<Wanted<'_>> {
    Ok(Wanted { content: content_of::<T>()?, copies: Copies::new(size_of::<T>())?, first })
}

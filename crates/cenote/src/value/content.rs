//! What is in a segment, for programs that do not know beforehand.

use std::fmt;
use std::time::Duration;

use zerocopy::{FromBytes, FromZeros, IntoBytes};

use super::blob::Blob;
use super::description::Description;
use super::pair::Pair;
use super::peek::peek;
use super::versions;
use crate::address::Address;
use crate::backend::{self, Inside};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, Control, Copies, Plan};
use crate::segment::{Options, Segment};

/// What is in a segment, as far as it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Bytes, of which it says nothing more.
    Bytes,
    /// A [`Value`](super::Value).
    #[non_exhaustive]
    Value {
        /// What its type is called.
        type_name: String,
        /// How many bytes it has.
        size: usize,
        /// How its type lies in memory. `None` if what is written there is none.
        description: Option<Description>,
        /// How often it was stored.
        version: u64,
    },
    /// A [`Blob`].
    #[non_exhaustive]
    Blob {
        /// How many bytes it has room for.
        capacity: usize,
        /// How often it was stored.
        version: u64,
    },
    /// A [`Queue`](crate::Queue).
    #[non_exhaustive]
    Queue {
        /// What the type of its messages is called. `None`: they are bytes.
        type_name: Option<String>,
        /// How many bytes a message can have.
        longest: usize,
        /// How many messages it has room for.
        capacity: u64,
        /// How their type lies in memory. `None` if they are bytes, or if what is written there is none.
        description: Option<Description>,
    },
    /// A [`Topic`](crate::Topic).
    #[non_exhaustive]
    Topic {
        /// What the type of its messages is called. `None`: they are bytes.
        type_name: Option<String>,
        /// How many bytes a message can have.
        longest: usize,
        /// How many messages it keeps.
        capacity: u64,
        /// How their type lies in memory. `None` if they are bytes, or if what is written there is none.
        description: Option<Description>,
    },
    /// Something that this version does not know.
    Other,
}

impl Content {
    /// Looks into a segment without attaching it. Of the kinds only native ones say what is in them: all others have
    /// bytes.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `Untrusted`, `Unsupported`; `Corrupt` if it cannot be what it says.
    pub fn look(address: &Address) -> Result<Self> {
        let look =
            || backend::of(address)?.inside()?.map_or(Ok(Self::Bytes), |inside| Self::of_inside(&*inside));
        look().map_err(|error| error.during("look at", address))
    }

    pub(crate) fn of_inside(inside: &dyn Inside) -> Result<Self> {
        let (content, size) = inside.content();
        let mut control = Control::new_zeroed();
        // What is smaller than that is no value, and its zeros say so.
        let len = usize::try_from(size).unwrap_or(usize::MAX).min(size_of::<Control>());
        inside.read_at(0, &mut control.as_mut_bytes()[..len])?;
        Self::of(content.clone(), &control, size)
    }

    /// What is in a segment that is attached.
    ///
    /// # Errors
    /// `Corrupt` if it cannot be what it says; `LockError` in a forked child.
    pub fn of_segment(segment: &Segment) -> Result<Self> {
        let look = || match segment.content()? {
            Some(content) if content.kind == layout::Content::BYTES => Ok(Self::Bytes),
            Some(content) => {
                let mapping = segment.mapping();
                Self::of(content, &mapping.read_value(0)?, mapping.len() as u64)
            }
            None => Ok(Self::Bytes),
        };
        look().map_err(|error| error.during("look at", segment.address()))
    }

    fn of(content: layout::Content, control: &Control, size: u64) -> Result<Self> {
        let version = versions::of_word(control.version_word());
        let copies = || Copies::of(control, usize::try_from(size).unwrap_or(usize::MAX));
        Ok(match content.kind {
            layout::Content::BYTES => Self::Bytes,
            layout::Content::VALUE => {
                let size = copies()?.room();
                let description = Description::parse(&content.description).ok();
                let description = description.filter(|description| description.size() == size);
                Self::Value { type_name: content.type_name, size, description, version }
            }
            layout::Content::BLOB => {
                let copies = copies()?;
                let capacity = copies.capacity().ok_or_else(|| {
                    Error::new(ErrorKind::Corrupt, format!("a blob has no room in {} bytes", copies.room()))
                })?;
                Self::Blob { capacity, version }
            }
            kind @ (layout::Content::QUEUE | layout::Content::TOPIC) => {
                let shape = Plan::read_from_bytes(control.as_bytes()).map_err(|_| too_small())?.check()?;
                let shape = shape.within(usize::try_from(size).unwrap_or(usize::MAX))?;
                let description = Description::parse(&content.description).ok();
                let description = description.filter(|description| description.size() == shape.longest);
                let type_name = (content.fingerprint != 0).then_some(content.type_name);
                let (longest, capacity) = (shape.longest, shape.depth());
                if kind == layout::Content::QUEUE {
                    Self::Queue { type_name, longest, capacity, description }
                } else {
                    Self::Topic { type_name, longest, capacity, description }
                }
            }
            _ => Self::Other,
        })
    }

    /// In one word: `bytes`, `value`, `blob`, `queue`, `topic` or `other`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Value { .. } => "value",
            Self::Blob { .. } => "blob",
            Self::Queue { .. } => "queue",
            Self::Topic { .. } => "topic",
            Self::Other => "other",
        }
    }
}

/// For people.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { type_name, size, version, .. } => {
                write!(f, "value {type_name}, {size} bytes, version {version}")
            }
            Self::Blob { capacity, version } => {
                write!(f, "blob, at most {capacity} bytes, version {version}")
            }
            Self::Queue { type_name, longest, capacity, .. }
            | Self::Topic { type_name, longest, capacity, .. } => {
                let of = type_name.as_ref().map_or_else(|| format!("at most {longest} bytes"), Clone::clone);
                write!(f, "{} of {of}, room for {capacity}", self.as_str())
            }
            Self::Bytes | Self::Other => f.write_str(self.as_str()),
        }
    }
}

#[cold]
fn too_small() -> Error {
    Error::new(ErrorKind::Corrupt, "it is too small for what it is said to be")
}

/// A value of whatever type, or a blob: its bytes as they are, for programs that lack the type.
///
/// ```
/// use cenote::value::{AnyValue, Content};
/// use cenote::{Segment, Value};
///
/// # let name = format!("doc/any-{}", std::process::id());
/// # let name = name.as_str();
/// let _goal = Value::create(name, [1.0_f32, 2.0])?; // in another process
///
/// let any = AnyValue::attach_with(&Segment::options().read_only(), name)?;
/// if let Content::Value { description: Some(of), .. } = any.content()? {
///     assert_eq!(of.decode(&any.load()?)?.to_string(), "[1.0,2.0]");
/// }
/// # Ok::<(), cenote::Error>(())
/// ```
#[derive(Debug)]
pub struct AnyValue {
    of: Of,
}

#[derive(Debug)]
enum Of {
    Value(Pair),
    Blob(Blob),
}

impl AnyValue {
    /// Attaches to a value or a blob.
    ///
    /// # Errors
    /// Those of [`Segment::attach`]; `Incompatible` if it is neither; `Corrupt` if it cannot be what it says.
    pub fn attach_with<A>(options: &Options, address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::of(options.attach(address)?)
    }

    /// Of a segment that is attached.
    ///
    /// # Errors
    /// Those of [`attach_with`](Self::attach_with), attaching excepted.
    pub fn of(segment: Segment) -> Result<Self> {
        let of = match Content::of_segment(&segment)? {
            Content::Value { .. } => Of::Value(Pair::of(segment)?),
            Content::Blob { .. } => Of::Blob(Blob::of(Pair::of(segment)?)?),
            content => {
                let what = format!("it has {content}, and no value or blob");
                return Err(Error::new(ErrorKind::Incompatible, what)
                    .with_hint("attach it as a segment, which has bytes of any meaning")
                    .during("attach", segment.address()));
            }
        };
        Ok(Self { of })
    }

    /// The bytes of a value and which version they are, as they were stored in one piece: copied out without attaching, so
    /// that nothing of it can be seen. `None` if there is no value, if it has more than `most` bytes, or if it is stored faster
    /// than it can be copied.
    ///
    /// # Errors
    /// Those of [`Content::look`].
    ///
    /// ```
    /// use cenote::Value;
    /// use cenote::value::AnyValue;
    ///
    /// # let name = format!("doc/look-{}", std::process::id());
    /// # let name = name.as_str();
    /// let _goal = Value::create(name, 7_u32)?; // in another process
    /// let seen = AnyValue::look(&name.parse()?, 4096)?;
    /// assert_eq!(seen, Some((7_u32.to_ne_bytes().to_vec(), 0)));
    /// # Ok::<(), cenote::Error>(())
    /// ```
    pub fn look(address: &Address, most: usize) -> Result<Option<(Vec<u8>, u64)>> {
        peek(address, most).map_err(|error| error.during("look at", address))
    }

    /// What it says that it is now.
    ///
    /// # Errors
    /// Those of [`Content::of_segment`].
    pub fn content(&self) -> Result<Content> {
        Content::of_segment(self.segment())
    }

    /// The bytes of the value, or of the blob, as they were stored in one piece.
    ///
    /// # Errors
    /// Those of [`Blob::load`].
    pub fn load(&self) -> Result<Vec<u8>> {
        self.load_with_version().map(|(bytes, _)| bytes)
    }

    /// The same, and which version it is.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_with_version(&self) -> Result<(Vec<u8>, u64)> {
        match &self.of {
            Of::Value(pair) => {
                let room = pair.room();
                pair.load(|mapping, offset| mapping.read_to_vec(offset, room))
            }
            Of::Blob(blob) => blob.load_with_version(),
        }
    }

    /// As [`Value::wait_for_change`](super::Value::wait_for_change).
    ///
    /// # Errors
    /// As there.
    pub fn wait_for_change(&self, since: u64, timeout: Duration) -> Result<u64> {
        match &self.of {
            Of::Value(pair) => pair.wait_for_change(since, timeout),
            Of::Blob(blob) => blob.wait_for_change(since, timeout),
        }
    }

    /// The segment that it lies in.
    #[must_use]
    pub fn segment(&self) -> &Segment {
        match &self.of {
            Of::Value(pair) => pair.segment(),
            Of::Blob(blob) => blob.segment(),
        }
    }

    /// Detaches, and reports errors: as [`Segment::detach`].
    ///
    /// # Errors
    /// As there.
    pub fn detach(self) -> Result<()> {
        match self.of {
            Of::Value(pair) => pair.into_segment().detach(),
            Of::Blob(blob) => blob.detach(),
        }
    }
}

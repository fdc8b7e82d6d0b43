//! How channels are made and attached.

use std::fmt;
use std::marker::PhantomData;

use zerocopy::IntoBytes;

use super::item::{Item, Says};
use crate::address::{Address, Kind};
use crate::backend::Typed;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Content, Plan, Shape, To, WhenFull, Wish};
use crate::segment::{Options, Segment};

/// How long a message of bytes can be, where nothing is said.
const LONGEST: u64 = 4096;
/// How many chunks there are beyond one for each message, where nothing is said: for those that are being filled.
const SPARE: u64 = 8;
/// Others may make and remove it while we come, but not for ever.
const TRIES: u32 = 100;

/// A channel as it is to be made, or attached.
pub(super) struct Making<T: Item + ?Sized> {
    pub(super) wish: Wish,
    pub(super) segment: Options,
    of: PhantomData<fn(&T)>,
}

impl<T: Item + ?Sized> Making<T> {
    pub(super) fn new(depth: u64, to: To, when_full: WhenFull) -> Self {
        let wish = Wish { depth, longest: LONGEST, spare: SPARE, one_sender: false, to, when_full };
        Self { wish, segment: Options::new(), of: PhantomData }
    }

    pub(super) fn create(&self, address: Address) -> Result<(Segment, Shape)> {
        let (options, size) = self.prepared(&address).map_err(|error| error.during("create", &address))?;
        self.checked(options.create(address, size)?)
    }

    pub(super) fn attach(&self, address: Address) -> Result<(Segment, Shape)> {
        let options = self.to_attach(&address).map_err(|error| error.during("attach", &address))?;
        self.checked(options.attach(address)?)
    }

    pub(super) fn open_or_create(&self, address: &Address) -> Result<(Segment, Shape)> {
        let mut last = None;
        for _ in 0..TRIES {
            match self.attach(address.clone()) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
            match self.create(address.clone()) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = Some(error),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::Unknown, "it appears and disappears all the time")))
    }

    fn kind(&self) -> u32 {
        if self.wish.to == To::All { Content::TOPIC } else { Content::QUEUE }
    }

    fn prepared(&self, address: &Address) -> Result<(Options, u64)> {
        ensure_native(address)?;
        let Says { content, length } = T::says()?;
        let content = Content { kind: self.kind(), ..content.unwrap_or_default() };
        let longest = length.map_or(self.wish.longest, |length| length as u64);
        let plan = Plan::new(&Wish { longest, ..self.wish })?;
        let size = plan.check()?.size()?;
        Ok((self.segment.with_content(Typed { content, first: plan.as_bytes().to_vec() })?, size))
    }

    fn to_attach(&self, address: &Address) -> Result<Options> {
        ensure_native(address)?;
        match T::says()?.content {
            Some(content) => {
                let content = Content { kind: self.kind(), ..content };
                self.segment.with_content(Typed { content, first: Vec::new() })
            }
            None => Ok(self.segment.clone()),
        }
    }

    /// What was attached, if it is one of these: those of bytes take one of any type.
    fn checked(&self, segment: Segment) -> Result<(Segment, Shape)> {
        match self.shape_of(&segment) {
            Ok(shape) => Ok((segment, shape)),
            Err(error) => Err(error.during("attach", segment.address())),
        }
    }

    fn shape_of(&self, segment: &Segment) -> Result<Shape> {
        let content = segment.content()?.unwrap_or_default();
        if content.kind != self.kind() {
            let wanted = if self.kind() == Content::TOPIC { "topic" } else { "queue" };
            return Err(Error::new(ErrorKind::Incompatible, format!("it has {content}, and no {wanted}")));
        }
        let mapping = segment.shared_mapping()?;
        let shape = mapping.read_value::<Plan>(0)?.check()?.within(mapping.len())?;
        match T::says()?.length {
            _ if shape.is_topic() != (self.wish.to == To::All) => {
                let what = "it says that it is a queue, and a topic";
                Err(Error::new(ErrorKind::Corrupt, what).with_hint("somebody has scribbled over it"))
            }
            Some(length) if shape.longest != length => {
                let what = format!("its messages have {} bytes, and its type has {length}", shape.longest);
                Err(Error::new(ErrorKind::Corrupt, what))
            }
            _ => Ok(shape),
        }
    }
}

impl<T: Item + ?Sized> Clone for Making<T> {
    fn clone(&self) -> Self {
        Self { wish: self.wish, segment: self.segment.clone(), of: PhantomData }
    }
}

impl<T: Item + ?Sized> fmt::Debug for Making<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Making").field("wish", &self.wish).field("segment", &self.segment).finish()
    }
}

fn ensure_native(address: &Address) -> Result<()> {
    if address.kind() == Kind::Cenote {
        return Ok(());
    }
    let what = format!("{}: segments have no channels", address.kind());
    Err(Error::new(ErrorKind::Unsupported, what)
        .with_hint("channels are native: use an address without a kind, such as robot/goals"))
}

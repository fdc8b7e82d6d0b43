//! An attached topic: of one who can write, or of one who only reads.

use std::sync::Arc;

use crate::channel::end::{End, Sight};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Shape;
use crate::segment::Segment;
use crate::sys::Mapping;

/// An attached topic.
pub(super) enum Seat {
    Writing(End),
    Reading(Sight),
}

/// Does something with what can be seen, whichever it is.
macro_rules! seen {
    ($seat:expr, $sight:ident => $what:expr) => {
        match $seat {
            Seat::Writing(end) => {
                let $sight = &**end;
                $what
            }
            Seat::Reading($sight) => $what,
        }
    };
}
pub(super) use seen;

impl Seat {
    pub(super) fn of(segment: Segment, shape: Shape) -> Result<Self> {
        if segment.is_read_only() {
            return Sight::of(segment, shape).map(Self::Reading);
        }
        End::of(segment, shape).map(Self::Writing)
    }

    pub(super) fn into_writing(self) -> Result<End> {
        match self {
            Self::Writing(end) => Ok(end),
            Self::Reading(_) => Err(Error::new(ErrorKind::PermissionDenied, "it is attached read-only")
                .with_hint("attach it read-write, that is without read_only()")),
        }
    }

    pub(super) fn segment(&self) -> &Segment {
        seen!(self, sight => &sight.segment)
    }

    #[inline(always)]
    pub(super) fn mapping(&self) -> &Arc<Mapping> {
        seen!(self, sight => sight.mapping())
    }

    #[inline(always)]
    pub(super) fn shape(&self) -> &Shape {
        seen!(self, sight => &sight.shape)
    }

    #[cold]
    pub(super) fn during(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation, self.segment().address())
    }

    pub(super) fn detach(self) -> Result<()> {
        match self {
            Self::Writing(end) => end.detach(),
            Self::Reading(sight) => sight.detach(),
        }
    }
}

//! Bytes as they were at one moment: read under the lock, or stored in one piece.

use std::ops::Range;

use cenote::value::{AnyValue, Content, Description};
use cenote::{Address, Kind, LockState, Segment, catalog};

use crate::access::{Context, LockArgs};
use crate::failure::{Failure, warn_of};
use crate::output::bytes::Bytes;

/// Up to here, bytes are copied before anything is printed, so that a slow reader of our output keeps nobody from the
/// lock. What is larger is read in place, with the lock held meanwhile.
const COPIED: usize = 64 << 20;

/// A value or a blob, as it was stored in one piece. That takes no lock.
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) version: u64,
    pub(crate) is_value: bool,
    /// Of the value's type, if it can be understood.
    pub(crate) description: Option<Description>,
    pub(crate) address: Address,
}

/// What is there, if that is a value or a blob.
pub(crate) fn stored(address: &Address, context: &Context) -> Result<Option<Stored>, Failure> {
    if address.kind() != Kind::Cenote || matches!(Content::look(address)?, Content::Bytes | Content::Other) {
        return Ok(None);
    }
    let stored = AnyValue::attach_with(&context.options(None, false)?.read_only(), address)?;
    let (bytes, version) = stored.load_with_version()?;
    let (is_value, description) = match stored.content()? {
        Content::Value { description, .. } => (true, description),
        _ => (false, None),
    };
    let address = stored.segment().address().clone();
    warn_of(stored.detach());
    Ok(Some(Stored { bytes, version, is_value, description, address }))
}

/// Takes the lock, unless told otherwise, and reads a range.
pub(crate) fn take<'a>(
    segment: &'a Segment,
    range: Range<usize>,
    lock: &LockArgs,
    context: &Context,
) -> Result<Bytes<'a>, Failure> {
    if lock.no_lock {
        return Ok(Bytes::in_place(segment, range, None));
    }
    if lock.lock_with.is_none() && was_never_locked(segment.address())? {
        // Reading makes no lock, and as long as there is none nobody holds it.
        let bytes = Bytes::copied(segment, range.clone())?;
        if was_never_locked(segment.address())? {
            return Ok(bytes);
        }
    }
    let guard = context.lock(segment)?;
    if range.len() <= COPIED {
        let bytes = Bytes::copied(segment, range)?;
        guard.unlock()?;
        return Ok(bytes);
    }
    Ok(Bytes::in_place(segment, range, Some(guard)))
}

/// Whether this is a segment whose lock is made by the first to lock it, and nobody has.
fn was_never_locked(address: &Address) -> Result<bool, Failure> {
    Ok(address.kind() == Kind::Sysv && catalog::look(address)?.lock == LockState::None)
}

/// A part of a segment, by offset and length; without a length, up to the end.
pub(crate) fn range(segment: &Segment, offset: u64, len: Option<u64>) -> Result<Range<usize>, Failure> {
    let size = segment.len();
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let len = len.map_or(size.saturating_sub(start), |len| usize::try_from(len).unwrap_or(usize::MAX));
    segment.view(start, len)?;
    Ok(start..start + len)
}

//! Looking into a channel without attaching it.

use zerocopy::IntoBytes;

use super::ring::sent;
use crate::address::Address;
use crate::backend::{self, Inside};
use crate::error::Result;
use crate::layout::{Plan, Shape, TAIL};

/// A channel that is looked into.
pub(super) struct Looking {
    inside: Box<dyn Inside>,
    pub(super) shape: Shape,
}

impl Looking {
    /// Into what is there, if its content is of that kind.
    pub(super) fn into(address: &Address, kind: u32) -> Result<Option<Self>> {
        let Some(inside) = backend::of(address)?.inside()?.filter(|inside| inside.content().0.kind == kind)
        else {
            return Ok(None);
        };
        let mut plan = Plan::default();
        inside.read_at(0, plan.as_mut_bytes())?;
        let (_, size) = inside.content();
        let shape = plan.check()?.within(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Some(Self { inside, shape }))
    }

    pub(super) fn word(&self, offset: usize) -> Result<u64> {
        let mut word = [0; size_of::<u64>()];
        self.inside.read_at(offset, &mut word).map(|()| u64::from_ne_bytes(word))
    }
}

impl Looking {
    /// The process that says that it has that slot.
    pub(super) fn pid_of(&self, slot: u8) -> Option<u32> {
        self.inside.pid_of(slot)
    }
}

/// How many messages were sent, as far as can be seen by words at those offsets.
pub(super) fn sent_by(shape: &Shape, word: impl Fn(usize) -> Result<u64>) -> Result<u64> {
    let hint = word(TAIL)?;
    let cell = |position: u64| {
        let cell = ((position & (shape.depth() - 1)) as usize) << shape.cell_bits();
        word(shape.cells_at() + cell * size_of::<u64>()).ok()
    };
    Ok(sent(hint, shape.bits, cell).unwrap_or(hint))
}

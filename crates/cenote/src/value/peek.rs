//! The bytes of a value without attaching: for who lists and shows, and must leave no trace.

use std::cell::RefCell;

use zerocopy::{FromZeros, IntoBytes};

use super::versions::{self, Version};
use crate::address::Address;
use crate::backend::{self, Inside};
use crate::error::{Error, Result};
use crate::layout::{self, Control, Copies, VERSION_WORD};

/// How often a load looks again, if it was stored meanwhile.
const TRIES: u32 = 100;

/// The bytes of the value, and which version they are: see [`AnyValue::look`](super::AnyValue::look).
pub(super) fn peek(address: &Address, most: usize) -> Result<Option<(Vec<u8>, u64)>> {
    let Some(inside) = backend::of(address)?.inside()? else { return Ok(None) };
    let (content, size) = inside.content();
    if content.kind != layout::Content::VALUE {
        return Ok(None);
    }
    let mut control = Control::new_zeroed();
    inside.read_at(0, control.as_mut_bytes())?;
    let copies = Copies::of(&control, usize::try_from(size).unwrap_or(usize::MAX))?;
    if copies.room() > most {
        return Ok(None);
    }
    let word = Word { inside: &*inside, failed: RefCell::new(None) };
    let copied = versions::read(&word, TRIES, |copy| {
        let mut bytes = vec![0; copies.room()];
        inside.read_at(copies.at(copy), &mut bytes).map(|()| bytes)
    })?;
    word.failed.into_inner().map_or(Ok(copied), Err)
}

/// A version that is read by the system. Its calls are loads of this thread as any others, which fences order.
struct Word<'a> {
    inside: &'a dyn Inside,
    /// Why it could not be read.
    failed: RefCell<Option<Error>>,
}

impl Version for Word<'_> {
    fn load(&self) -> u64 {
        let mut word = [0; 8];
        if let Err(error) = self.inside.read_at(VERSION_WORD, &mut word) {
            self.failed.replace(Some(error));
        }
        u64::from_ne_bytes(word)
    }
}

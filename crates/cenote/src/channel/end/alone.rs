//! The lock of an end that only one can have at a time.

use std::sync::Arc;

use crate::backend::{AttachedNative, Door};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock::{self, Holder};
use crate::sys::{self, Mapping, Taken, Wait};

/// The lock, held.
pub(super) struct Alone {
    mapping: Arc<Mapping>,
    offset: usize,
    me: Holder,
    forks: u32,
}

impl Alone {
    /// Takes the lock at `offset`. `what` says which end it is.
    pub(super) fn take(
        native: &AttachedNative,
        mapping: &Arc<Mapping>,
        offset: usize,
        what: &'static str,
        wait: Wait,
    ) -> Result<Self> {
        let (me, door) = (native.holder()?, Door::to(native, None)?);
        match lock::acquire(mapping.word(offset)?, &door, me, wait)? {
            Taken::Yes | Taken::Abandoned => {
                Ok(Self { mapping: Arc::clone(mapping), offset, me, forks: sys::generation() })
            }
            Taken::TimedOut => {
                let holder = lock::holder(mapping.word(offset)?);
                let who = holder.and_then(|holder| native.pid_of(holder.slot));
                let who = who.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                Err(Error::new(ErrorKind::LockError, format!("{who} has its only {what} end"))
                    .with_hint("end that one, or make the channel for several"))
            }
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // A forked child's copy lets go of nothing.
        if self.forks == sys::generation()
            && let Ok(word) = self.mapping.word(self.offset)
        {
            lock::release(word, self.me, false, sys::wake_low_half);
        }
    }
}

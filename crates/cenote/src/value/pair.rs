//! Two copies in a native segment: what values and blobs have in common.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::versions;
use crate::address::{Address, Kind};
use crate::backend::Typed;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Content, Control, Copies, VERSION_WORD};
use crate::segment::{Guard, Options, Segment};
use crate::sys::{self, Backoff, Mapping, Wait};

/// How often a load looks again at once. A store takes no longer than the copy does: one or two are usual.
const TRIES: u32 = 100;
/// How long a load tries where no time was given.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long somebody sleeps before it looks itself: whoever dies between publishing and waking wakes nobody.
const SLICE: Duration = Duration::from_millis(10);

/// An attached segment with two copies.
pub(super) struct Pair {
    /// The segment's own. It goes before that does.
    mapping: Arc<Mapping>,
    segment: Segment,
    copies: Copies,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("segment", &self.segment).finish_non_exhaustive()
    }
}

/// What is wanted: what new ones are made of, and others have to have.
pub(super) struct Wanted<'a> {
    pub(super) content: Content,
    pub(super) copies: Copies,
    /// The bytes of version 0.
    pub(super) first: &'a [u8],
}

impl Wanted<'_> {
    /// The options to make or attach it with, and how large it is.
    fn options(&self, options: &Options, address: &Address) -> Result<(Options, u64)> {
        if address.kind() != Kind::Cenote {
            let what = format!("{}: segments say nothing of what is in them", address.kind());
            return Err(Error::new(ErrorKind::Unsupported, what)
                .with_hint("values are native: use an address without a kind, such as robot/pose"));
        }
        let first = self.copies.first(self.first);
        let options = options.with_content(Typed { content: self.content.clone(), first })?;
        Ok((options, self.copies.size() as u64))
    }
}

fn prepared(
    operation: &'static str,
    options: &Options,
    address: &Address,
    wanted: Result<Wanted<'_>>,
) -> Result<(Options, u64)> {
    wanted
        .and_then(|wanted| wanted.options(options, address))
        .map_err(|error| error.during(operation, address))
}

impl Pair {
    pub(super) fn create(options: &Options, address: Address, wanted: Result<Wanted<'_>>) -> Result<Self> {
        let (options, size) = prepared("create", options, &address, wanted)?;
        Self::of(options.create(address, size)?)
    }

    pub(super) fn attach(options: &Options, address: Address, wanted: Result<Wanted<'_>>) -> Result<Self> {
        let (options, _) = prepared("attach", options, &address, wanted)?;
        Self::of(options.attach(address)?)
    }

    pub(super) fn open_or_create(
        options: &Options,
        address: Address,
        wanted: Result<Wanted<'_>>,
    ) -> Result<Self> {
        let (options, size) = prepared("attach or create", options, &address, wanted)?;
        Self::of(options.open_or_create(address, size)?)
    }

    /// Of a segment that has such a content: what its control line says of it is checked here, once, and what was
    /// found is used from then on.
    pub(super) fn of(segment: Segment) -> Result<Self> {
        let mapping = segment.shared_mapping().map_err(|error| error.during("attach", segment.address()))?;
        let copies = mapping.read_value(0).and_then(|control: Control| Copies::of(&control, mapping.len()));
        let copies = copies.map_err(|error| error.during("attach", segment.address()))?;
        Ok(Self { mapping, segment, copies })
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    pub(super) fn into_segment(self) -> Segment {
        self.segment
    }

    pub(super) fn copies(&self) -> Copies {
        self.copies
    }

    /// How many bytes a copy has room for.
    pub(super) fn room(&self) -> usize {
        self.copies.room()
    }

    pub(super) fn version(&self) -> Result<u64> {
        let mapping = &*self.mapping;
        let word = mapping.word_to_read(VERSION_WORD);
        word.map(versions::version)
            .and_then(|version| mapping.intact().map(|()| version))
            .map_err(|error| self.during("read", error))
    }

    /// Copies out what holds, by `copy_out`, which is told where it begins. Also with the lock in hand.
    pub(super) fn load<R>(&self, mut copy_out: impl FnMut(&Mapping, usize) -> Result<R>) -> Result<(R, u64)> {
        match self.load_at_once(&mut copy_out)? {
            Some(loaded) => Ok(loaded),
            None => self.load_from_the_restless(copy_out),
        }
    }

    /// The same, unless it changes all the time.
    #[inline]
    pub(super) fn load_at_once<R>(
        &self,
        mut copy_out: impl FnMut(&Mapping, usize) -> Result<R>,
    ) -> Result<Option<(R, u64)>> {
        let mapping = &*self.mapping;
        mapping
            .word_to_read(VERSION_WORD)
            .and_then(|word| versions::read(word, TRIES, |copy| copy_out(mapping, self.copies.at(copy))))
            .map_err(|error| self.during("read", error))
    }

    /// Of one that changes faster than it can be copied: whoever may take the lock keeps others from storing
    /// meanwhile. Nobody tries for ever, whatever somebody does to the version.
    #[cold]
    pub(super) fn load_from_the_restless<R>(
        &self,
        mut copy_out: impl FnMut(&Mapping, usize) -> Result<R>,
    ) -> Result<(R, u64)> {
        let wait = self.segment.patience(Wait::up_to(Some(PATIENCE)));
        let mut backoff = Backoff::new();
        loop {
            // Not to be had read-only, nor in a forked child: they do without.
            let lock = self.segment.lock_timeout(SLICE).ok().map(Guard::unmarked);
            let loaded = self.load_at_once(&mut copy_out)?;
            drop(lock);
            if let Some(loaded) = loaded {
                return Ok(loaded);
            }
            if !backoff.pause(wait) {
                let error = Error::new(ErrorKind::Timeout, "its version changed during each copy of it")
                    .with_hint("somebody stores all the time, or scribbles: `cenote show` names the holders");
                return Err(self.during("read", error));
            }
        }
    }

    /// Takes the lock of those who store. That its last holder died with it means nothing here: what holds is whole.
    #[inline]
    pub(super) fn lock(&self) -> Result<Guard<'_>> {
        self.segment.lock_to_store()
    }

    /// Makes what `write` writes the next version. It is told where; `_lock` shows that no other stores.
    #[inline]
    pub(super) fn publish(
        &self,
        _lock: &Guard<'_>,
        write: impl FnOnce(&Mapping, usize) -> Result<()>,
    ) -> Result<u64> {
        let mapping = &*self.mapping;
        let write = |copy| write(mapping, self.copies.at(copy));
        mapping
            .word(VERSION_WORD)
            .and_then(|word| versions::publish(word, write, sys::wake_all_on_low_half))
            .map_err(|error| self.during("write", error))
    }

    /// Waits for another version than `since`.
    pub(super) fn wait_for_change(&self, since: u64, timeout: Duration) -> Result<u64> {
        self.wait_until(since, Wait::up_to(Some(timeout))).map_err(|error| self.during("wait for", error))
    }

    fn wait_until(&self, since: u64, wait: Wait) -> Result<u64> {
        let mapping = &*self.mapping;
        let changed = if mapping.writable() {
            let sleep = |word: &AtomicU64, half| -> Result<bool> {
                mapping.intact()?;
                let Some(slice) = wait.left(SLICE) else { return Ok(false) };
                sys::sleep_on_low_half(word, half, slice);
                Ok(true)
            };
            versions::wait(mapping.word(VERSION_WORD)?, since, sleep)?
        } else {
            poll(mapping, since, wait)?
        };
        // Memory that somebody has taken away is all zeros.
        mapping.intact()?;
        changed.ok_or_else(|| {
            Error::new(ErrorKind::Timeout, format!("it has been at version {since} all the time"))
                .with_hint("nobody stores: `cenote show` names the holders; or wait longer")
        })
    }

    #[cold]
    fn during(&self, operation: &'static str, error: Error) -> Error {
        error.during(operation, self.segment.address())
    }
}

/// Who only reads cannot say that it waits, and looks again and again.
fn poll(mapping: &Mapping, since: u64, wait: Wait) -> Result<Option<u64>> {
    let word = mapping.word_to_read(VERSION_WORD)?;
    if let Some(now) = versions::spin(word, since) {
        return Ok(Some(now));
    }
    let mut backoff = Backoff::new();
    while backoff.pause(wait) {
        if let Some(now) = versions::look(word, since) {
            return Ok(Some(now));
        }
        mapping.intact()?;
    }
    Ok(versions::look(word, since))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Instant;

    use super::*;

    /// As if somebody scribbled there all the time: here the copying itself does.
    #[test]
    fn a_version_that_changes_under_each_copy_ends_in_a_timeout() {
        if sys::lacks(Kind::Cenote).is_some() || cfg!(miri) {
            return;
        }
        let name = format!("cenote-test-restless-{}", std::process::id());
        let content = Content { kind: Content::BLOB, ..Content::default() };
        let wanted = Wanted { content, copies: Copies::new(64).unwrap(), first: &[] };
        let options = Segment::options().timeout(Duration::from_millis(30));
        let pair = Pair::create(&options, Address::native(&name).unwrap(), Ok(wanted)).unwrap();
        let (begin, mut copies) = (Instant::now(), 0);
        let error = pair
            .load(|mapping, _| {
                copies += 1;
                mapping.word(VERSION_WORD).map(|word| word.fetch_add(2, Ordering::Relaxed))
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(copies > TRIES && begin.elapsed() >= Duration::from_millis(30), "{copies} copies");
        // It is left alone in the end, and that is enough.
        let mut left = TRIES + 10;
        let restless = |mapping: &Mapping, _| {
            left = left.saturating_sub(1);
            if left > 0 {
                mapping.word(VERSION_WORD)?.fetch_add(2, Ordering::Relaxed)
            } else {
                0
            };
            Ok(())
        };
        assert!(pair.load(restless).is_ok());
    }
}

//! `cenote:NAME`: native segments, with a header, holders that the kernel vouches for, and a lock that recovers.
//!
//! `docs/format/segment.md` says what lies in them, who has to do what in which order, and why that is right.

mod attached;
mod door;
mod inside;
mod locks;
mod look;
mod place;

use std::path::{Path, PathBuf};
use std::time::Duration;

use zerocopy::{FromZeros, IntoBytes};

use super::lock::LockState;
use super::{
    Attached, Backend, Examined, How, Inside, Life, Order, Reaping, Stat, mappable, mapped_file, spared,
};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, Content, FRONT, Identity, Known, LOCK, POISONED, SLOTS, Slot};
use crate::sync::lock;
use crate::sys::{self, Byte, FileFacts, Handle, Mapped, Mapping, NewFile, Part, Wait, Witness};
pub(crate) use attached::AttachedNative;
pub(crate) use door::Door;
use place::Place;
pub(crate) use place::native_name;

/// As many as there are witnesses for.
const _: () = assert!(SLOTS == sys::WITNESS_SLOTS);

/// How long the door may be somebody else's where no time was given: whoever has it is gone in microseconds.
const DOOR_PATIENCE: Duration = Duration::from_secs(5);
/// How often others may make and remove the segment while somebody comes.
const TRIES: u32 = 100;

/// Of the mode: who cannot read and write a segment has no door, and so could neither clear nor remove it.
const OWNERS: u32 = 0o600;

/// The generation of the slot that a segment's maker has.
const FIRST: u32 = 1;

/// A segment, by whose it is and what it is called.
pub(super) struct Native {
    path: PathBuf,
    /// The number in the name, to whom the file has to belong.
    uid: u32,
    /// Whether the address says no owner: then it is this user.
    own: bool,
}

impl Native {
    pub(super) fn new(owner: Option<&str>, name: &str) -> Result<Self> {
        let Place { path, uid } = Place::of(owner, name)?;
        Ok(Self { path, uid, own: owner.is_none() })
    }

    fn door(how_long: Option<Duration>) -> Wait {
        Wait::up_to(Some(how_long.unwrap_or(DOOR_PATIENCE)))
    }

    /// Opens what has the name, if it belongs to whom the name says.
    fn open(&self, writable: bool) -> Result<Opened> {
        let (file, facts) = sys::open_file(&self.path, writable, false).map_err(squatted)?;
        if facts.uid != Some(self.uid) {
            return Err(untrusted(&format!("it belongs to uid {}", facts.uid.unwrap_or_default())));
        }
        let witness = Witness::of(&file, writable)?;
        Ok(Opened { file, facts, witness })
    }

    /// Comes in, if the segment lives or is kept. `None`: look again, it is another one by now.
    fn enter(&self, how: &How, wait: Wait) -> Result<Option<Box<dyn Attached>>> {
        let opened = self.open(how.writable)?;
        if !how.writable {
            return self.enter_as_reader(opened, how, wait);
        }
        opened.wait_for_the_door(wait)?;
        if !leads_to(&self.path, opened.facts.mapped()) {
            return Ok(None);
        }
        let known = opened.known_as(how)?;
        let slot = opened.take_slot()?;
        if known.kept {
            opened.witness.touch();
        }
        if !known.kept && !opened.witness.is_held_by_others(Byte::Holders)? {
            remove_if_ours(&self.path)?;
            return Err(stale());
        }
        let attached = AttachedNative::writer(opened, self.path.clone(), &known, slot, how)?;
        attached.leave_the_door()?;
        Ok(Some(Box::new(attached)))
    }

    /// Who only reads cannot write down that it came, and has no door to hold.
    fn enter_as_reader(&self, opened: Opened, how: &How, wait: Wait) -> Result<Option<Box<dyn Attached>>> {
        let known = opened.known_as(how)?;
        let witness = &opened.witness;
        if !witness.try_lock(Byte::Readers, true)? {
            return Err(Error::new(
                ErrorKind::LockError,
                "somebody keeps readers out by a lock of their own",
            )
            .with_hint("`cenote show` names those who have it open"));
        }
        // Whoever is at the door now may not have seen us; who comes there later has.
        let mut backoff = sys::Backoff::new();
        while witness.is_held_by_others(Byte::Door)? {
            if !backoff.pause(wait) {
                return Err(stopped_at_the_door());
            }
        }
        if !leads_to(&self.path, opened.facts.mapped()) {
            return Ok(None);
        }
        if known.kept {
            witness.touch();
        } else if !witness.is_held_by_others(Byte::Holders)? {
            return Err(stale());
        }
        Ok(Some(Box::new(AttachedNative::reader(opened, self.path.clone(), &known, how)?)))
    }

    /// Removes the segment if it is stale: true if the name is free now.
    fn clear(&self, wait: Wait) -> Result<bool> {
        let opened = match self.open(true) {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        opened.wait_for_the_door(wait)?;
        if !leads_to(&self.path, opened.facts.mapped()) {
            return Ok(true);
        }
        if opened.known()?.kept || opened.witness.is_held_by_others(Byte::Holders)? {
            return Ok(false);
        }
        sys::remove_file(&self.path, true).or_else(unless_gone)?;
        Ok(true)
    }

    fn make(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        let part = how.extent.within(size)?;
        // What is too large for that is too large for a file.
        let whole = size.saturating_add(FRONT as u64);
        let new = NewFile { size: whole, mode: how.mode, sparse: how.sparse };
        let bytes = Content::default();
        let content = how.content.as_ref().map_or(&bytes, |typed| &typed.content);
        let identity = Identity::new(size, how.keep, content);
        let known = identity.check(whole)?;
        // With the slot of its first holder, which takes that before others can: written in one piece, since touching
        // each page of a mapping for the first time costs more than the bytes between the two.
        let front = layout::front(&identity, content, &Slot::taken(FIRST));
        let file = sys::make_unnamed_file(&self.path, new, &front)?;
        let (facts, witness) = (sys::stat_file(&file)?, Witness::of(&file, true)?);
        let opened = Opened { file, facts, witness };
        // Its first holder is there before its name is.
        if opened.take_slot()? != 0 {
            return Err(restless());
        }
        Ok(Box::new(AttachedNative::maker(opened, self.path.clone(), &known, part, how)?))
    }
}

/// A file of the right owner, open.
struct Opened {
    file: Handle,
    facts: FileFacts,
    witness: Witness,
}

impl Opened {
    /// What the beginning of the file says.
    fn known(&self) -> Result<Known> {
        if self.facts.size < FRONT as u64 {
            let what = format!("it has {} bytes, too few for a header", self.facts.size);
            return Err(Error::new(ErrorKind::Corrupt, what)
                .with_hint("it is no segment of Cenote's, or was cut: `cenote rm` removes it"));
        }
        let mut identity = Identity::new_zeroed();
        sys::read_file_at(&self.file, 0, identity.as_mut_bytes())?;
        identity.check(self.facts.size)
    }

    /// The same, if it has what is wanted.
    fn known_as(&self, how: &How) -> Result<Known> {
        let known = self.known()?;
        let mut poisoned = [0; 4];
        sys::read_file_at(&self.file, POISONED as u64, &mut poisoned)?;
        match &how.content {
            _ if poisoned != [0; 4] => Err(Error::new(
                ErrorKind::Corrupt,
                "somebody who had it attached found its memory taken away",
            )
            .with_hint("what is in it is lost in part: remove it with `cenote rm` and make it anew")),
            Some(wanted) if !known.content.is_as(&wanted.content) => {
                Err(layout::another(&known.content.to_string(), &wanted.content.to_string()).with_hint(
                    "all programs that share it use the same type; to change the type, remove it first: `cenote rm`",
                ))
            }
            _ => Ok(known),
        }
    }

    fn wait_for_the_door(&self, wait: Wait) -> Result<()> {
        wait_for_the_door(&self.witness, wait)
    }

    /// The lowest that is free: whoever has its byte has the slot.
    fn take_slot(&self) -> Result<u32> {
        for slot in 0..SLOTS {
            if self.witness.try_lock(Byte::Slot(slot), false)? {
                return Ok(slot);
            }
        }
        Err(full())
    }
}

impl Native {
    /// What everybody may see of a segment that this user may not open.
    fn examine_from_outside(&self) -> Result<Examined> {
        let facts = sys::stat_path(&self.path, false).map_err(squatted)?;
        if facts.uid != Some(self.uid) {
            return Err(untrusted(&format!("it belongs to uid {}", facts.uid.unwrap_or_default())));
        }
        let size = facts.size.saturating_sub(FRONT as u64);
        let stat = Stat { size, ..mapped_file::stat(&facts) };
        Ok(Examined { memory: facts.memory, ..Examined::new(stat, facts.mapped(), LockState::Unknown) })
    }
}

impl Backend for Native {
    fn create(&self, size: u64, how: &How) -> Result<Box<dyn Attached>> {
        mappable(size)?;
        if !self.own && sys::own_user() != Some(self.uid) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "another user's segments are theirs to make",
            )
            .with_hint("leave out the @user, or ask that user"));
        }
        if how.mode & OWNERS != OWNERS {
            return Err(keeps_its_owner_out(how.mode));
        }
        patiently(Self::door(how.timeout), |wait| match self.make(size, how) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if self.clear(wait)? {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
            made => made.map(Some),
        })
    }

    fn attach(&self, how: &How) -> Result<Box<dyn Attached>> {
        patiently(Self::door(how.timeout), |wait| self.enter(how, wait))
    }

    fn remove(&self, wait: Wait) -> Result<()> {
        let wait = if matches!(wait, Wait::Forever) { Self::door(None) } else { wait };
        patiently(wait, |wait| {
            let opened = self.open(true)?;
            opened.wait_for_the_door(wait)?;
            if !leads_to(&self.path, opened.facts.mapped()) {
                return Ok(None);
            }
            sys::remove_file(&self.path, true).map(Some).map_err(squatted)
        })
    }

    fn stat(&self) -> Result<Stat> {
        let opened = self.open(false)?;
        Ok(attached::stat(&opened.facts, &opened.known()?))
    }

    fn lock_state(&self) -> LockState {
        self.open(false).and_then(|opened| Ok(opened.look()?.0.lock_state())).unwrap_or(LockState::Unknown)
    }

    fn mapped(&self) -> Result<Mapped> {
        self.open(false).map(|opened| opened.facts.mapped())
    }

    fn break_lock(&self, force: bool) -> Result<bool> {
        let opened = self.open(true)?;
        match opened.look()?.0.lock_state() {
            LockState::Held(_) if force => {
                let front = Mapping::of_file(&opened.file, Part::first(FRONT), true)?;
                let broken = lock::break_it(front.word(LOCK)?, sys::wake_low_half);
                // Memory that somebody has cut off is ours alone.
                front.intact().map(|()| broken)
            }
            LockState::Held(_) => Err(Error::new(ErrorKind::LockError, "its holder lives")
                .with_hint("`cenote show` names it: end it, and the lock is free")),
            // What a dead holder had is nobody's already.
            _ => Ok(false),
        }
    }

    fn inside(&self) -> Result<Option<Box<dyn Inside>>> {
        Ok(Some(Box::new(self.open(false)?.into_inside()?)))
    }

    fn examine(&self) -> Result<Examined> {
        let opened = match self.open(false) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return self.examine_from_outside(),
            opened => opened?,
        };
        let (look, known) = opened.look()?;
        let life = match (opened.witness.is_held_by_others(Byte::Holders)?, known.kept) {
            (true, _) => Life::Held,
            (false, true) => Life::Kept,
            (false, false) => Life::Stale,
        };
        let stat = attached::stat(&opened.facts, &known);
        let (lock, lock_waiters, named) = (look.lock_state(), look.lock_waiters(), look.named());
        let (memory, mapped) = (opened.facts.memory, opened.facts.mapped());
        // What cannot be looked into has its verdict even so.
        let inside = opened.into_inside().ok().map(|inside| Box::new(inside) as Box<dyn Inside>);
        Ok(Examined {
            memory,
            life: Some(life),
            lock_waiters,
            named,
            inside,
            ..Examined::new(stat, mapped, lock)
        })
    }

    fn reap(&self, order: &Order) -> Result<Reaping> {
        let opened = self.open(true)?;
        opened.wait_for_the_door(order.wait)?;
        let known = opened.known()?;
        // With the door in hand nobody comes or leaves.
        if !leads_to(&self.path, opened.facts.mapped()) {
            return spared("another has its name by now");
        }
        if let Some(why) = order.objection(opened.facts.mapped(), &attached::stat(&opened.facts, &known)) {
            return spared(why);
        }
        if known.kept && !order.kept {
            return spared("its maker asked for it to stay");
        }
        if opened.witness.is_held_by_others(Byte::Holders)? {
            return spared("somebody has attached it just now");
        }
        sys::remove_file(&self.path, true).map(|()| Reaping::Removed)
    }
}

/// Tries until there is a result, and no longer than allowed, however often the name changes hands meanwhile.
fn patiently<T>(wait: Wait, mut work: impl FnMut(Wait) -> Result<Option<T>>) -> Result<T> {
    for _ in 0..TRIES {
        if let Some(done) = work(wait)? {
            return Ok(done);
        }
        if wait.is_over() {
            return Err(stopped_at_the_door());
        }
    }
    Err(restless())
}

/// Whether the name still leads to the file.
fn leads_to(path: &Path, file: Mapped) -> bool {
    sys::stat_path(path, false).is_ok_and(|now| now.mapped() == file)
}

fn wait_for_the_door(witness: &Witness, wait: Wait) -> Result<()> {
    if witness.lock(Byte::Door, wait)? { Ok(()) } else { Err(stopped_at_the_door()) }
}

/// Takes the name away that [`leads_to`] a file. Another user's is theirs to remove, who finds it stale.
fn remove_if_ours(path: &Path) -> Result<()> {
    match sys::remove_file(path, false) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        removed => removed.or_else(unless_gone),
    }
}

/// Somebody who heeds no door has taken the name away just now, or put there what is no file: it is not ours any more.
fn unless_gone(error: Error) -> Result<()> {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::KeyError => Ok(()),
        _ => Err(error),
    }
}

/// For what is found under the name and is not what a native segment is.
#[cold]
fn squatted(error: Error) -> Error {
    match error.kind() {
        ErrorKind::KeyError => error.with_kind(ErrorKind::Untrusted),
        _ => error,
    }
}

#[cold]
fn untrusted(what: &str) -> Error {
    Error::new(ErrorKind::Untrusted, format!("{what}, and not to the user in its name"))
        .with_hint("somebody has taken the name: `ls -l /dev/shm` shows who; its owner or root can remove it")
}

#[cold]
fn keeps_its_owner_out(mode: u32) -> Error {
    let what = format!("with mode {mode:04o} its own user could neither attach nor remove it");
    Error::new(ErrorKind::Unsupported, what).with_hint(
        "let its owner read and write, as 0600, 0640 and 0644 do; the others may be kept from writing",
    )
}

#[cold]
fn stale() -> Error {
    Error::new(ErrorKind::NotFound, "there was one, whose holders have all died; it is of no use to anybody")
        .with_hint("create it anew; a segment that is to outlive its holders is made with keep()")
}

#[cold]
fn full() -> Error {
    Error::new(ErrorKind::OutOfResources, format!("all {SLOTS} places for those who may write are taken"))
        .with_hint(
            "attach it read-only, for which there is no limit, or end a holder: `cenote show` names them",
        )
}

#[cold]
fn stopped_at_the_door() -> Error {
    Error::new(ErrorKind::Timeout, "another process has been attaching or leaving all the time")
        .with_hint("it may be stopped (Ctrl-Z, a debugger): `cenote show` names the holders")
}

#[cold]
fn restless() -> Error {
    Error::new(ErrorKind::Unknown, "it appears and disappears all the time")
}

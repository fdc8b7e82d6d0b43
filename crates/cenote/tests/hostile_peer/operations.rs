//! What a program can do with native segments: one function each, with what it promises. What is new in the API has its
//! line in `OPERATIONS`.

use std::time::Duration;

use cenote::ErrorKind::{
    AlreadyExists, Corrupt, Incompatible, InvalidSize, KeyError, LockError, NotFound, OutOfResources,
    PermissionDenied, Timeout, Unknown, Untrusted,
};
use cenote::{ErrorKind, Kind, Options, Result, Segment, catalog};
use testkit::Rng;

use crate::named;
use crate::queues;
use crate::topics;
use crate::values;
use crate::victim::Victim;

/// Something to do, and what it may cost.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// How often it is done, beside the others.
    pub(crate) weight: u64,
    /// How long it may take.
    pub(crate) bound: Duration,
    /// How many bytes it may allocate.
    pub(crate) memory: usize,
    /// Which errors it may give.
    pub(crate) kinds: &'static [ErrorKind],
    pub(crate) run: Run,
}

/// Does it: false if there was nothing to do it with.
type Run = fn(&mut Victim) -> Result<bool>;

/// The largest size that is asked for, and of a copy.
const MOST: usize = 64 << 10;
/// Handles and messages.
const LITTLE: usize = 16 << 10;
/// The maps and the command lines of all processes of the machine.
const MACHINE: usize = 32 << 20;
/// How many segments are attached at a time.
const HANDLES: usize = 4;

/// The time that is allowed where one is given.
pub(crate) const TIME: Duration = Duration::from_millis(20);
/// What native segments wait at the door without one.
const DOOR: Duration = Duration::from_secs(5);
/// And while another program has a lease on the file.
const LEASE: Duration = Duration::from_secs(1);
/// What a drop waits at most.
const DROP: Duration = Duration::from_secs(1);
const SHORT: Duration = TIME.saturating_add(LEASE).saturating_add(DROP);
const LONG: Duration = DOOR.saturating_add(LEASE).saturating_add(DROP);

const COMING: &[ErrorKind] = &[
    AlreadyExists,
    Corrupt,
    Incompatible,
    InvalidSize,
    LockError,
    NotFound,
    OutOfResources,
    PermissionDenied,
    Timeout,
    Unknown,
    Untrusted,
];
const LEAVING: &[ErrorKind] = &[KeyError, NotFound, PermissionDenied, Timeout];
const REMOVING: &[ErrorKind] =
    &[KeyError, LockError, NotFound, PermissionDenied, Timeout, Unknown, Untrusted];
const LOCKING: &[ErrorKind] = &[Corrupt, LockError, NotFound, PermissionDenied, Timeout];
const NAMING: &[ErrorKind] =
    &[Corrupt, Incompatible, LockError, NotFound, OutOfResources, PermissionDenied, Timeout];
const BYTES: &[ErrorKind] = &[Corrupt, InvalidSize, NotFound, PermissionDenied];
const LOOKING: &[ErrorKind] = &[Corrupt, Incompatible, LockError, NotFound, PermissionDenied, Untrusted];

pub(crate) const OPERATIONS: &[Operation] = &[
    coming("create", 40, SHORT, create),
    coming("create kept", 5, SHORT, create_kept),
    coming("attach", 80, SHORT, attach),
    coming("attach waiting", 2, LONG, attach_waiting),
    coming("attach reading", 50, SHORT, attach_reading),
    coming("attach a part", 15, SHORT, attach_part),
    coming("open or create", 40, SHORT, open_or_create),
    coming("open waiting", 2, LONG, open_waiting),
    leaving("detach", 30, detach),
    leaving("drop", 30, let_go),
    Operation { kinds: REMOVING, ..leaving("remove", 10, remove) },
    locking("lock", 100, lock),
    locking("try lock", 60, try_lock),
    locking("lock, two", 15, lock_in_two_threads),
    Operation { kinds: LOOKING, ..locking("break", 10, break_lock) },
    Operation { kinds: LOOKING, ..locking("break by force", 10, break_by_force) },
    naming("named lock", 40, named::lock),
    naming("rwlock", 40, named::read_and_write),
    naming("semaphore", 40, named::permit),
    naming("event", 40, named::event),
    naming("condvar", 40, named::condvar),
    holding("value", 40, values::value),
    holding("value, checked", 20, values::checked),
    holding("value, any", 20, values::reading),
    holding("blob", 40, values::blob),
    passing("queue, send", 40, queues::send),
    passing("queue, receive", 40, queues::receive),
    passing("queue, both", 20, queues::pass),
    passing("queue, typed", 20, queues::typed),
    passing("topic, publish", 40, topics::publish),
    passing("topic, subscribe", 40, topics::subscribe),
    passing("topic, only read", 20, topics::only_read),
    passing("topic, both", 20, topics::pass),
    passing("topic, typed", 20, topics::typed),
    bytes("read", 60, read),
    bytes("read a value", 60, read_value),
    bytes("read to vec", 60, read_to_vec),
    bytes("write", 60, write),
    bytes("write a value", 60, write_value),
    bytes("fill", 40, fill),
    bytes("copy", 40, copy),
    looking("stat", 40, LITTLE, stat),
    looking("stat of", 40, LITTLE, stat_of),
    looking("look", 4, MACHINE, look),
    looking("list", 1, MACHINE, list),
    looking("lock users", 4, MACHINE, lock_users),
];

const fn coming(name: &'static str, weight: u64, bound: Duration, run: Run) -> Operation {
    Operation { name, weight, bound, memory: LITTLE, kinds: COMING, run }
}

const fn leaving(name: &'static str, weight: u64, run: Run) -> Operation {
    Operation { name, weight, bound: LONG, memory: LITTLE, kinds: LEAVING, run }
}

const fn locking(name: &'static str, weight: u64, run: Run) -> Operation {
    Operation { name, weight, bound: SHORT, memory: LITTLE, kinds: LOCKING, run }
}

/// It waits at the door, and several times in a row.
const fn naming(name: &'static str, weight: u64, run: Run) -> Operation {
    Operation { name, weight, bound: LONG, memory: LITTLE, kinds: NAMING, run }
}

/// It comes, loads, stores, and leaves. A copy, or what a segment says that a copy has.
const fn holding(name: &'static str, weight: u64, run: Run) -> Operation {
    Operation { name, weight, bound: LONG, memory: 2 * MOST + LITTLE, kinds: COMING, run }
}

/// It comes, several times, sends or receives some messages, and leaves. Those are as long as the segment at most, and
/// freed one by one.
const fn passing(name: &'static str, weight: u64, run: Run) -> Operation {
    Operation { name, weight, bound: LONG, memory: 2 * MOST + LITTLE, kinds: COMING, run }
}

const fn bytes(name: &'static str, weight: u64, run: Run) -> Operation {
    Operation { name, weight, bound: TIME, memory: MOST + LITTLE, kinds: BYTES, run }
}

const fn looking(name: &'static str, weight: u64, memory: usize, run: Run) -> Operation {
    Operation { name, weight, bound: LONG, memory, kinds: LOOKING, run }
}

impl Victim {
    fn size(&mut self) -> u64 {
        *self.rng.choose(&[1, 64, 4096, 5000, 20_000, MOST as u64])
    }

    /// Keeps it, and lets another go if there are many.
    fn keep(&mut self, attached: Result<Segment>) -> Result<bool> {
        let attached = attached?;
        if self.held.len() >= HANDLES {
            self.take();
        }
        self.held.push(attached);
        Ok(true)
    }

    /// One of those that are attached, to do with it what one likes.
    fn take(&mut self) -> Option<Segment> {
        let count = self.held.len() as u64;
        (count > 0).then(|| self.held.swap_remove(self.rng.below(count) as usize))
    }

    /// One of those that are attached, and something to choose by.
    pub(crate) fn one(&mut self) -> Option<(&Segment, &mut Rng)> {
        let count = self.held.len() as u64;
        (count > 0).then(|| (&self.held[self.rng.below(count) as usize], &mut self.rng))
    }

    fn come(&mut self, come: impl FnOnce(Options, &str) -> Result<Segment>) -> Result<bool> {
        let attached = come(Segment::options().timeout(TIME), &self.address);
        self.keep(attached)
    }
}

/// A place in a segment, and how many bytes from there on: within it as a rule.
fn place(segment: &Segment, rng: &mut Rng) -> (usize, usize) {
    let len = segment.len();
    // The attacker makes files of holes, and what is touched there takes memory.
    let near = len.min(1 << 20) as u64;
    let offset =
        if rng.one_in(4) { len - (rng.below(near) as usize).min(len) } else { rng.below(near) as usize };
    let count = (rng.below(MOST as u64) as usize).min(len - offset);
    if rng.one_in(50) { (offset, MOST.min(len) + 1) } else { (offset, count) }
}

fn create(victim: &mut Victim) -> Result<bool> {
    let size = victim.size();
    victim.come(|options, address| options.create(address, size))
}

fn create_kept(victim: &mut Victim) -> Result<bool> {
    let size = victim.size();
    victim.come(|options, address| options.keep().mode(0o640).create(address, size))
}

fn attach(victim: &mut Victim) -> Result<bool> {
    victim.come(|options, address| options.attach(address))
}

fn attach_waiting(victim: &mut Victim) -> Result<bool> {
    victim.come(|_, address| Segment::attach(address))
}

fn attach_reading(victim: &mut Victim) -> Result<bool> {
    victim.come(|options, address| options.read_only().attach(address))
}

fn attach_part(victim: &mut Victim) -> Result<bool> {
    let from = victim.rng.below(8192);
    let to = from + victim.rng.below(8192);
    victim.come(|options, address| options.range(from..to).attach(address))
}

fn open_or_create(victim: &mut Victim) -> Result<bool> {
    let size = victim.size();
    victim.come(|options, address| options.open_or_create(address, size))
}

fn open_waiting(victim: &mut Victim) -> Result<bool> {
    let size = victim.size();
    victim.come(|_, address| Segment::open_or_create(address, size))
}

fn detach(victim: &mut Victim) -> Result<bool> {
    victim.take().map_or(Ok(false), |segment| segment.detach().map(|()| true))
}

fn let_go(victim: &mut Victim) -> Result<bool> {
    Ok(victim.take().map(drop).is_some())
}

fn remove(victim: &mut Victim) -> Result<bool> {
    Segment::options().timeout(TIME).remove(victim.address.as_str()).map(|()| true)
}

fn lock(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    let guard = segment.lock_timeout(TIME)?;
    let _ = guard.abandoned();
    if rng.one_in(2) {
        drop(guard);
        return Ok(true);
    }
    guard.write_at(0, b"x")?;
    guard.unlock().map(|()| true)
}

fn try_lock(victim: &mut Victim) -> Result<bool> {
    let Some((segment, _)) = victim.one() else { return Ok(false) };
    segment.try_lock()?.map_or(Ok(true), |guard| guard.unlock().map(|()| true))
}

/// Two threads on one handle, which may meet the same fault.
fn lock_in_two_threads(victim: &mut Victim) -> Result<bool> {
    let Some((segment, _)) = victim.one() else { return Ok(false) };
    let work = || {
        let guard = segment.lock_timeout(TIME)?;
        let value: u8 = guard.read_value(0)?;
        guard.write_value(0, &value.wrapping_add(1))?;
        guard.unlock()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let ours = work();
        other.join().expect("no panic").and(ours)
    })
    .map(|()| true)
}

fn break_lock(victim: &mut Victim) -> Result<bool> {
    Segment::options().break_lock(victim.address.as_str()).map(|_| true)
}

fn break_by_force(victim: &mut Victim) -> Result<bool> {
    Segment::options().break_lock_by_force(victim.address.as_str()).map(|_| true)
}

fn read(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    let (offset, count) = place(segment, rng);
    segment.read_at(offset, &mut vec![0; count]).map(|()| true)
}

fn read_value(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    segment.read_value::<u64>(place(segment, rng).0).map(|_| true)
}

fn read_to_vec(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    let (offset, count) = place(segment, rng);
    let bytes = segment.read_to_vec(offset..offset + count)?;
    assert_eq!(bytes.len(), count);
    Ok(true)
}

fn write(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    let (offset, count) = place(segment, rng);
    segment.write_at(offset, &vec![0x5a; count]).map(|()| true)
}

fn write_value(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    segment.write_value(place(segment, rng).0, &7_u64).map(|()| true)
}

fn fill(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    let (offset, count) = place(segment, rng);
    segment.fill(offset..offset + count, 0xa5).map(|()| true)
}

fn copy(victim: &mut Victim) -> Result<bool> {
    let Some((segment, rng)) = victim.one() else { return Ok(false) };
    let ((offset, count), (to, _)) = (place(segment, rng), place(segment, rng));
    segment.copy_to(offset..offset + count, segment.view(to, count)?).map(|()| true)
}

fn stat(victim: &mut Victim) -> Result<bool> {
    let Some((segment, _)) = victim.one() else { return Ok(false) };
    segment.stat().map(|_| true)
}

fn stat_of(victim: &mut Victim) -> Result<bool> {
    Segment::stat_of(victim.address.as_str()).map(|_| true)
}

fn look(victim: &mut Victim) -> Result<bool> {
    catalog::look(&victim.address.parse()?).map(|entry| {
        assert!(!entry.reason.is_empty());
        true
    })
}

fn list(_: &mut Victim) -> Result<bool> {
    catalog::list(Some(Kind::Cenote)).map(|_| true)
}

fn lock_users(victim: &mut Victim) -> Result<bool> {
    catalog::lock_users(&victim.address.parse()?, None).map(|_| true)
}

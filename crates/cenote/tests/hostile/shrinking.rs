//! Two threads use a `posix:` segment while another process truncates, grows, punches, chmods, unlinks and remakes it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cenote::{ErrorKind, Result, Segment};
use testkit::names::ShmName;
use testkit::{Peer, Rng, watchdog};

use crate::attacker::MOST;
use crate::child;

/// What must really have happened, so that the test proves something: lost handles, and accesses that were well.
const NEEDED: (u64, u64) = (300, 5_000);
/// What it goes on for, as long as there is time.
const WANTED: (u64, u64) = (3_000, 60_000);
const TIME: Duration = Duration::from_secs(20);

/// How often each outcome came.
#[derive(Default, Debug)]
struct Tally {
    successes: u64,
    /// Handles whose memory was taken away.
    losses: u64,
    errors: BTreeMap<String, u64>,
}

/// The segment that both threads use at a time, so that both can meet the same fault.
struct Shared {
    address: String,
    current: Mutex<Option<Arc<Segment>>>,
    tally: Mutex<Tally>,
    enough: AtomicBool,
}

#[test]
fn ten_thousand_attacks_on_a_segment_in_use_cost_errors_and_no_life() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let name = ShmName::unique("attacked");
    let shared = Shared {
        address: format!("posix:{}", name.name()),
        current: Mutex::new(None),
        tally: Mutex::default(),
        enough: AtomicBool::new(false),
    };
    let mut attacker = Peer::spawn(child::command("attack", &name.path().display().to_string()));
    thread::scope(|scope| {
        for seed in [1, 2] {
            let shared = &shared;
            scope.spawn(move || use_it(shared, &mut Rng::new(seed)));
        }
        let deadline = Instant::now() + TIME;
        let attacked = attacker.reply(3 * TIME).map(|reply| reply.line().to_owned());
        while Instant::now() < deadline && !lock(&shared.tally).reaches(WANTED) {
            thread::sleep(Duration::from_millis(5));
        }
        shared.enough.store(true, Ordering::Relaxed);
        assert_eq!(attacked.as_deref(), Some("ok 10000"), "the attacks are not done in time");
    });
    attacker.finish();
    let tally = lock(&shared.tally);
    println!("{tally:?}");
    assert!(tally.reaches(NEEDED), "too little happened to prove anything: {tally:?}");
    let expected =
        ["AlreadyExists", "Corrupt", "InvalidSize", "NotFound", "PermissionDenied", "Timeout", "LockError"];
    for kind in tally.errors.keys() {
        assert!(expected.contains(&kind.as_str()), "{tally:?}");
    }
    drop(lock(&shared.current).take());
}

impl Tally {
    fn reaches(&self, (losses, successes): (u64, u64)) -> bool {
        self.losses >= losses && self.successes >= successes
    }
}

/// Attaches, uses, and starts over when the segment is lost; now and then also when it is not, because it may have
/// been unlinked.
fn use_it(shared: &Shared, rng: &mut Rng) {
    while !shared.enough.load(Ordering::Relaxed) {
        let segment = match shared.segment() {
            Ok(segment) => segment,
            Err(error) => {
                shared.count_error(&error);
                thread::yield_now();
                continue;
            }
        };
        for _ in 0..1 + rng.below(20) {
            if rng.one_in(4) {
                // The attacker's turn.
                thread::yield_now();
            }
            match use_once(&segment, rng) {
                Ok(()) => lock(&shared.tally).successes += 1,
                Err(error) => {
                    shared.count_error(&error);
                    if error.kind() == ErrorKind::Corrupt {
                        assert_lost_for_good(&segment);
                        break;
                    }
                }
            }
        }
        shared.give_up(&segment);
    }
}

/// One access, of any sort, anywhere in the segment.
fn use_once(segment: &Segment, rng: &mut Rng) -> Result<()> {
    let len = segment.len();
    let offset = rng.below(len as u64) as usize;
    let count = (rng.below(len as u64) as usize).min(len - offset);
    match rng.below(7) {
        0 => segment.read_at(offset, &mut vec![0; count]),
        1 => segment.write_at(offset, &vec![0x5a; count]),
        2 => segment.fill(offset..offset + count, 0xa5),
        3 => segment.copy_to(offset..offset + count, segment.view(0, len)?),
        4 => segment.read_to_vec(offset..offset + count).map(|bytes| assert_eq!(bytes.len(), count)),
        5 if len >= 8 => {
            let at = offset.min(len - 8) / 8 * 8;
            let value: u64 = segment.read_value(at)?;
            segment.write_value(at, &value.wrapping_add(1))
        }
        _ => {
            let guard = segment.lock_timeout(Duration::from_millis(20))?;
            guard.write_at(offset, &[1])?;
            guard.unlock()
        }
    }
}

/// What is lost stays lost: nobody takes the zeros in its place for data.
fn assert_lost_for_good(segment: &Segment) {
    let len = segment.len();
    for result in [
        segment.read_at(len - 1, &mut [0]),
        segment.write_at(0, &[1]),
        segment.fill(.., 1),
        segment.read_to_vec(..).map(drop),
        segment.copy_to(..1, segment.view(len - 1, 1).unwrap()),
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

impl Shared {
    /// The segment that is in use, or a new attachment.
    fn segment(&self) -> Result<Arc<Segment>> {
        let mut current = lock(&self.current);
        if let Some(segment) = &*current {
            return Ok(Arc::clone(segment));
        }
        let segment = Arc::new(Segment::attach(&self.address).or_else(|error| {
            // It has no size at the moment, or no name.
            self.count_error(&error);
            Segment::create(&self.address, MOST)
        })?);
        *current = Some(Arc::clone(&segment));
        Ok(segment)
    }

    /// Lets the next user attach anew; counts the handle if it was lost.
    fn give_up(&self, segment: &Arc<Segment>) {
        let mut current = lock(&self.current);
        if current.as_ref().is_some_and(|now| Arc::ptr_eq(now, segment)) {
            *current = None;
            let lost = segment.read_value::<u8>(0).is_err_and(|error| error.kind() == ErrorKind::Corrupt);
            lock(&self.tally).losses += u64::from(lost);
        }
    }

    fn count_error(&self, error: &cenote::Error) {
        let kind = error.kind().to_string();
        *lock(&self.tally).errors.entry(kind).or_default() += 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

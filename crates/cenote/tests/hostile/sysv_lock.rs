//! The lock of `sysv:` segments under a hostile hand: the set is `[held, dirty, signature]`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cenote::{Abandoned, ErrorKind, Guard, Segment};
use testkit::agent;
use testkit::sysv::SysvKey;

use crate::semaphores::{Set, lock_briefly};
use crate::{await_flag, minute};

const ODD: [i32; 4] = [0, 1, 2, 32767];

/// The key is dropped last, and takes away what is left under it.
struct Victim {
    segment: Segment,
    key: SysvKey,
}

impl Victim {
    fn new() -> Self {
        let key = SysvKey::unique();
        let segment = Segment::create(format!("sysv:{:#010x}", key.key()), 64).unwrap();
        drop(segment.lock().unwrap());
        Self { segment, key }
    }

    fn address(&self) -> String {
        self.segment.address().to_string()
    }

    fn set(&self) -> Set {
        Set::find(self.key.key()).expect("the set is there")
    }
}

#[test]
fn odd_values_make_a_free_lock_held_or_abandoned_and_never_hang_a_timed_wait() {
    let _watchdog = minute();
    for held in ODD {
        for dirty in ODD {
            let victim = Victim::new();
            victim.set().put(0, held);
            victim.set().put(1, dirty);
            let result = lock_briefly(&victim.segment);
            match (held, dirty) {
                (0, 0) => assert_eq!(result.unwrap().abandoned(), Abandoned::No),
                (0, _) => assert_eq!(result.unwrap().abandoned(), Abandoned::Yes, "{dirty}"),
                _ => assert_eq!(result.unwrap_err().kind(), ErrorKind::Timeout, "{held} {dirty}"),
            }
            assert_eq!(victim.segment.try_lock().unwrap().is_some(), held == 0);
            victim.segment.write_at(0, b"still usable").unwrap();
        }
    }
}

#[test]
fn odd_values_while_it_is_held_are_told_when_it_is_let_go_or_do_no_harm() {
    let _watchdog = minute();
    for held in ODD {
        for dirty in ODD {
            let victim = Victim::new();
            let guard = victim.segment.lock().unwrap();
            victim.set().put(0, held);
            victim.set().put(1, dirty);
            let result = guard.unlock();
            // What was there before the hostile hand came cannot be told from what it put there.
            let plausible = held > 0 && dirty > 0;
            assert_eq!(result.is_ok(), plausible, "{held} {dirty}: {result:?}");
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
            }
            // Whatever the state is now, nobody hangs.
            for _ in 0..3 {
                drop(lock_briefly(&victim.segment));
            }
        }
    }
}

#[test]
fn a_signature_that_is_spoilt_makes_the_set_another_programs_for_newcomers() {
    let _watchdog = minute();
    for signature in [0, 1, 32767] {
        let victim = Victim::new();
        victim.set().put(2, signature);
        let newcomer = Segment::attach(victim.address()).unwrap();
        let error = lock_briefly(&newcomer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockError, "{error}");
        // Who knew the set before goes on with it.
        drop(lock_briefly(&victim.segment).unwrap());
    }
}

#[test]
fn a_set_that_is_removed_while_it_is_held_is_told_and_the_next_lock_is_new() {
    let _watchdog = minute();
    let victim = Victim::new();
    let guard = victim.segment.lock().unwrap();
    victim.set().remove();
    assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::LockError);
    let other = Segment::attach(victim.address()).unwrap();
    let guard = lock_briefly(&victim.segment).unwrap();
    assert_eq!(lock_briefly(&other).unwrap_err().kind(), ErrorKind::Timeout);
    guard.unlock().unwrap();
    drop(lock_briefly(&other).unwrap());
}

#[test]
fn a_set_that_is_removed_while_it_is_waited_for_is_made_anew() {
    let _watchdog = minute();
    let victim = Victim::new();
    let mut holder = agent::spawn();
    holder.ask(&format!("attach {}", victim.address())).expect_ok();
    holder.ask("lock").expect_ok();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| victim.segment.lock_timeout(Duration::from_secs(30)).map(Guard::unlock));
        victim.set().await_waiter(0);
        victim.set().remove();
        waiter.join().unwrap().expect("the wait goes on with the new set").unwrap();
    });
    // It drops its guard: a lock that is gone cannot be let go.
    holder.ask("unlock").expect_ok();
}

#[test]
fn a_set_of_another_form_in_its_place_is_an_error_at_once() {
    let _watchdog = minute();
    for count in [1, 2, 4] {
        let victim = Victim::new();
        victim.set().remove();
        let impostor = Set::make(victim.key.key(), count);
        impostor.put(0, 1);
        assert_eq!(lock_briefly(&victim.segment).unwrap_err().kind(), ErrorKind::LockError, "{count}");
        assert_eq!(impostor.get(0), 1, "and is left alone");
    }
}

#[test]
fn letting_go_of_a_set_that_is_gone_does_not_free_its_successor() {
    let _watchdog = minute();
    // One handle, two threads, as it may be used.
    let victim = Victim::new();
    let other = Segment::attach(victim.address()).unwrap();
    let first = victim.segment.lock().unwrap();
    victim.set().remove();
    let (locked, unlocked) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let second = victim.segment.lock_timeout(Duration::from_secs(20)).unwrap();
            locked.store(true, Ordering::Release);
            await_flag(&unlocked);
            let intruder = lock_briefly(&other).map(drop);
            second.unlock().unwrap();
            assert_eq!(intruder.unwrap_err().kind(), ErrorKind::Timeout, "two have the lock");
        });
        await_flag(&locked);
        let result = first.unlock();
        unlocked.store(true, Ordering::Release);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::LockError, "the set was removed while it was held");
    });
}

#[test]
fn a_storm_of_removals_and_values_never_hangs_a_timed_lock() {
    let _watchdog = minute();
    let victim = Victim::new();
    let (key, over) = (victim.key.key(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = testkit::Rng::new(7);
            while !over.load(Ordering::Relaxed) {
                let Some(set) = Set::find(key) else { continue };
                // It may be gone: by whose hand does not matter here.
                match rng.below(4) {
                    0 | 1 => set.try_remove(),
                    2 => set.try_put(0, *rng.choose(&ODD)),
                    _ => set.try_put(1, *rng.choose(&ODD)),
                }
            }
        });
        let mut locked = 0;
        for _ in 0..400 {
            if let Ok(guard) = lock_briefly(&victim.segment) {
                locked += 1;
                drop(guard.unlock());
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(locked > 0, "it was never had at all");
    });
}

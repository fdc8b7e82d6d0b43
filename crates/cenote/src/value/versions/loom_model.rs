//! Stores, loads, waits and deaths in every interleaving with up to three preemptions.

use loom::sync::atomic::AtomicU64;
use loom::sync::{Arc, Condvar, Mutex};

use super::*;

/// A value of two words, which have the number of its version both; the lock of those who store; and the kernel, whose
/// futex looks at the word and begins the sleep in one step.
struct Shared {
    word: AtomicU64,
    copies: [[AtomicU64; 2]; 2],
    lock: Mutex<()>,
    turn: Mutex<()>,
    bell: Condvar,
}

/// How a store ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    /// Killed with half of it written.
    HalfWay,
}

impl Shared {
    fn new() -> Arc<Self> {
        let words = || [AtomicU64::new(0), AtomicU64::new(0)];
        Arc::new(Self {
            word: AtomicU64::new(0),
            copies: [words(), words()],
            lock: Mutex::new(()),
            turn: Mutex::new(()),
            bell: Condvar::new(),
        })
    }

    /// The copies are made by relaxed words, as the shipped ones are.
    fn store(&self, end: End) {
        let _lock = self.lock.lock().unwrap();
        let next = version(&self.word) + 1;
        let write = |copy: usize| {
            self.copies[copy][0].store(next, Ordering::Relaxed);
            if end == End::HalfWay {
                return Err(());
            }
            self.copies[copy][1].store(next, Ordering::Relaxed);
            Ok(())
        };
        let stored = publish(&self.word, write, |_| {
            let _turn = self.turn.lock().unwrap();
            self.bell.notify_all();
        });
        assert_eq!(stored.ok(), (end == End::Done).then_some(next));
    }

    /// What was loaded, if it could be had.
    fn load(&self) -> Option<u64> {
        let copy_out = |copy: usize| {
            let [first, second] = &self.copies[copy];
            Ok::<_, ()>([first.load(Ordering::Relaxed), second.load(Ordering::Relaxed)])
        };
        let (value, version) = read(&self.word, 2, copy_out).unwrap()?;
        assert_eq!(value, [version; 2], "torn, or not yet there");
        Some(version)
    }

    fn wait(&self, since: u64) -> u64 {
        let asleep = |word: &AtomicU64, half: u32| {
            let turn = self.turn.lock().unwrap();
            if word.load(Ordering::Relaxed) as u32 == half {
                drop(self.bell.wait(turn).unwrap());
            }
            Ok::<_, ()>(true)
        };
        wait(&self.word, since, asleep).unwrap().unwrap()
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn with(shared: &Arc<Shared>, work: impl FnOnce(&Shared) + 'static) -> loom::thread::JoinHandle<()> {
    let shared = Arc::clone(shared);
    loom::thread::spawn(move || work(&shared))
}

#[test]
fn loom_what_is_loaded_was_stored_in_one_piece() {
    explore(|| {
        let shared = Shared::new();
        let writers = [(); 2].map(|()| with(&shared, |shared| shared.store(End::Done)));
        shared.load();
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(shared.load(), Some(2));
    });
}

/// Three versions come to the copy that is being read a second time.
#[test]
fn loom_the_copy_that_is_read_may_be_written_anew() {
    explore(|| {
        let shared = Shared::new();
        let writer = with(&shared, |shared| (0..3).for_each(|_| shared.store(End::Done)));
        let first = shared.load();
        if let (Some(first), Some(second)) = (first, shared.load()) {
            assert!(second >= first, "versions only grow");
        }
        writer.join().unwrap();
        assert_eq!(shared.load(), Some(3));
    });
}

#[test]
fn loom_who_dies_half_way_has_stored_nothing_and_the_next_begins_anew() {
    explore(|| {
        let shared = Shared::new();
        shared.store(End::Done);
        let dying = with(&shared, |shared| shared.store(End::HalfWay));
        let next = with(&shared, |shared| shared.store(End::Done));
        let seen = shared.load();
        assert!(seen.is_none_or(|seen| seen == 1 || seen == 2));
        dying.join().unwrap();
        next.join().unwrap();
        assert_eq!(shared.load(), Some(2));
    });
}

#[test]
fn loom_of_two_that_wait_both_are_woken() {
    explore(|| {
        let shared = Shared::new();
        let waiting = with(&shared, |shared| {
            assert_eq!(shared.wait(0), 1);
            assert_eq!(shared.load(), Some(1), "what was stored before is seen");
        });
        let writer = with(&shared, |shared| shared.store(End::Done));
        assert_eq!(shared.wait(0), 1);
        waiting.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn loom_who_waits_for_one_version_after_the_other_misses_no_last_one() {
    explore(|| {
        let shared = Shared::new();
        let writer = with(&shared, |shared| (0..2).for_each(|_| shared.store(End::Done)));
        let mut seen = 0;
        while seen < 2 {
            let now = shared.wait(seen);
            assert!(now > seen);
            seen = now;
        }
        writer.join().unwrap();
    });
}

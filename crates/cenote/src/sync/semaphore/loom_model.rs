//! Holders and waiters in every interleaving with up to three preemptions.

#![allow(unsafe_code)]

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU64;
use loom::sync::{Arc, Condvar, Mutex};

use super::*;

/// The kernel's futex: the word is looked at and the sleep begun in one step.
#[derive(Default)]
struct Futex {
    turn: Mutex<()>,
    bell: Condvar,
}

impl Door<AtomicU64> for Futex {
    type Error = ();

    fn sleep(&self, word: &AtomicU64, _wait: Wait) -> Result<(), ()> {
        let turn = self.turn.lock().unwrap();
        if value(word) == 0 {
            drop(self.bell.wait(turn).unwrap());
        }
        Ok(())
    }

    fn wake_one(&self, _word: &AtomicU64) {
        let _turn = self.turn.lock().unwrap();
        self.bell.notify_one();
    }
}

struct Shared {
    word: AtomicU64,
    futex: Futex,
    data: UnsafeCell<u32>,
}

impl Shared {
    fn new(value: u64) -> Arc<Self> {
        Arc::new(Self { word: AtomicU64::new(value), futex: Futex::default(), data: UnsafeCell::new(0) })
    }

    fn add_one(&self) {
        assert_eq!(acquire(&self.word, &self.futex, Wait::Forever), Ok(true));
        // SAFETY: loom checks that nobody else is in here.
        self.data.with_mut(|data| unsafe { *data += 1 });
        assert!(release(&self.word, &self.futex));
    }

    fn add_one_and_free(&self) {
        assert_eq!(acquire(&self.word, &self.futex, Wait::Forever), Ok(true));
        // SAFETY: loom checks that nobody else is in here.
        self.data.with_mut(|data| unsafe { *data += 1 });
        assert!(free(&self.word, &self.futex));
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn loom_of_two_one_is_in_and_both_get_their_turn() {
    explore(|| {
        let shared = Shared::new(1);
        let other = Arc::clone(&shared);
        let thread = loom::thread::spawn(move || other.add_one());
        shared.add_one();
        thread.join().unwrap();
        // SAFETY: the other thread has ended.
        assert_eq!(shared.data.with(|data| unsafe { *data }), 2);
        assert_eq!(
            shared.word.load(Ordering::Relaxed),
            1,
            "all is given back, and nobody is counted as waiting"
        );
    });
}

#[test]
fn loom_freeing_wakes_who_waits_and_sees_what_was_done() {
    explore(|| {
        let shared = Shared::new(1);
        let other = {
            let shared = Arc::clone(&shared);
            loom::thread::spawn(move || shared.add_one_and_free())
        };
        shared.add_one_and_free();
        other.join().unwrap();
        assert!(!free(&shared.word, &shared.futex), "it is free already");
        assert_eq!(shared.word.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn loom_two_that_wait_are_both_woken() {
    explore(|| {
        let shared = Shared::new(0);
        let waiters = [0, 1].map(|_| {
            let shared = Arc::clone(&shared);
            loom::thread::spawn(move || acquire(&shared.word, &shared.futex, Wait::Forever))
        });
        assert!(release(&shared.word, &shared.futex));
        assert!(release(&shared.word, &shared.futex));
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(true));
        }
        assert_eq!(shared.word.load(Ordering::Relaxed), 0);
    });
}

//! Holders, waiters and deaths in every interleaving with up to three preemptions.

#![allow(unsafe_code)]

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicBool;
use loom::sync::{Arc, Condvar, Mutex};

use super::super::Sleeper;
use super::super::traced::Traced;
use super::*;

/// The kernel: its futex looks at the word and begins the sleep in one step, and it knows who is dead. A death wakes
/// nobody, and every sleep is short: here that is one wake-up, after the death.
#[derive(Default)]
struct Kernel {
    turn: Mutex<()>,
    bell: Condvar,
    one_is_dead: AtomicBool,
}

const ONE: Holder = Holder { slot: 0, generation: 1 };
const TWO: Holder = Holder { slot: 1, generation: 1 };
const THREE: Holder = Holder { slot: 2, generation: 1 };

impl Sleeper<Traced> for Kernel {
    fn sleep(&self, word: &Traced, half: u32, _wait: Wait) {
        let turn = self.turn.lock().unwrap();
        let of_one = Holder::of(half.into()).is_some_and(|holder| holder.slot == ONE.slot);
        let is_over = of_one && self.one_is_dead.load(Ordering::Acquire);
        if word.load(Ordering::Relaxed) as u32 == half && !is_over {
            drop(self.bell.wait(turn).unwrap());
        }
    }

    fn wake_one(&self, _word: &Traced) {
        let _turn = self.turn.lock().unwrap();
        self.bell.notify_one();
    }

    fn wake_all(&self, _word: &Traced) {
        let _turn = self.turn.lock().unwrap();
        self.bell.notify_all();
    }

    fn pause(&self) {
        loom::thread::yield_now();
    }
}

impl Door<Traced> for Kernel {
    type Error = ();

    fn is_gone(&self, holder: Holder) -> Result<bool, ()> {
        // Acquire: pairs with the Release in `die`, as the kernel's own order does.
        Ok(holder == ONE && self.one_is_dead.load(Ordering::Acquire))
    }
}

struct Shared {
    word: Traced,
    kernel: Kernel,
    data: UnsafeCell<u32>,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self { word: Traced::new(0), kernel: Kernel::default(), data: UnsafeCell::new(0) })
    }

    fn take(&self, me: Holder) -> Taken {
        let taken = acquire(&self.word, &self.kernel, me, Wait::Forever).unwrap();
        // SAFETY: loom checks that nobody else is in here.
        self.data.with_mut(|data| unsafe { *data += 1 });
        taken
    }

    fn add_one(&self, me: Holder) {
        self.take(me);
        assert!(release(&self.word, me, false, |word| self.kernel.wake_one(word)));
    }

    fn die(&self) {
        let _turn = self.kernel.turn.lock().unwrap();
        // Release: pairs with the Acquire in `is_gone`.
        self.kernel.one_is_dead.store(true, Ordering::Release);
        self.kernel.bell.notify_all();
    }

    fn count(&self) -> u32 {
        // SAFETY: the other threads have ended.
        self.data.with(|data| unsafe { *data })
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn loom_of_three_one_is_in_and_all_get_their_turn() {
    explore(|| {
        let shared = Shared::new();
        let threads: Vec<_> = [TWO, THREE]
            .into_iter()
            .map(|me| {
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || shared.add_one(me))
            })
            .collect();
        shared.add_one(ONE);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(shared.count(), 3);
        assert_eq!(holder(&shared.word), None);
    });
}

#[test]
fn loom_who_dies_with_it_hands_on_to_one_that_is_told() {
    explore(|| {
        let shared = Shared::new();
        let threads: Vec<_> = [TWO, THREE]
            .into_iter()
            .map(|me| {
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || {
                    let taken = shared.take(me);
                    assert!(release(&shared.word, me, false, |word| shared.kernel.wake_one(word)));
                    taken
                })
            })
            .collect();
        let first = shared.take(ONE);
        assert_eq!(first, Taken::Yes);
        shared.die();
        let taken: Vec<Taken> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let told = taken.iter().filter(|taken| **taken == Taken::Abandoned).count();
        assert_eq!(shared.count(), 3);
        // The first to come after it, if it was not the last.
        let expected = usize::from(holder(&shared.word) != Some(ONE));
        assert_eq!(told, expected);
    });
}
